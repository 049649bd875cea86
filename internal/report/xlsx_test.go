package report_test

import (
	"archive/zip"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/xuri/excelize/v2"

	"denybatch/internal/report"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

var excelInput = sheet.Reading{Format: sheet.XLSX, Sheet: "Notas d'agosto"}

func workbook(t testing.TB, m *memory, key string) *excelize.File {
	t.Helper()
	f, err := excelize.OpenReader(strings.NewReader(m.text(key)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func cellText(t testing.TB, f *excelize.File, sheet, cell string) string {
	t.Helper()
	v, err := f.GetCellValue(sheet, cell, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWorkbookHoldsRowsAndVerdicts(t *testing.T) {
	m := newMemory()
	publish(t, m, twoRows, twoColumns)
	f := workbook(t, m, "p/report.xlsx")
	if got := f.GetSheetList(); !slices.Equal(got, []string{"Results", "Summary"}) {
		t.Fatalf("worksheets %q", got)
	}
	rows, err := f.GetRows("Results")
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		append([]string{"docId", "comments"}, report.Columns()...),
		{"a1", "x", "denied", "220", "", "", "2", "2026-03-04T12:00:00.250Z"},
		{"b2", "y", "rejected", "", "E1", "no", "4", "2026-03-04T12:00:00.250Z"},
	}
	if !slices.EqualFunc(rows, want, slices.Equal) {
		t.Errorf("Results holds\n%q\nwant\n%q", rows, want)
	}
}

func TestNumbersStayNumbersOnlyWhenNothingIsLost(t *testing.T) {
	cells := map[string]bool{
		"0": true, "7": true, "-12.5": true, "1234567890": true, "0.25": true, "-0.5": true,
		"12345678901": false, "007": false, "+7": false, "12.50": false, "1.": false, ".5": false, "-0": false, "-": false, "1e5": false,
		"0.0": false, "00.5": false, "1,5": false, " 7": false, "7 ": false, "1-2": false, "--1": false, "1.2.3": false, "12345678.123": false,
		"=1+1": false, "NaN": false, "٣": false, "0.000000001": true, "0.0000000001": false, "-.5": false,
	}
	var rows []report.Row
	for i, cell := range slices.Sorted(maps.Keys(cells)) {
		rows = append(rows, report.Row{Cells: []string{cell, cell}, Verdict: verdict.Verdict{Row: i + 2, Result: verdict.Denied}})
	}
	m := newMemory()
	l := twoColumns
	l.Kinds, l.TextColumns = []report.Kind{report.XLSX}, map[int]bool{0: true}
	publish(t, m, rows, l)
	f := workbook(t, m, "p/report.xlsx")
	for _, row := range rows {
		cell, identifier, other := row.Cells[0], fmt.Sprint("A", row.Verdict.Row), fmt.Sprint("B", row.Verdict.Row)
		if !isText(t, f, "Results", identifier) {
			t.Errorf("%q as an identifier is no text", cell)
		}
		if isText(t, f, "Results", other) == cells[cell] {
			t.Errorf("%q should be a number: %v, and is not so", cell, cells[cell])
		}
		for _, at := range []string{identifier, other} {
			if got := cellText(t, f, "Results", at); got != cell {
				t.Errorf("%s is %q, want %q", at, got, cell)
			}
		}
	}
}

func isText(t *testing.T, f *excelize.File, sheet, cell string) bool {
	t.Helper()
	kind, err := f.GetCellType(sheet, cell)
	if err != nil {
		t.Fatal(err)
	}
	return kind == excelize.CellTypeInlineString
}

func TestWorkbookIsDressed(t *testing.T) {
	m := newMemory()
	n := 27
	l := report.Layout{Header: manyHeader, Width: 5, Reading: plainCSV}
	if _, err := report.Publish(t.Context(), m, "p/", manySummary(n, plainCSV), l, many(n)); err != nil {
		t.Fatal(err)
	}
	f := workbook(t, m, "p/report.xlsx")
	panes, err := f.GetPanes("Results")
	if err != nil || !panes.Freeze || panes.YSplit != 1 || panes.TopLeftCell != "A2" {
		t.Errorf("the heading is not frozen: %+v, %v", panes, err)
	}
	names := fmt.Sprintf("%+v", f.GetDefinedName())
	for _, want := range []string{"_xlnm._FilterDatabase", "$A$1:$K$28", "_xlnm.Print_Titles", "'Results'!$1:$1"} {
		if !strings.Contains(names, want) {
			t.Errorf("the workbook's names lack %s: %s", want, names)
		}
	}
	if text := entry(t, m.text("p/report.xlsx"), "xl/worksheets/sheet1.xml"); !strings.Contains(text, `<autoFilter ref="A1:K28"/>`) {
		t.Error("Results has no filter")
	}
	if width, err := f.GetColWidth("Results", "A"); err != nil || width < 36 {
		t.Errorf("the column of identifiers is %v wide, %v", width, err)
	}
	paints := map[string]bool{}
	for i := range verdict.Results {
		paints[paint(t, f, fmt.Sprint("F", i+2))] = true
	}
	if len(paints) != len(verdict.Results)-1 { // duplicate and skipped are both grey
		t.Errorf("the results have the colours %v", paints)
	}
	if paint(t, f, "A1") == paint(t, f, "F1") {
		t.Error("the user's headings look like the result headings")
	}
}

func paint(t *testing.T, f *excelize.File, cell string) string {
	t.Helper()
	id, err := f.GetCellStyle("Results", cell)
	if err != nil {
		t.Fatal(err)
	}
	style, err := f.GetStyle(id)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(style.Fill.Color)
}

func entry(t testing.TB, archive, name string) string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestOverviewTellsTheStory(t *testing.T) {
	m := newMemory()
	s := summaryOf(twoRows, plainCSV)
	s.Status, s.Stopped, s.Notes = report.Stopped, "InvX is down.", []string{"=a note with a \x01 in it"}
	if _, err := report.Publish(t.Context(), m, "p/", s, twoColumns, sequence(twoRows)); err != nil {
		t.Fatal(err)
	}
	f := workbook(t, m, "p/report.xlsx")
	rows, err := f.GetRows("Summary")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("%q", rows)
	for _, want := range []string{
		"Stopped before the end: InvX is down.", `"Batch" "b-1"`, `"File" "deny.csv"`, `"SHA-256" "9f86`, `"Delimiter" "comma"`, `"Heading row" "1"`,
		`"denied" "1" "InvX confirmed`, `"not_sent" "0"`, `"Sum" "2" "2 rows = 2 verdicts"`, "=a note with a",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the overview lacks %s: %s", want, text)
		}
	}
	chart := entry(t, m.text("p/report.xlsx"), "xl/charts/chart1.xml")
	if !strings.Contains(chart, "Summary!$B$") {
		t.Errorf("no chart of the counts: %s", chart)
	}
}

func TestEveryEntryIsWellFormed(t *testing.T) {
	rows := make([]report.Row, 100)
	for i := range rows {
		rows[i].Cells = []string{treacherous.Example(3 * i), treacherous.Example(3*i + 1), treacherous.Example(3*i + 2)}
		rows[i].Verdict = verdict.Verdict{Row: i + 2, Result: verdict.Unknown, Message: rows[i].Cells[0]}
	}
	for _, name := range []string{"", "a<b>&\"c'", "far too long a name for a worksheet", "a:b", "\x01"} {
		m := newMemory()
		l := report.Layout{Header: rows[7].Cells, Width: 3, Reading: sheet.Reading{Format: sheet.XLSX, Sheet: name}}
		publish(t, m, rows, l)
		for _, key := range []string{"p/report.xlsx", "p/retry.xlsx"} {
			wellFormed(t, m.text(key))
		}
		f := workbook(t, m, "p/report.xlsx")
		for i, row := range rows[:20] {
			for j, cell := range row.Cells {
				at, _ := excelize.CoordinatesToCellName(j+1, i+2)
				if got := cellText(t, f, "Results", at); got != legible(cell) {
					t.Errorf("%s is %q, want %q", at, got, legible(cell))
				}
			}
		}
	}
}

func wellFormed(t *testing.T, archive string) {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		d := xml.NewDecoder(strings.NewReader(entry(t, archive, f.Name)))
		for err == nil {
			_, err = d.Token()
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v", f.Name, err)
		}
		err = nil
	}
}

// legible is what XML can hold of a text.
func legible(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && !strings.ContainsRune("\t\r\n", r) || r == '\ufffe' || r == '\uffff' {
			return '\ufffd'
		}
		return r
	}, text)
}

func TestLongCellsAreCutVisiblyAndNoted(t *testing.T) {
	for _, tc := range []struct {
		name, cell string
		cut        bool
	}{
		{"JustFits", strings.Repeat("x", 32767), false},
		{"JustFitsInManyBytes", strings.Repeat("é", 32767), false},
		{"OneTooMany", strings.Repeat("x", 32768), true},
		{"PairsCountTwice", strings.Repeat("😀", 16384), true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMemory()
			rows := []report.Row{{Cells: []string{"a", tc.cell}, Verdict: verdict.Verdict{Row: 2, Result: verdict.Denied}}}
			s := publish(t, m, rows, twoColumns)
			got := cellText(t, workbook(t, m, "p/report.xlsx"), "Results", "B2")
			if units := len(utf16.Encode([]rune(got))); units > 32767 || tc.cut != strings.HasSuffix(got, "… (cut)") || tc.cut && units < 32765 {
				t.Errorf("the cell has %d units and ends in %q", units, got[len(got)-12:])
			}
			if tc.cut != (len(s.Notes) == 1) {
				t.Errorf("notes %q", s.Notes)
			}
		})
	}
}

