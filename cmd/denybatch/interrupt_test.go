package main

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

// The first interrupt ends a run in order: what was sent is settled, the rest is not_sent, and all of it is reported.
// The same command finishes it later.
func TestInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot interrupt another one here")
	}
	t.Parallel()
	sim, file := backlog(t, upstreamtest.Config{Latency: 20 * time.Millisecond, InvX: upstreamtest.InvX{Mode: upstreamtest.Refuse}}, 0.05)
	d := newDeskAt(t, sim)
	d.write(t, "backlog.csv", file)
	p := d.start(t, "run", "--concurrency", "2", "backlog.csv")
	untilAsked(t, sim, 5)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if e := p.wait(t); e.code != exitStopped || !strings.Contains(e.stdout, "Stopped before the end: it was cancelled") {
		t.Fatalf("exit status %d\n%s%s", e.code, e.stdout, e.stderr)
	}
	checkInterrupted(t, sim, d.report(t, "backlog.denybatch"))
	d.mustRun(t, []int{exitOpenRows}, "run", "backlog.csv")
	checkUpstream(t, sim)
	for i, l := range d.report(t, "backlog.denybatch/run-2") {
		if problem := lie(l.result, sim.Truth(documentID(i))); problem != "" || l.result.Provisional() {
			t.Errorf("in the end row %d is %s: %s", l.row, l.result, problem)
		}
	}
}

// A run that waits because upstream asked it to does not keep the user waiting.
func TestInterruptedWhileWaiting(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot interrupt another one here")
	}
	t.Parallel()
	sim, file := backlog(t, upstreamtest.Config{Faults: "429:retry-after=600"}, 0)
	d := newDeskAt(t, sim)
	d.write(t, "backlog.csv", file)
	p := d.start(t, "run", "backlog.csv")
	untilAsked(t, sim, 1)
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if e := p.wait(t); e.code != exitStopped {
		t.Errorf("exit status %d\n%s%s", e.code, e.stdout, e.stderr)
	}
	if counts := tally(d.report(t, "backlog.denybatch")); counts[verdict.NotSent] != backlogRows {
		t.Errorf("%v", counts)
	}
}

// untilAsked waits for that many bulk calls.
func untilAsked(t *testing.T, sim *upstreamtest.Server, calls int) {
	t.Helper()
	for end := time.Now().Add(longest); sim.Counters().BulkCalls < calls; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("upstream was not asked %d times", calls)
		}
	}
}

func checkInterrupted(t *testing.T, sim *upstreamtest.Server, lines []line) {
	t.Helper()
	counts := tally(lines)
	if len(lines) != backlogRows || counts[verdict.NotSent] == 0 || counts[verdict.Denied] == 0 {
		t.Errorf("%d rows: %v", len(lines), counts)
	}
	for i, l := range lines {
		if problem := lie(l.result, sim.Truth(documentID(i))); problem != "" {
			t.Errorf("interrupted, row %d is %s, but %s", l.row, l.result, problem)
		}
	}
}

// A second process keeps its hands off a file that another one is working on.
func TestTwoAtOnce(t *testing.T) {
	t.Parallel()
	sim, file := backlog(t, upstreamtest.Config{Latency: 30 * time.Millisecond}, 0)
	d := newDeskAt(t, sim)
	d.write(t, "backlog.csv", file)
	first := d.start(t, "run", "--concurrency", "1", "backlog.csv")
	untilAsked(t, sim, 1)
	second := d.run(t, "run", "backlog.csv")
	if second.code != exitNothing || !strings.Contains(second.stderr, "another denybatch process is working on this file") {
		t.Errorf("second: exit status %d\n%s%s", second.code, second.stdout, second.stderr)
	}
	if e := first.wait(t); e.code != exitOpenRows {
		t.Errorf("first: exit status %d\n%s%s", e.code, e.stdout, e.stderr)
	}
	d.settledBacklog(t, sim)
}
