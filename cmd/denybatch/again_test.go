package main

import (
	"slices"
	"strings"
	"testing"

	"denybatch/internal/report"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

// comments that a spreadsheet program would run, or that look as if somebody had escaped them already.
var lively = []string{
	"=1+1", "@SUM(A1:A9)", "-2+3", "+A1", "\t=1+1", "＝1+1", "=HYPERLINK(\"http://x.invalid\",\"click\")", "'=1+1", "''-2+3",
	"'plain", "-12.50", "|calc", "%0A", "=1+1\n=2+2", "\"=1+1\"", ";=1+1",
}

// livelyBatch denies one document for each comment, cannot deny a second one, and misses something on a third.
func livelyBatch(t *testing.T) (sim *upstreamtest.Server, rows [][]string) {
	t.Helper()
	sim = upstreamtest.Start(t, upstreamtest.Config{Seed: 1, InvX: upstreamtest.InvX{Mode: upstreamtest.Refuse}})
	for i, comment := range lively {
		good, bad := documentID(2*i), documentID(2*i+1)
		if err := sim.Add(upstreamtest.Document{DocID: good}, upstreamtest.Document{DocID: bad, Status: "240"}); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, []string{good, comment}, []string{bad, comment}, []string{"", comment})
	}
	return sim, rows
}

// csvOf writes rows as denybatch's own reports do: lively text is escaped.
func csvOf(rows [][]string) string {
	var b strings.Builder
	b.WriteString("docId,comments\n")
	for _, row := range rows {
		b.WriteString(row[0] + `,"` + strings.ReplaceAll(report.Escape(row[1]), `"`, `""`) + "\"\n")
	}
	return b.String()
}

// A report that is dropped back in skips what is done and runs the rest, however often.
func TestReportsAreDroppedBackIn(t *testing.T) {
	for _, name := range []string{"report.csv", "report.xlsx"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, rows := livelyBatch(t)
			d := newDeskAt(t, sim)
			d.write(t, "batch.csv", csvOf(rows))
			d.mustRun(t, []int{exitOpenRows}, "run", "--out", "first", "batch.csv")
			checkLively(t, sim, d.report(t, "first"), rows, verdict.Denied, verdict.Rejected)
			mend(t, sim)
			d.mustRun(t, []int{exitOpenRows}, "run", "--out", "second", "first/"+name)
			second := d.report(t, "second")
			checkLively(t, sim, second, rows, verdict.Skipped, verdict.Denied)
			d.mustRun(t, []int{exitOpenRows}, "run", "--out", "third", "second/"+name)
			checkLively(t, sim, d.report(t, "third"), rows, verdict.Skipped, verdict.Skipped)
			if header := d.rows(t, "third/"+name)[0]; len(header) != 2+len(report.Columns()) {
				t.Errorf("the heading has become %q", header)
			}
			checkUpstream(t, sim)
		})
	}
}

// mend turns one document that could not be denied into one that can.
func mend(t *testing.T, sim *upstreamtest.Server) {
	t.Helper()
	if err := sim.Add(upstreamtest.Document{DocID: documentID(1)}); err != nil {
		t.Fatal(err)
	}
}

// checkLively wants every good document denied with its comment as typed, and the given verdicts about those and about
// the mended one.
func checkLively(t *testing.T, sim *upstreamtest.Server, lines []line, rows [][]string, good, mended verdict.Result) {
	t.Helper()
	if len(lines) != len(rows) {
		t.Fatalf("%d rows, want %d", len(lines), len(rows))
	}
	for i, l := range lines {
		want := []verdict.Result{good, verdict.Rejected, verdict.Invalid}[i%3]
		truth := sim.Truth(rows[i][0])
		if i == 1 {
			want = mended
		}
		if l.result != want {
			t.Errorf("row %d (%q) is %s (%s), want %s", l.row, rows[i][1], l.result, l.text, want)
		}
		if got := report.Unescape(l.cells[1]); got != rows[i][1] {
			t.Errorf("row %d: the comment has become %q, was %q", l.row, l.cells[1], rows[i][1])
		}
		if i%3 == 0 && (truth.Applied != 1 || truth.Comment != strings.TrimSpace(rows[i][1])) {
			t.Errorf("row %d: denied %d times with %q, want once with %q", l.row, truth.Applied, truth.Comment, rows[i][1])
		}
	}
}

// A mended retry file runs to its end; an unmended one says the same again.
func TestRetryIsDroppedBackIn(t *testing.T) {
	t.Parallel()
	sim, rows := livelyBatch(t)
	d := newDeskAt(t, sim)
	d.write(t, "batch.csv", csvOf(rows))
	d.mustRun(t, []int{exitOpenRows}, "run", "--out", "first", "batch.csv")
	d.mustRun(t, []int{exitOpenRows}, "run", "--out", "second", "first/retry.csv")
	if d.read(t, "second/retry.csv") != d.read(t, "first/retry.csv") {
		t.Error("the retry file of a retry file is another one")
	}
	for i := range lively {
		if err := sim.Add(upstreamtest.Document{DocID: documentID(2*i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	d.mustRun(t, []int{exitOpenRows}, "run", "--out", "third", "second/retry.csv")
	for i := range lively {
		truth := sim.Truth(documentID(2*i + 1))
		if truth.Applied != 1 || truth.Comment != strings.TrimSpace(lively[i]) {
			t.Errorf("denied %d times with %q, want once with %q", truth.Applied, truth.Comment, lively[i])
		}
	}
	left := d.report(t, "third")
	if slices.ContainsFunc(left, func(l line) bool { return l.result != verdict.Denied && l.result != verdict.Invalid }) {
		t.Errorf("the third run says %s", results(left))
	}
	checkUpstream(t, sim)
}