func TestRetryWorkbookIsTextOnTheUsersSheet(t *testing.T) {
	m := newMemory()
	rows := []report.Row{
		{Cells: []string{"a1", "5"}, Verdict: verdict.Verdict{Row: 2, Result: verdict.Denied}},
		{Cells: []string{"007", "12.5"}, Verdict: verdict.Verdict{Row: 3, Result: verdict.Unknown}},
		{Cells: []string{"=1+1"}, Verdict: verdict.Verdict{Row: 4, Result: verdict.Invalid}},
	}
	l := twoColumns
	l.Reading = excelInput
	s := publish(t, m, rows, l)
	if s.RetryRows != 2 || s.RetryEncoding != "" || s.Reports["retry"] != "p/retry.xlsx" {
		t.Errorf("retry file: %d rows, encoding %q, key %q", s.RetryRows, s.RetryEncoding, s.Reports["retry"])
	}
	f := workbook(t, m, "p/retry.xlsx")
	got, err := f.GetRows(excelInput.Sheet)
	if err != nil {
		t.Fatal(err)
	}
	if want := [][]string{{"docId", "comments"}, {"007", "12.5"}, {"=1+1"}}; !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("retry.xlsx holds %q, want %q", got, want)
	}
	for _, cell := range []string{"A2", "B2", "A3"} {
		if !isText(t, f, excelInput.Sheet, cell) {
			t.Errorf("%s is no text", cell)
		}
	}
}

func TestMoreColumnsThanExcelHolds(t *testing.T) {
	m := newMemory()
	cells := make([]string, 16_380)
	cells[16_379] = "last"
	rows := []report.Row{{Cells: cells, Verdict: verdict.Verdict{Row: 2, Result: verdict.Denied}}}
	s := publish(t, m, rows, report.Layout{Width: len(cells), Reading: plainCSV})
	f := workbook(t, m, "p/report.xlsx")
	if got := cellText(t, f, "Results", "XEY2"); got != "denied" {
		t.Errorf("the result is %q", got)
	}
	if len(s.Notes) != 1 || !strings.Contains(s.Notes[0], "2 columns") {
		t.Errorf("notes %q", s.Notes)
	}
}
