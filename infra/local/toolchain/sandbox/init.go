package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// A part is one long-running program of the node.
type part struct {
	Name string   `json:"name"`
	Args []string `json:"args"`
	Env  []string `json:"env"`
	// WaitFor is a URL of the API server that must answer 200 before the part starts: without it,
	// its clients would begin with failures and their long backoffs.
	WaitFor string `json:"waitFor"`
}

type exit struct {
	pid    int
	status syscall.WaitStatus
}

const (
	shortestPause = 200 * time.Millisecond
	longestPause  = 10 * time.Second
)

// supervise is PID 1: it starts the parts that <folder>/parts.json lists as soon as the file is
// there, restarts what ends, and reaps. Its end makes the kernel end every process, mount, link
// and packet rule of the node.
func supervise(args []string) error {
	if len(args) != 2 || os.Getpid() != 1 {
		return errors.New("init is started by `sandbox create <folder> <hostname>`")
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	if err := enter(args[1]); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(args[0], "entered"), nil, 0o600); err != nil {
		return err
	}
	parts, err := awaitParts(filepath.Join(args[0], "parts.json"), signals)
	if err != nil || parts == nil {
		return err
	}
	exits := make(chan exit)
	go reap(exits)
	node := &node{folder: args[0], running: map[int]*running{}, due: make(chan *running)}
	for _, one := range parts {
		go node.schedule(&running{part: one}, 0)
	}
	return node.loop(exits, signals)
}

func awaitParts(file string, signals <-chan os.Signal) ([]part, error) {
	for {
		content, err := os.ReadFile(file)
		if err == nil {
			var parts []part
			return parts, json.Unmarshal(content, &parts)
		}
		select {
		case <-signals:
			return nil, nil
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// reap collects every child, also those that containers left behind.
func reap(exits chan<- exit) {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if err == nil && pid > 0 {
			exits <- exit{pid, status}
		} else if err == syscall.ECHILD {
			time.Sleep(20 * time.Millisecond)
		}
	}
}

type running struct {
	part
	since time.Time
	pause time.Duration
}

type node struct {
	folder  string
	running map[int]*running
	due     chan *running
}

// schedule says when the part is due; the loop alone launches and owns the table, so no part can
// end before the table knows it.
func (n *node) schedule(one *running, pause time.Duration) {
	time.Sleep(pause)
	for one.WaitFor != "" && !answers(n.folder, one.WaitFor) {
		time.Sleep(50 * time.Millisecond)
	}
	n.due <- one
}

func (n *node) loop(exits <-chan exit, signals <-chan os.Signal) error {
	for {
		select {
		case <-signals:
			return nil
		case one := <-n.due:
			one.since = time.Now()
			pid, err := launch(one.part, filepath.Join(n.folder, "log", one.Name+".log"))
			if err == nil {
				n.running[pid] = one
			} else {
				n.again(one, err.Error())
			}
		case ended := <-exits:
			if one := n.running[ended.pid]; one != nil {
				delete(n.running, ended.pid)
				n.again(one, fmt.Sprintf("code %d, signal %d", ended.status.ExitStatus(), ended.status.Signal()))
			}
		}
	}
}

func (n *node) again(one *running, why string) {
	if time.Since(one.since) > longestPause {
		one.pause = 0
	}
	one.pause = min(max(2*one.pause, shortestPause), longestPause)
	fmt.Fprintf(os.Stderr, "%s %s ended (%s), again in %s\n",
		time.Now().UTC().Format(time.RFC3339), one.Name, why, one.pause)
	go n.schedule(one, one.pause)
}

func launch(one part, logFile string) (int, error) {
	program, err := exec.LookPath(one.Args[0])
	if err != nil {
		return 0, err
	}
	log, err := boundedLog(logFile)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	process, err := os.StartProcess(program, one.Args, &os.ProcAttr{
		Dir:   "/",
		Env:   append(os.Environ(), one.Env...),
		Files: []*os.File{nil, log, log},
		Sys:   &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, err
	}
	defer process.Release()
	return process.Pid, nil
}
