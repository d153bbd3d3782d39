package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

const probePatience = 3 * time.Second

// probe proves what the network lets through: a probe that must fail stands beside one that must
// succeed, with the same code.
func probe(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: sandbox probe connect <host:port> | resolve <name> | serve <:port>")
	}
	ctx, cancel := context.WithTimeout(context.Background(), probePatience)
	defer cancel()
	switch args[0] {
	case "connect":
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", args[1])
		if err != nil {
			return err
		}
		fmt.Println("connected")
		return connection.Close()
	case "resolve":
		addresses, err := net.DefaultResolver.LookupHost(ctx, args[1])
		if err != nil {
			return err
		}
		fmt.Println(addresses)
		return nil
	case "serve":
		host, _ := os.Hostname()
		return http.ListenAndServe(args[1], http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, host+"\n")
		}))
	}
	return fmt.Errorf("unknown probe %q", args[0])
}
