package report_test

import (
	"slices"
	"strings"
	"testing"

	"denybatch/internal/objects/dir"
	"denybatch/internal/report"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

// hardCells are rows that come back from the real reader as they went in.
var hardCells = [][]string{
	{"a1", "=1+1", "-12.50"},
	{"007", "'quoted", "1234567890123456789"},
	{"b;2,c\t|", "line\nbreak", "\"said\""},
	{"_x0041_", "ação é €", "12.5"},
	{"", "-", "@x"},
	{"c3", "''=2", "1e5"},
	{"=d4", " spaced ", "2026-03-04"},
}

func hardRows() (rows []report.Row) {
	for i, cells := range hardCells {
		rows = append(rows, report.Row{Cells: cells, Verdict: verdict.Verdict{Row: i + 2, Result: verdict.Invalid, Code: "c", Message: "=not, a \"formula\""}})
	}
	return rows
}

func read(t *testing.T, text string) (sheet.Reading, [][]string) {
	t.Helper()
	b, err := sheet.Open("file", strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	var rows [][]string
	for row, err := range b.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, slices.Clone(row.Cells))
	}
	return b.Reading(), rows
}

// fitted is cells without what pads them.
func fitted(cells []string) []string {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	return cells
}

func unescaped(rows [][]string) [][]string {
	for _, cells := range rows {
		for i := range cells {
			cells[i] = report.Unescape(cells[i])
		}
	}
	return rows
}

func TestReportsCanBeDroppedBackIn(t *testing.T) {
	header := []string{"docId", "comments", "amount"}
	readings := map[string]sheet.Reading{
		"Plain":     {Format: sheet.CSV, Encoding: "utf-8", Delimiter: ",", Newline: "\n"},
		"Excel":     {Format: sheet.CSV, Encoding: "utf-8-bom", Delimiter: ";", Newline: "\r\n"},
		"SepLine":   {Format: sheet.CSV, Encoding: "windows-1252", Delimiter: ";", SepLine: true, Newline: "\r\n"},
		"UTF16":     {Format: sheet.CSV, Encoding: "utf-16le", Delimiter: "\t", Newline: "\r\n"},
		"BigEndian": {Format: sheet.CSV, Encoding: "utf-16be", Delimiter: ",", Newline: "\r\n"},
		"Macintosh": {Format: sheet.CSV, Encoding: "utf-8", Delimiter: ";", Newline: "\r"},
		"Bars":      {Format: sheet.CSV, Encoding: "utf-8", Delimiter: "|", Newline: "\n"},
		"Workbook":  {Format: sheet.XLSX, Sheet: "Notas"},
	}
	for name, reading := range readings {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			rows := hardRows()
			s := publish(t, m, rows, report.Layout{Header: header, Width: 3, Reading: reading})

			got, retry := read(t, m.text(s.Reports["retry"]))
			if got != reading {
				t.Errorf("the retry file is read as %+v, want %+v", got, reading)
			}
			if reading.Format == sheet.CSV {
				retry = unescaped(retry)
			}
			_, csv := read(t, m.text("p/report.csv"))
			csv = unescaped(csv)
			_, xlsx := read(t, m.text("p/report.xlsx"))
			for i, cells := range append([][]string{header}, hardCells...) {
				result := []string{"invalid", "", "c", "=not, a \"formula\"", string('1' + rune(i))}
				if i == 0 {
					result = report.Columns()
				}
				whole := append(slices.Clone(cells), result...)
				compare(t, "retry", retry[i], cells)
				compare(t, "report.csv", csv[i], whole)
				compare(t, "report.xlsx", xlsx[i], whole)
			}
		})
	}
}

func compare(t *testing.T, name string, got, want []string) {
	t.Helper()
	if !slices.Equal(fitted(got), fitted(want)) {
		t.Errorf("%s holds %q, want %q", name, got, want)
	}
}

func TestPublishIntoAFolder(t *testing.T) {
	out, err := dir.New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		s, err := report.Publish(t.Context(), out, "p/", summaryOf(twoRows, plainCSV), twoColumns, sequence(twoRows))
		if err != nil || !s.Invariant.Holds {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	var keys []string
	for info, err := range out.List(t.Context(), "p/", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	if !slices.Equal(keys, wholeSet) {
		t.Errorf("the folder holds %q, want %q", keys, wholeSet)
	}
}
