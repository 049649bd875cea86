package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// linux is where the local cloud runs, because the emulator starts the functions' own programs.
const linux = true

// detach makes a command the head of a process group that outlives us. What it starts belongs to the group.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} }

// arguments are those that a process was started with; empty when there is none.
func arguments(pid int) string {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return string(text)
}

// end stops a process group, gently for five seconds.
func end(pid int) error {
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		err := syscall.Kill(-pid, syscall.SIGTERM)
		if errors.Is(err, syscall.ESRCH) {
			return nil
		}
		if err != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := syscall.Kill(-pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
