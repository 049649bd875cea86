package main

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"denybatch/internal/verdict"
)

// Files with bytes that flipped, went missing or came twice: each is either refused in one sentence or reported on
// row by row.
func TestHostileBytes(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(2026, 7))
	refused := 0
	files := sampleFiles(t)
	for n := range 200 {
		file := files[n%len(files)]
		whole, err := os.ReadFile(filepath.Join(samples, file))
		if err != nil {
			t.Fatal(err)
		}
		d := newDesk(t)
		d.write(t, file, string(mutated(rng, whole)))
		if !d.checkMutated(t, n, file) {
			refused++
		}
	}
	t.Logf("%d of 200 were refused", refused)
	if refused == 0 || refused == 200 {
		t.Error("that tests one side only")
	}
}

// mutated is a file to which one thing, or a few, happened.
func mutated(rng *rand.Rand, whole []byte) []byte {
	b := bytes.Clone(whole)
	for range 1 + rng.IntN(4) {
		at := rng.IntN(len(b))
		switch rng.IntN(5) {
		case 0, 1:
			b[at] ^= 1 << rng.IntN(8)
		case 2:
			b[at] = "\x00\"\n\r,;\t=\xff\xef<&"[rng.IntN(12)]
		case 3:
			b = append(b[:at:at], b[min(len(b), at+1+rng.IntN(50)):]...)
		case 4:
			b = append(b[:at:at], append(bytes.Clone(b[at:min(len(b), at+50)]), b[at:]...)...)
		}
	}
	if rng.IntN(8) == 0 {
		b = b[:rng.IntN(len(b))+1]
	}
	return b
}

// checkMutated checks one file and tells whether it could be read.
func (d *desk) checkMutated(t *testing.T, n int, file string) bool {
	t.Helper()
	code, stderr := inProcess(t, "check", "--reports", "csv", "--out", d.path("out"), d.path(file))
	if code == exitNothing {
		if stderr == "" || strings.Count(strings.TrimSpace(stderr), "\n") > 2 || len(stderr) > 1000 {
			t.Errorf("mutation %d of %s is refused with %q", n, file, stderr)
		}
		if _, err := os.Stat(d.path("out/report.csv")); err == nil {
			t.Errorf("mutation %d of %s is refused, but reported on", n, file)
		}
		return false
	}
	if stderr != "" || (code != exitDone && code != exitOpenRows) {
		t.Errorf("mutation %d of %s: exit status %d, %s", n, file, code, stderr)
		return true
	}
	d.checkRehearsed(t, n, file, code)
	return true
}

// checkRehearsed holds the report of a check against its exit status.
func (d *desk) checkRehearsed(t *testing.T, n int, file string, code int) {
	t.Helper()
	want, last := exitDone, 0
	for _, l := range d.report(t, "out") {
		switch l.result {
		case verdict.Invalid:
			want = exitOpenRows
		case verdict.WouldSend, verdict.Duplicate:
		default:
			t.Errorf("mutation %d of %s: row %d is %s", n, file, l.row, l.result)
		}
		if l.row <= last {
			t.Errorf("mutation %d of %s: row %d follows row %d", n, file, l.row, last)
		}
		last = l.row
	}
	if code != want {
		t.Errorf("mutation %d of %s: exit status %d, want %d", n, file, code, want)
	}
}

// inProcess runs a command without an environment in the test's own process, where a panic shows.
func inProcess(t *testing.T, args ...string) (code int, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := newRootCommand(func(string) string { return "" })
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&errs)
	err := cmd.ExecuteContext(t.Context())
	var status *statusError
	switch {
	case err == nil:
		return exitDone, errs.String()
	case errors.As(err, &status):
		return status.code, errs.String()
	}
	return exitNothing, errs.String() + err.Error()
}
