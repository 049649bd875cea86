package s3server

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// Kind is a server program.
type Kind struct {
	Name    string
	program string // below the module's folder
	command func(program, port, folder string) *exec.Cmd
}

// Versity is versitygw, which keeps objects as files. It cannot hold keys that are folders of others or have segments of
// more than 255 bytes, a Delete does not wait for a Replace, and where it keeps versions, conditions take a deleted
// object for one that is there.
var Versity = Kind{Name: "versitygw", program: ".tools/bin/versitygw", command: versity}

// Ministack is ministack, which emulates AWS in memory. It is also the local cloud's.
var Ministack = Kind{Name: "ministack", program: ".tools/ministack/bin/ministack", command: ministack}

func versity(program, port, folder string) *exec.Cmd {
	root, versions := filepath.Join(folder, "buckets"), filepath.Join(folder, "versions")
	cmd := exec.Command(program, "--port", "127.0.0.1:"+port, "--region", Region, "--quiet", "--keep-alive",
		"posix", "--versioning-dir", versions, root)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+Access, "ROOT_SECRET_KEY="+Secret)
	return cmd
}

func ministack(program, port, folder string) *exec.Cmd {
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "TMPDIR="+folder, "HOME="+folder)
	return cmd
}

// find returns the path of the program.
func find(t testing.TB, kind Kind) string {
	t.Helper()
	program := filepath.Join(moduleFolder(t), kind.program)
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if _, err := os.Stat(program); err == nil {
		return program
	}
	missing := kind.Name + " is not installed: make tools"
	if ci, _ := strconv.ParseBool(os.Getenv("CI")); ci {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// moduleFolder returns the folder of the module that is under test.
func moduleFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			err = errors.New("the tests do not run in a module")
		}
		folder = filepath.Dir(folder)
	}
	t.Fatal(err)
	return ""
}

// process is a running program and its folder.
type process struct {
	cmd    *exec.Cmd
	folder string
	output bytes.Buffer // complete when it has ended
	ended  chan struct{}
}

// run starts a program in a new folder.
func run(kind Kind, program, port string) (*process, error) {
	folder, err := os.MkdirTemp("", kind.Name+"-*")
	if err != nil {
		return nil, err
	}
	p := &process{cmd: kind.command(program, port, folder), folder: folder, ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = folder, &p.output, &p.output
	err = errors.Join(os.Mkdir(filepath.Join(folder, "buckets"), 0o777), os.Mkdir(filepath.Join(folder, "versions"), 0o777), p.cmd.Start())
	if err != nil {
		os.RemoveAll(folder)
		return nil, err
	}
	go func() {
		p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// stop ends the process and removes its folder.
func (p *process) stop() {
	p.cmd.Process.Kill()
	<-p.ended
	os.RemoveAll(p.folder)
}
