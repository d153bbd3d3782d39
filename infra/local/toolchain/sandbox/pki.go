package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const (
	day = 24 * time.Hour
	// Clocks differ, and a cluster starts the second after its certificates are made.
	backdate  = 10 * time.Minute
	caLife    = 3650 * day
	leafLife  = 365 * day
	renewLeft = 60 * day
)

// A request for one certificate; Hosts makes it a server's too.
type request struct {
	Name         string   `json:"name"`
	CommonName   string   `json:"commonName"`
	Organization string   `json:"organization"`
	Hosts        []string `json:"hosts"`
}

// issue fills <folder> with ca.{crt,key}, sa.{pub,key} and <name>.{crt,key} of each request in the
// JSON file. What is there, fits and lives for another 60 days is kept.
func issue(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: sandbox pki <folder> <requests.json>")
	}
	folder := args[0]
	content, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	var requests []request
	if err := json.Unmarshal(content, &requests); err != nil {
		return err
	}
	ca, caKey, err := authority(folder)
	if err != nil {
		return err
	}
	if err := tokenKey(folder); err != nil {
		return err
	}
	for _, one := range requests {
		if err := leaf(folder, one, ca, caKey); err != nil {
			return fmt.Errorf("certificate %s: %w", one.Name, err)
		}
	}
	return nil
}

func authority(folder string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certificate, key, err := load(folder, "ca")
	if err == nil && time.Until(certificate.NotAfter) > renewLeft {
		return certificate, key, nil
	}
	template := base("serantau-ca", "", caLife)
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, nil, err
	}
	if err := store(folder, "ca", template, template, key, key); err != nil {
		return nil, nil, err
	}
	return load(folder, "ca")
}

// tokenKey signs service account tokens; losing it would end every pod's token.
func tokenKey(folder string) error {
	if _, err := os.Stat(filepath.Join(folder, "sa.pub")); err == nil {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if err := storeKey(folder, "sa", key); err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	return storePem(filepath.Join(folder, "sa.pub"), "PUBLIC KEY", public)
}

func leaf(folder string, one request, ca *x509.Certificate, caKey *ecdsa.PrivateKey) error {
	certificate, _, err := load(folder, one.Name)
	if err == nil && fits(certificate, one, ca) {
		return nil
	}
	template := base(one.CommonName, one.Organization, leafLife)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(one.Hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, host := range one.Hosts {
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = append(template.IPAddresses, address)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	return store(folder, one.Name, template, ca, key, caKey)
}

func fits(certificate *x509.Certificate, one request, ca *x509.Certificate) bool {
	for _, host := range one.Hosts {
		if certificate.VerifyHostname(host) != nil {
			return false
		}
	}
	return certificate.CheckSignatureFrom(ca) == nil && time.Until(certificate.NotAfter) > renewLeft &&
		certificate.Subject.CommonName == one.CommonName
}

func base(commonName, organization string, life time.Duration) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	subject := pkix.Name{CommonName: commonName}
	if organization != "" {
		subject.Organization = []string{organization}
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    time.Now().Add(-backdate),
		NotAfter:     time.Now().Add(life),
	}
}

func load(folder, name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certificatePem, err := os.ReadFile(filepath.Join(folder, name+".crt"))
	if err != nil {
		return nil, nil, err
	}
	keyPem, err := os.ReadFile(filepath.Join(folder, name+".key"))
	if err != nil {
		return nil, nil, err
	}
	certificateBlock, _ := pem.Decode(certificatePem)
	keyBlock, _ := pem.Decode(keyPem)
	if certificateBlock == nil || keyBlock == nil {
		return nil, nil, fmt.Errorf("%s is not PEM", name)
	}
	certificate, err := x509.ParseCertificate(certificateBlock.Bytes)
	if err != nil {
		return nil, nil, err
	}
	key, err := x509.ParseECPrivateKey(keyBlock.Bytes)
	if err == nil && !key.PublicKey.Equal(certificate.PublicKey) {
		err = fmt.Errorf("%s.key is not the key of %s.crt", name, name)
	}
	return certificate, key, err
}

func store(folder, name string, template, parent *x509.Certificate, key, signer *ecdsa.PrivateKey) error {
	certificate, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return err
	}
	if err := storeKey(folder, name, key); err != nil {
		return err
	}
	return storePem(filepath.Join(folder, name+".crt"), "CERTIFICATE", certificate)
}

func storeKey(folder, name string, key *ecdsa.PrivateKey) error {
	encoded, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return storePem(filepath.Join(folder, name+".key"), "EC PRIVATE KEY", encoded)
}

func storePem(file, kind string, content []byte) error {
	encoded := pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	if err := os.WriteFile(file+".new", encoded, 0o600); err != nil {
		return err
	}
	return os.Rename(file+".new", file)
}
