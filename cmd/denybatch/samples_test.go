package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"denybatch/internal/report"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

const samples = "../../samples"

// expectation is one line of samples/expected.
type expectation struct {
	Row    int            `json:"row"`
	DocID  string         `json:"docId"`
	Result verdict.Result `json:"result"`
}

func sampleFiles(t *testing.T) []string {
	t.Helper()
	expected, err := filepath.Glob(samples + "/expected/*.json")
	if err != nil || len(expected) < 11 {
		t.Fatalf("%d samples: %v", len(expected), err)
	}
	var files []string
	for _, path := range expected {
		files = append(files, strings.TrimSuffix(filepath.Base(path), ".json"))
	}
	return files
}

func expected(t *testing.T, file string) []expectation {
	t.Helper()
	b, err := os.ReadFile(samples + "/expected/" + file + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all []expectation
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// startSeeded is an upstream in the state that samples/upstream.csv describes.
func startSeeded(t *testing.T, cfg upstreamtest.Config) *upstreamtest.Server {
	t.Helper()
	seed, err := os.Open(samples + "/upstream.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer seed.Close()
	cfg.InvX.CSV = seed
	return upstreamtest.Start(t, cfg)
}

// troubles are rich enough to befall even a sample of one call, and for the many calls of the large one, rare enough to
// let the test end soon.
var troubles = map[bool]string{
	false: "lost=0.07,5xx=0.05,429=0.05:retry-after=0,truncated=0.07,missing=0.2,shuffle=0.5,413:items=30,read.5xx=0.04,read.lost=0.04",
	true:  "lost=0.01,5xx@5;90,429@9;30;31:retry-after=0,429@60:retry-after=1,truncated=0.01,missing=0.05,shuffle=0.5,413:items=45,read.5xx=0.01,read.lost=0.01",
}

func TestEverySampleGetsItsVerdicts(t *testing.T) {
	for _, mode := range []upstreamtest.Mode{upstreamtest.Item, upstreamtest.Refuse, upstreamtest.Partial} {
		for _, weather := range []string{"calm", "troubled"} {
			t.Run(string(mode)+"/"+weather, func(t *testing.T) {
				t.Parallel()
				sim := startSeeded(t, upstreamtest.Config{Seed: 3, InvX: upstreamtest.InvX{Mode: mode}})
				for _, file := range sampleFiles(t) {
					if weather == "troubled" {
						mustSet(t, sim, troubles[file == "five-thousand.xlsx"])
					}
					t.Run(file, func(t *testing.T) { runSample(t, sim, file) })
				}
				checkUpstream(t, sim)
			})
		}
	}
}

func mustSet(t *testing.T, sim *upstreamtest.Server, faults string) {
	t.Helper()
	if err := sim.SetFaults(faults); err != nil {
		t.Fatal(err)
	}
}

func runSample(t *testing.T, sim *upstreamtest.Server, file string) {
	d := newDeskAt(t, sim)
	d.bring(t, filepath.Join(samples, file))
	want := expected(t, file)
	d.mustRun(t, []int{codeFor(want)}, "run", file)
	folder := strings.TrimSuffix(file, filepath.Ext(file)) + ".denybatch"
	lines := d.report(t, folder)
	checkExpected(t, sim, lines, want)
	if book := d.workbook(t, folder); results(book) != results(lines) {
		t.Errorf("report.xlsx says %s,\nreport.csv says %s", results(book), results(lines))
	}
	d.checkRetry(t, file, folder, lines)
	mustSet(t, sim, "")
	d.retry(t, sim, folder)
}

// codeFor is the exit status of a run with these verdicts.
func codeFor(all []expectation) int {
	for _, e := range all {
		if !e.Result.Settled() {
			return exitOpenRows
		}
	}
	return exitDone
}

func checkExpected(t *testing.T, sim *upstreamtest.Server, lines []line, want []expectation) {
	t.Helper()
	if len(lines) != len(want) {
		t.Fatalf("%d rows, want %d", len(lines), len(want))
	}
	for i, l := range lines {
		w := want[i]
		if l.row != w.Row || l.result != w.Result {
			t.Errorf("row %d is %s (%s %s), want row %d %s", l.row, l.result, l.code, l.text, w.Row, w.Result)
		}
		if !slices.ContainsFunc(l.cells, func(c string) bool { return trimmed(c) == w.DocID }) {
			t.Errorf("row %d lacks its id %q: %q", l.row, w.DocID, l.cells)
		}
		if problem := lie(l.result, sim.Truth(w.DocID)); problem != "" {
			t.Errorf("row %d (%s) is %s, but %s", l.row, w.DocID, l.result, problem)
		}
	}
}

func trimmed(cell string) string {
	return strings.Trim(report.Unescape(cell), " \t\r\n\u00a0\u200b\ufeff")
}

// checkRetry holds the retry file against the rows of the user's file that it should repeat.
func (d *desk) checkRetry(t *testing.T, file, folder string, lines []line) {
	t.Helper()
	name := d.retryFile(t, folder)
	was, is := d.reading(t, file), d.reading(t, name)
	if is.Format != was.Format || is.Delimiter != was.Delimiter || is.Encoding != was.Encoding || is.Newline != was.Newline {
		t.Errorf("%s is read as %+v, %s as %+v", name, is, file, was)
	}
	if is.Sheet != was.Sheet {
		t.Errorf("the sheet of %s is %q, of %s %q", name, is.Sheet, file, was.Sheet)
	}
	var want [][]string
	for _, l := range lines {
		switch l.result {
		case verdict.Rejected, verdict.Invalid, verdict.Unknown, verdict.NotSent:
			want = append(want, l.cells)
		}
	}
	got := d.rows(t, name)[1:]
	if len(got) != len(want) {
		t.Fatalf("%s has %d rows, want %d", name, len(got), len(want))
	}
	for i := range got {
		if !slices.Equal(bare(got[i]), bare(want[i])) {
			t.Errorf("%s: %q, want %q", name, got[i], want[i])
		}
	}
}

// bare is a row without empty cells at its end.
func bare(cells []string) []string {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

func (d *desk) retryFile(t *testing.T, folder string) string {
	t.Helper()
	for _, name := range []string{"retry.csv", "retry.xlsx"} {
		if _, err := os.Stat(d.path(folder + "/" + name)); err == nil {
			return folder + "/" + name
		}
	}
	t.Fatalf("%s holds no retry file", folder)
	return ""
}

func (d *desk) reading(t *testing.T, name string) sheet.Reading {
	t.Helper()
	book, err := sheet.OpenFile(d.path(name))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	return book.Reading()
}

// retry runs the retry file: nothing in it was mended, so nothing in it may be denied.
func (d *desk) retry(t *testing.T, sim *upstreamtest.Server, folder string) {
	t.Helper()
	before := sim.Counters().Applied
	d.mustRun(t, []int{exitDone, exitOpenRows}, "run", "--out", "again", d.retryFile(t, folder))
	for _, l := range d.report(t, "again") {
		if l.result != verdict.Rejected && l.result != verdict.Invalid {
			t.Errorf("retried unchanged, row %d is %s", l.row, l.result)
		}
	}
	if sim.Counters().Applied != before {
		t.Errorf("a retry of what cannot be denied denied something")
	}
}
