// The small tools of the embedded cluster's node. They use the standard library alone, so that the
// pause and probe images stay at a few megabytes.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const version = "1"

func main() {
	name := ""
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	var err error
	switch name {
	case "create":
		err = create(os.Args[2:])
	case "init":
		err = supervise(os.Args[2:])
	case "pki":
		err = issue(os.Args[2:])
	case "probe":
		err = probe(os.Args[2:])
	case "pause":
		pause()
	case "version":
		fmt.Println(version)
	default:
		err = fmt.Errorf("unknown component %q: expected create, init, pki, probe, pause or version", name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// pause holds the namespaces of a pod open and reaps what is left to it.
func pause() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGCHLD)
	for received := range signals {
		if received != syscall.SIGCHLD {
			return
		}
		for {
			if pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil); pid <= 0 || err != nil {
				break
			}
		}
	}
}
