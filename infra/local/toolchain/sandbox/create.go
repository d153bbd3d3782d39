package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

const namespaces = syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET |
	syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC

// create starts `init` as PID 1 of new namespaces, in its own session, and prints its pid as the
// host sees it. unshare(1) would stay beside it as a second process.
func create(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: sandbox create <folder> <hostname>")
	}
	log, err := openLog(filepath.Join(args[0], "log", "init.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := exec.Command(self, "init", args[0], args[1])
	command.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	command.Dir = "/"
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Setsid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("making the namespaces: %w", err)
	}
	fmt.Println(command.Process.Pid)
	return command.Process.Release()
}

// enter gives the new mount namespace its own proc. Mounts become private first, so that none
// reaches the host, then shared among themselves, which mount propagation into pods needs.
func enter(hostname string) error {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("making mounts private: %w", err)
	}
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_SHARED, ""); err != nil {
		return fmt.Errorf("making mounts shared: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting proc: %w", err)
	}
	return syscall.Sethostname([]byte(hostname))
}
