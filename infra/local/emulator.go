package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// install puts the emulator into .tools/ministack, at the versions of scripts/requirements-cloud.txt, and returns its program.
func install(ctx context.Context, p place) (string, error) {
	list := filepath.Join(p.root, "scripts", "requirements-cloud.txt")
	venv := filepath.Join(p.root, ".tools", "ministack")
	made := filepath.Join(venv, "made")
	program := filepath.Join(venv, "bin", "ministack")
	want, err := os.ReadFile(list)
	if err != nil {
		return "", err
	}
	if have, err := os.ReadFile(made); err == nil && bytes.Equal(have, want) {
		return program, nil
	}
	say("installing the emulator into .tools/ministack")
	for _, command := range [][]string{
		{"python3", "-m", "venv", venv},
		{filepath.Join(venv, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", list},
	} {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		if said, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("install the emulator, which needs Python 3 with venv and pip: %s: %w\n%s", strings.Join(command[:3], " "), err, said)
		}
	}
	return program, os.WriteFile(made, want, 0o644)
}

// free reports that nobody else listens at the emulator's address.
func free(p place) error {
	l, err := net.Listen("tcp", p.address())
	if err != nil {
		return fmt.Errorf("%s is taken by another program: set PORT to a free port", p.address())
	}
	return l.Close()
}

// start runs the emulator in the background until down.
func start(ctx context.Context, p place, program string) error {
	log, err := os.Create(p.file("ministack.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	tmp := p.file("tmp")
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	cmd := exec.Command(program)
	cmd.Stdout, cmd.Stderr = log, log
	detach(cmd)
	// What stands here reaches the functions, too. AWS_ENDPOINT_URL and what follows are meant for them.
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + tmp, "TMPDIR=" + tmp, "PYTHONUNBUFFERED=1",
		"BIND_HOST=127.0.0.1", "MINISTACK_HOST=127.0.0.1", "GATEWAY_PORT=" + strconv.Itoa(p.port), "MINISTACK_REGION=" + region,
		"AWS_ENDPOINT_URL=" + p.endpoint(), "AWS_LAMBDA_LOG_FORMAT=JSON",
	}
	if p.strict {
		if err := certify(p.certificate(), p.file("key.pem")); err != nil {
			return err
		}
		cmd.Env = append(cmd.Env, "AUTH=true", "USE_SSL=1", "SSL_CERT_FILE="+p.certificate(),
			"MINISTACK_SSL_CERT="+p.certificate(), "MINISTACK_SSL_KEY="+p.file("key.pem"))
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := os.WriteFile(p.file("pid"), []byte(strconv.Itoa(cmd.Process.Pid)), 0o644); err != nil {
		return errors.Join(err, cmd.Process.Kill())
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := healthy(ctx, p, ended); err != nil {
		tail, _ := os.ReadFile(p.file("ministack.log"))
		return errors.Join(fmt.Errorf("the emulator did not start: %w\n%s", err, tail[max(0, len(tail)-2000):]), down(p))
	}
	say("the emulator listens at %s; its log is %s", p.endpoint(), p.file("ministack.log"))
	return nil
}

func healthy(ctx context.Context, p place, ended <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	client, err := p.client()
	if err != nil {
		return err
	}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.endpoint()+"/_ministack/health", nil)
		if err != nil {
			return err
		}
		if res, err := client.Do(req); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-ended:
			return fmt.Errorf("it ended: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// down ends the emulator that up started here, if it runs, and every function's process with it.
func down(p place) error {
	if err := os.MkdirAll(p.folder, 0o755); err != nil {
		return err
	}
	text, err := os.ReadFile(p.file("pid"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return fmt.Errorf("%s is damaged: %w", p.file("pid"), err)
	}
	if strings.Contains(arguments(pid), filepath.Join(p.root, ".tools")) { // and no stranger with the same number
		say("ending the emulator at %s", p.endpoint())
		if err := end(pid); err != nil {
			return err
		}
	}
	return errors.Join(os.Remove(p.file("pid")), os.RemoveAll(p.file("tmp")))
}
