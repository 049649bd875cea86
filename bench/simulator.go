package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strings"
)

// simulator is an upstream in its own process. Every run gets a new one, because a denial cannot be undone.
type simulator struct {
	process *exec.Cmd
	url     string
	env     map[string]string
}

func (b *bench) simulate(flags ...string) (*simulator, error) {
	s := &simulator{env: map[string]string{}}
	s.process = exec.CommandContext(b.ctx, b.binary, append([]string{"simulate", "--quiet"}, flags...)...)
	out, err := s.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	lines := bufio.NewScanner(out)
	if lines.Scan() {
		s.url = lines.Text()
	}
	for len(s.env) < 3 && lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		s.env[name] = value
	}
	if len(s.env) < 3 {
		s.stop()
		return nil, fmt.Errorf("denybatch simulate %s did not start", strings.Join(flags, " "))
	}
	return s, nil
}

func (s *simulator) stop() {
	s.process.Process.Kill()
	s.process.Wait()
}

// calls are what the simulator was asked.
type calls struct{ BulkCalls, Applied, Reads int }

func (s *simulator) calls() (c calls, err error) {
	resp, err := http.Get(s.url + "/_sim/calls")
	if err != nil {
		return c, err
	}
	defer resp.Body.Close()
	return c, json.NewDecoder(resp.Body).Decode(&c)
}
