package needs_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"denybatch/internal/needs"
)

// subject is a test that is ended, and remembers how.
type subject struct {
	testing.TB
	ended string
}

func (*subject) Helper()                     {}
func (s *subject) Skipf(f string, a ...any)  { s.end("skipped: " + fmt.Sprintf(f, a...)) }
func (s *subject) Fatalf(f string, a ...any) { s.end("failed: " + fmt.Sprintf(f, a...)) }
func (s *subject) Fatal(a ...any)            { s.end("failed: " + fmt.Sprint(a...)) }
func (s *subject) end(how string)            { s.ended = how; runtime.Goexit() }

// ask runs a test to its end and says how it ended: with the path it was given, or as it was ended.
func ask(t *testing.T, test func(testing.TB) string) string {
	s, path, done := &subject{TB: t}, "", make(chan struct{})
	go func() {
		defer close(done)
		path = test(s)
	}()
	<-done
	return s.ended + path
}

func TestProgramThatIsThere(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "convert-it")
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if err := os.WriteFile(path, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder)
	if got := ask(t, func(tb testing.TB) string { return needs.Program(tb, "convert-it", "converter") }); got != path {
		t.Errorf("got %q, want %q", got, path)
	}
}

func TestWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Chdir(folderWithoutPython(t))
	program := func(tb testing.TB) string { return needs.Program(tb, "soffice", "libreoffice-calc") }
	python := func(tb testing.TB) string { return needs.Python(tb, "openpyxl") }
	for _, c := range []struct {
		name, ci string
		test     func(testing.TB) string
		want     string
	}{
		{"ProgramIsSkipped", "", program, "skipped: soffice is missing: install it: apt-get install libreoffice-calc, or the like"},
		{"PythonIsSkipped", "", python, "skipped: Python with openpyxl is missing: run make .venv"},
		{"ProgramFailsInCI", "true", program, "failed: soffice is missing, and CI=true"},
		{"PythonFailsInCI", "true", python, "failed: Python with openpyxl is missing, and CI=true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("CI", c.ci)
			if got := ask(t, c.test); !strings.HasPrefix(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// folderWithoutPython looks like a checkout in which make .venv was never run.
func folderWithoutPython(t *testing.T) string {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "go.mod"), []byte("module m\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	below := filepath.Join(folder, "a", "b")
	if err := os.MkdirAll(below, 0o700); err != nil {
		t.Fatal(err)
	}
	return below
}
