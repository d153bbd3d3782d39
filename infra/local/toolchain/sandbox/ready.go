package main

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// answers asks the API server with the certificate it uses towards the kubelet: anybody whom it
// knows may ask, once its rules of access are there.
func answers(folder, url string) bool {
	pki := filepath.Join(folder, "pki")
	certificate, err := tls.LoadX509KeyPair(
		filepath.Join(pki, "apiserver-kubelet.crt"), filepath.Join(pki, "apiserver-kubelet.key"))
	if err != nil {
		return false
	}
	authorities := x509.NewCertPool()
	if ca, err := os.ReadFile(filepath.Join(pki, "ca.crt")); err != nil || !authorities.AppendCertsFromPEM(ca) {
		return false
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: authorities, Certificates: []tls.Certificate{certificate}},
		DisableKeepAlives: true,
	}
	client := &http.Client{Transport: transport, Timeout: 2 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}
