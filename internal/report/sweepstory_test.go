package report_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"denybatch/internal/report"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

// A story in testdata/sweep says what a sweep did, then its reports: CSV byte for byte and quoted as in Go, the workbook by its
// cells.
func TestSweepStories(t *testing.T) {
	files, err := filepath.Glob("testdata/sweep/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in testdata/sweep: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := story{archive: parseArchive(content)}
			var sum report.SweepSummary
			var all []report.Item
			s.decode(t, "sweep.json", &sum)
			s.decode(t, "items.json", &all)
			m := newMemory()
			if _, err := report.PublishSweep(t.Context(), m, "p/", sum, each(all, nil)); err != nil {
				t.Fatal(err)
			}
			s.compareSweep(t, m)
			if *update {
				if err := os.WriteFile(file, s.format(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func (s story) decode(t *testing.T, name string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(s.section(name)), v); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func (s story) compareSweep(t *testing.T, m *memory) {
	t.Helper()
	for _, name := range []string{"report.csv", "retry.csv"} {
		s.compare(t, name, quotedLines(m.text("p/"+name)))
	}
	s.compare(t, "summary.json", m.text("p/summary.json"))
	f := workbook(t, m, "p/report.xlsx")
	s.compare(t, "results.txt", cellsOf(t, f, "Results"))
	s.compare(t, "overview.txt", cellsOf(t, f, "Summary"))
}

// cellsOf is a worksheet's rows, a number told from a text by its lack of quotes.
func cellsOf(t *testing.T, f *excelize.File, name string) string {
	t.Helper()
	rows, err := f.GetRows(name, excelize.Options{RawCellValue: true})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for i, cells := range rows {
		for j, text := range cells {
			at, _ := excelize.CoordinatesToCellName(j+1, i+1)
			if kind, err := f.GetCellType(name, at); err != nil || kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
				text = fmt.Sprintf("%q", text)
			}
			cells[j] = text
		}
		b.WriteString(strings.TrimRight(strings.Join(cells, " | "), " |") + "\n")
	}
	return b.String()
}

// wild draws what a user may have written into a cell.
var wild = rapid.OneOf(
	rapid.StringMatching(`[a-z0-9-]{0,12}`),
	rapid.StringOf(rapid.SampledFrom([]rune("'=+-@|%＝ \u00a0\u200b\t\n019.,x\";_&<çé€😀"))),
)

func sweptItems(t *rapid.T) (items []report.Item) {
	for range rapid.IntRange(0, 12).Draw(t, "items") {
		it := report.Item{Kind: rapid.SampledFrom([]string{"request", "request", "batch", "file"}).Draw(t, "kind")}
		it.Integration, it.Request, it.Batch = wild.Draw(t, "integration"), wild.Draw(t, "request"), wild.Draw(t, "batch")
		it.File, it.Attempt, it.Confirm = wild.Draw(t, "file"), rapid.IntRange(0, 9).Draw(t, "attempt"), wild.Draw(t, "confirm")
		it.Verdict = verdict.Verdict{
			Row: rapid.IntRange(0, 2_000_000).Draw(t, "row"), Result: rapid.SampledFrom(verdict.RequestResults).Draw(t, "result"),
			Status: wild.Draw(t, "status"), Code: wild.Draw(t, "code"), Message: wild.Draw(t, "message"),
		}
		if rapid.Bool().Draw(t, "at") {
			it.Verdict.At = noon
		}
		items = append(items, it)
	}
	return items
}

// expected is a line of report.csv and, where a person is needed, the one of retry.csv.
func expected(it report.Item) (line, again []string) {
	v, attempt, row, at := it.Verdict, "", "", ""
	if it.Attempt > 0 {
		attempt = fmt.Sprint(it.Attempt)
	}
	if v.Row > 0 {
		row = fmt.Sprint(v.Row)
	}
	if !v.At.IsZero() {
		at = "2026-03-04T12:00:00.250Z"
	}
	line = []string{it.Kind, it.Integration, it.Request, it.Batch, it.File, attempt, it.Confirm, string(v.Result), v.Status, v.Code, v.Message, row, at}
	person := []verdict.Result{verdict.Refused, verdict.Invalid, verdict.Unknown, verdict.Exhausted}
	if it.Kind == "request" && slices.Contains(person, v.Result) {
		again = []string{it.Integration, it.Request}
	}
	return line, again
}

// Whatever a sweep did, its reports say just that when our own reader reads them, and every count is right.
func TestASweepsReportsGiveEveryItemBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		items := sweptItems(rt)
		m := newMemory()
		s, err := report.PublishSweep(rt.Context(), m, "p/", sweepOf(items), each(items, nil))
		if err != nil {
			rt.Fatal(err)
		}
		want := [][]string{append([]string{"kind", "integrationId", "requestId", "batch", "file", "attempt", "confirm"}, report.Columns()...)}
		wantRetry := [][]string{{"integrationId", "requestId", "confirm"}}
		counts, integrations := map[verdict.Result]int{}, map[string]int{}
		for _, it := range items {
			line, again := expected(it)
			want = append(want, line)
			if again != nil {
				wantRetry = append(wantRetry, again)
			}
			counts[it.Verdict.Result]++
			if it.Kind == "request" {
				integrations[it.Integration]++
			}
		}
		sameTable(rt, "report.csv", m.text("p/report.csv"), want)
		sameTable(rt, "retry.csv", m.text("p/retry.csv"), wantRetry)
		if s.RetryRows != len(wantRetry)-1 {
			rt.Errorf("%d rows to retry, want %d", s.RetryRows, len(wantRetry)-1)
		}
		sameCounts(rt, s, counts, integrations)
	})
}

func sameCounts(t *rapid.T, s report.SweepSummary, counts map[verdict.Result]int, integrations map[string]int) {
	for _, r := range verdict.RequestResults {
		if got, named := s.Counts[r]; got != counts[r] || !named {
			t.Errorf("%d %s, want %d", got, r, counts[r])
		}
	}
	if len(s.Integrations) != len(integrations) {
		t.Errorf("the integrations are %v, want %v", s.Integrations, integrations)
	}
	for name, want := range integrations {
		if got := verdict.Counts(s.Integrations[name]).Total(); got != want || len(s.Integrations[name]) != len(verdict.RequestResults) {
			t.Errorf("%d lines of %q, want %d and every result named", got, name, want)
		}
	}
}

// sameTable holds what the reader makes of a CSV file against the cells that were written. A row of empty cells is no row to it.
func sameTable(t *rapid.T, name, text string, want [][]string) {
	if !strings.HasPrefix(text, "\ufeff") || strings.Count(text, "\r\n") < 1 {
		t.Fatalf("%s has no mark or no CRLF: %q", name, text)
	}
	b, err := sheet.Open(name, strings.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if r := b.Reading(); r.Encoding != "utf-8-bom" || r.Delimiter != "," {
		t.Fatalf("%s is read as %+v", name, r)
	}
	var got [][]string
	for row, err := range b.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fitted(slices.Clone(row.Cells)))
	}
	unescaped(got)
	got, want = slices.DeleteFunc(got, blank), slices.DeleteFunc(want, blank)
	if !slices.EqualFunc(got, want, func(a, b []string) bool { return slices.Equal(fitted(a), fitted(b)) }) {
		t.Fatalf("%s holds\n%q\nwant\n%q", name, got, want)
	}
}

func blank(cells []string) bool { return sheet.Trim(strings.Join(cells, "")) == "" }
