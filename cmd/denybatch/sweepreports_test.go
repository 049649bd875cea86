package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"denybatch/internal/report"
	"denybatch/internal/verdict"
)

// sweepReport is one report of a sweep.
type sweepReport struct {
	summary report.SweepSummary
	lines   []sweepLine
}

// sweepLine is one line of it.
type sweepLine struct {
	kind, request, file string
	row                 int
	result              verdict.Result
	status, code, text  string
}

// sweeps are the reports of all sweeps, oldest first. Each is held against its summary.
func (d *desk) sweeps(t *testing.T, exchange string) (reports []sweepReport) {
	t.Helper()
	found, err := filepath.Glob(d.path(exchange + "/reports/reprocess/*/*/summary.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		reports = append(reports, readSweep(t, filepath.Dir(path)))
	}
	slices.SortFunc(reports, func(a, b sweepReport) int { return a.summary.Began.Compare(b.summary.Began) })
	return reports
}

func readSweep(t *testing.T, folder string) (r sweepReport) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "summary.json"))
	if err == nil {
		err = json.Unmarshal(text, &r.summary)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err = os.ReadFile(filepath.Join(folder, "report.csv"))
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	counts := verdict.Counts{}
	for _, rec := range records[1:] {
		l := lineOf(records[0], rec)
		counts[l.result]++
		r.lines = append(r.lines, l)
	}
	if len(r.lines) != r.summary.Items || !r.summary.Invariant.Holds || r.summary.Items == 0 {
		t.Errorf("%s: %d lines, and the summary is %+v", folder, len(r.lines), r.summary)
	}
	for _, result := range verdict.RequestResults {
		if counts[result] != r.summary.Counts[result] {
			t.Errorf("%s: %d lines are %s, the summary says %d", folder, counts[result], result, r.summary.Counts[result])
		}
	}
	return r
}

func lineOf(header, rec []string) sweepLine {
	cell := func(name string) string {
		if i := slices.Index(header, name); i >= 0 {
			return strings.TrimPrefix(rec[i], "'")
		}
		return ""
	}
	row, _ := strconv.Atoi(cell("result_row"))
	return sweepLine{cell("kind"), cell("requestId"), cell("file"), row, verdict.Result(cell("result")), cell("result_status"), cell("result_code"), cell("result_message")}
}
