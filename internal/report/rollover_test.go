package report

import (
	"bytes"
	"context"
	"slices"
	"testing"

	"github.com/xuri/excelize/v2"

	"denybatch/internal/objects"
	"denybatch/internal/verdict"
)

type scrap struct{ bytes.Buffer }

func (*scrap) Commit(context.Context) (objects.Info, error) { return objects.Info{}, nil }

func (*scrap) Abort() {}

// The real limit takes a million rows to reach, so this report is given a lower one.
func TestRowsGoOnOverWorksheets(t *testing.T) {
	var out scrap
	x, err := newXLSXReport(file{&out, "report.xlsx"}, Layout{Header: []string{"docId"}, Width: 1})
	if err != nil {
		t.Fatal(err)
	}
	x.limit = 101
	for i := range 250 {
		if err := x.add(Row{Cells: []string{"a"}, Verdict: verdict.Verdict{Row: i + 2, Result: verdict.Denied}}); err != nil {
			t.Fatal(err)
		}
	}
	s := Summary{Rows: 250}
	if err := x.finish(&s); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.GetSheetList(), []string{"Results", "Results 2", "Results 3", "Summary"}; !slices.Equal(got, want) {
		t.Fatalf("worksheets %q, want %q", got, want)
	}
	for name, want := range map[string]int{"Results": 101, "Results 2": 101, "Results 3": 51} {
		rows, err := f.GetRows(name)
		if err != nil || len(rows) != want || rows[0][0] != "docId" {
			t.Errorf("%s has %d rows (%v), want a heading and %d", name, len(rows), err, want-1)
		}
	}
	if len(s.Notes) != 1 {
		t.Errorf("notes %q", s.Notes)
	}
}
