package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"denybatch/pkg/upstream/upstreamtest"
)

// The tests run the real program, built once, as a user would: in a folder, with an environment, against an upstream
// behind a real socket.

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "denybatch-test-")
	if err != nil {
		panic(err)
	}
	built = sync.OnceValues(func() (string, error) { return buildProgram(dir) })
	if flag.Parse(); flag.Lookup("test.parallel").Value.String() == fmt.Sprint(runtime.GOMAXPROCS(0)) {
		flag.Set("test.parallel", "5") // most tests mostly wait: for retries, outages and other processes
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

var built func() (string, error)

func buildProgram(dir string) (string, error) {
	path := filepath.Join(dir, "denybatch.exe")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
}

// desk is a user's folder and environment.
type desk struct {
	dir string
	env map[string]string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir := t.TempDir()
	return &desk{dir: dir, env: map[string]string{"PATH": os.Getenv("PATH"), "HOME": dir}}
}

// newDeskAt is a desk whose environment names an upstream.
func newDeskAt(t *testing.T, sim *upstreamtest.Server) *desk {
	t.Helper()
	d := newDesk(t)
	d.connect(sim)
	return d
}

func (d *desk) connect(sim *upstreamtest.Server) {
	d.env["DENYBATCH_INVX_URL"], d.env["DENYBATCH_INVX_ORG"] = sim.URL(), sim.Org()
	if sim.Token() != "" {
		d.env["DENYBATCH_INVX_TOKEN"] = sim.Token()
	}
	d.env["DENYBATCH_ROIT_URL"], d.env["DENYBATCH_ROIT_TOKEN"] = sim.URL(), sim.ROITToken()
}

func (d *desk) path(name string) string { return filepath.Join(d.dir, filepath.FromSlash(name)) }

func (d *desk) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(d.path(name)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.path(name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(d.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// bring copies a file to the desk, under its own name.
func (d *desk) bring(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	d.write(t, filepath.Base(path), string(b))
	return filepath.Base(path)
}

// process is one run of the program.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr transcript
}

// transcript is what a process prints. It can be read while more is printed.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(b)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

// ending is how a process ended. The code is -1 when a signal ended it.
type ending struct {
	code           int
	stdout, stderr string
}

// longest is how long a process may take before it counts as hung.
const longest = 2 * time.Minute

func (d *desk) start(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), longest)
	t.Cleanup(cancel)
	p := &process{cmd: exec.CommandContext(ctx, path, args...)}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = d.dir, &p.stdout, &p.stderr
	for name, value := range d.env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) wait(t *testing.T) ending {
	t.Helper()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	e := ending{p.cmd.ProcessState.ExitCode(), p.stdout.String(), p.stderr.String()}
	if strings.Contains(e.stderr, "panic:") || strings.Contains(e.stderr, "goroutine ") {
		t.Errorf("%s panicked:\n%s", strings.Join(p.cmd.Args[1:], " "), e.stderr)
	}
	for _, token := range []string{upstreamtest.DefaultToken, upstreamtest.DefaultROITToken, upstreamtest.DefaultCallbackToken} {
		if strings.Contains(e.stdout+e.stderr, token) {
			t.Errorf("%s printed the token %s", strings.Join(p.cmd.Args[1:], " "), token)
		}
	}
	return e
}

func (d *desk) run(t *testing.T, args ...string) ending {
	t.Helper()
	return d.start(t, args...).wait(t)
}

// mustRun is run that has to end with one of the exit statuses.
func (d *desk) mustRun(t *testing.T, codes []int, args ...string) ending {
	t.Helper()
	e := d.run(t, args...)
	for _, code := range codes {
		if e.code == code {
			return e
		}
	}
	t.Fatalf("%s: exit status %d, want %v\n%s%s", strings.Join(args, " "), e.code, codes, e.stdout, e.stderr)
	return e
}
