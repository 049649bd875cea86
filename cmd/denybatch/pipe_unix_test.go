//go:build unix

package main

import (
	"strings"
	"syscall"
	"testing"
)

// A pipe is refused at once, even one that nobody writes into.
func TestPipe(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if err := syscall.Mkfifo(d.path("pipe.csv"), 0o600); err != nil {
		t.Skip(err)
	}
	e := d.run(t, "check", "pipe.csv")
	if e.code != exitNothing || !strings.Contains(e.stderr, "pipe.csv: is not a file") {
		t.Errorf("exit status %d, %s", e.code, e.stderr)
	}
}
