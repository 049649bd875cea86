package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"denybatch/internal/report"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

// line is one row of a report: the user's cells and the result columns by their names.
type line struct {
	cells  []string
	row    int
	result verdict.Result
	status string
	code   string
	text   string
}

func (d *desk) summary(t *testing.T, folder string) report.Summary {
	t.Helper()
	var s report.Summary
	if err := json.Unmarshal([]byte(d.read(t, folder+"/summary.json")), &s); err != nil {
		t.Fatal(err)
	}
	total := verdict.Counts(s.Counts).Total()
	if !s.Invariant.Holds || total != s.Rows {
		t.Errorf("%s: %d verdicts for %d rows, invariant %+v", folder, total, s.Rows, s.Invariant)
	}
	return s
}

// report reads report.csv with the standard library's reader, and holds it against the summary beside it.
func (d *desk) report(t *testing.T, folder string) []line {
	t.Helper()
	s := d.summary(t, folder)
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix([]byte(d.read(t, folder+"/report.csv")), []byte("\ufeff"))))
	if s.Reading.Delimiter != "" {
		r.Comma = rune(s.Reading.Delimiter[0])
	}
	records, err := r.ReadAll()
	if err != nil {
		t.Fatalf("%s/report.csv: %v", folder, err)
	}
	lines := linesOf(t, records)
	if len(lines) != s.Rows {
		t.Errorf("%s: report.csv has %d rows, the summary %d", folder, len(lines), s.Rows)
	}
	for result, n := range tally(lines) {
		if s.Counts[result] != n {
			t.Errorf("%s: %d rows are %s, the summary says %d", folder, n, result, s.Counts[result])
		}
	}
	return lines
}

// workbook reads the rows of report.xlsx with the program's own reader.
func (d *desk) workbook(t *testing.T, folder string) []line {
	t.Helper()
	return linesOf(t, d.rows(t, folder+"/report.xlsx"))
}

// rows are all rows of a spreadsheet that are not blank.
func (d *desk) rows(t *testing.T, name string) [][]string {
	t.Helper()
	book, err := sheet.OpenFile(d.path(name))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	seen, err := book.Inspect(0)
	if err != nil {
		t.Fatal(err)
	}
	return seen.Rows
}

func linesOf(t *testing.T, records [][]string) []line {
	t.Helper()
	if len(records) == 0 {
		t.Fatal("there is not even a heading")
	}
	n := len(records[0]) - len(report.Columns())
	if n < 0 || !slices.Equal(records[0][n:], report.Columns()) {
		t.Fatalf("the heading is %q", records[0])
	}
	var lines []line
	for _, rec := range records[1:] {
		rec = append(rec, make([]string, max(0, len(records[0])-len(rec)))...)
		row, err := strconv.Atoi(rec[n+4])
		if err != nil {
			t.Fatalf("result_row of %q: %v", rec, err)
		}
		lines = append(lines, line{cells: rec[:n], row: row, result: verdict.Result(rec[n]), status: rec[n+1], code: rec[n+2], text: rec[n+3]})
	}
	return lines
}

func tally(lines []line) verdict.Counts {
	c := verdict.Counts{}
	for _, l := range lines {
		c[l.result]++
	}
	return c
}

// results is "2 denied, 3 rejected": a report in a few words.
func results(lines []line) string {
	var words []string
	for _, l := range lines {
		words = append(words, fmt.Sprintf("%d %s", l.row, l.result))
	}
	return strings.Join(words, ", ")
}

// lie says how a verdict about a document differs from what happened to it upstream, or "".
func lie(result verdict.Result, truth upstreamtest.Truth) string {
	happened := fmt.Sprintf("it is in state %q, denied before: %v, denied %d times now, asked for %d times",
		truth.Status, truth.DeniedBefore, truth.Applied, truth.Asked)
	ok := true
	switch result {
	case verdict.Denied:
		ok = truth.Applied == 1 && !truth.DeniedBefore && truth.Status == "220"
	case verdict.AlreadyDenied:
		ok = truth.Applied == 0 && truth.DeniedBefore
	case verdict.Rejected:
		ok = truth.Applied == 0 && truth.Status != "220"
	case verdict.NotSent:
		ok = truth.Applied == 0
	}
	if ok {
		return ""
	}
	return happened
}

// checkUpstream holds what no run may ever do.
func checkUpstream(t *testing.T, sim *upstreamtest.Server) {
	t.Helper()
	if n := sim.Counters().DoubleDenials; n > 0 {
		t.Errorf("%d documents were denied twice", n)
	}
	for _, v := range sim.Violations() {
		t.Errorf("protocol violation: %s", v)
	}
}
