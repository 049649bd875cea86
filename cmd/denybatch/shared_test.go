package main

import (
	"strings"
	"testing"
	"time"

	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

// Two files are run into one folder at once. Whatever happens, neither report is taken for the other's.
func TestTwoFilesIntoOneFolder(t *testing.T) {
	t.Parallel()
	sim, file := backlog(t, upstreamtest.Config{Latency: 30 * time.Millisecond}, 0)
	d := newDeskAt(t, sim)
	d.write(t, "backlog.csv", file)
	d.write(t, "other.csv", "docId,comments\n"+documentID(backlogRows+1)+",Not ours\n")
	first := d.start(t, "run", "--concurrency", "1", "--out", "reports", "backlog.csv")
	untilAsked(t, sim, 1)
	second := d.run(t, "run", "--out", "reports", "other.csv")
	e := first.wait(t)
	if second.code != exitNothing || !strings.Contains(second.stderr, "is going to report into reports") {
		t.Errorf("second: exit status %d\n%s%s", second.code, second.stdout, second.stderr)
	}
	if lines := d.report(t, "reports"); e.code != exitOpenRows || len(lines) != backlogRows {
		t.Errorf("first: exit status %d, %d rows\n%s%s", e.code, len(lines), e.stdout, e.stderr)
	}
	d.mustRun(t, []int{exitOpenRows}, "run", "--out", "reports", "other.csv")
	if lines := d.report(t, "reports"); len(lines) != 1 || lines[0].result != verdict.Rejected {
		t.Errorf("afterwards the second says %s", results(lines))
	}
}
