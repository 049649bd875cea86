package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// usage is what a process took.
type usage struct {
	wall time.Duration
	peak int // bytes of memory
}

// deny has denybatch run a file against s, in a new folder that is removed afterwards.
func (b *bench) deny(s *simulator, file string, flags ...string) (usage, error) {
	out := filepath.Join(b.folder, "out")
	defer os.RemoveAll(out)
	cmd := exec.CommandContext(b.ctx, b.binary, append([]string{"run", "--out", out, file}, flags...)...)
	cmd.Env = environment(s)
	return measured(cmd)
}

// environment is ours, with no settings of denybatch but those of s.
func environment(s *simulator) []string {
	var env []string
	for _, setting := range os.Environ() {
		if !strings.HasPrefix(setting, "DENYBATCH_") {
			env = append(env, setting)
		}
	}
	for name, value := range s.env {
		env = append(env, name+"="+value)
	}
	return env
}

// measured runs a command to its end. An exit status of 1 is an end: some rows were rightly not denied.
func measured(cmd *exec.Cmd) (usage, error) {
	began := time.Now()
	out, err := cmd.CombinedOutput()
	u := usage{wall: time.Since(began)}
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() > 1 || cmd.ProcessState.ExitCode() < 0 {
		return u, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	u.peak = peakMemory(cmd.ProcessState)
	return u, nil
}
