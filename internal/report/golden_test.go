package report_test

import (
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"denybatch/internal/report"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

var update = flag.Bool("update", false, "write the reports that were made into testdata")

// story is one file in testdata: how the input was read and what became of its rows, then the reports byte for byte,
// each line quoted as in Go so that line ends, marks and encodings show.
type story struct {
	archive
	layout report.Layout
	rows   []report.Row
}

func TestDialects(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in testdata: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			s := readStory(t, file)
			m := newMemory()
			publish(t, m, s.rows, s.layout)
			for _, name := range []string{"report.csv", "retry.csv"} {
				s.compare(t, name, quotedLines(m.text("p/"+name)))
			}
			if s.has("summary.json") {
				s.compare(t, "summary.json", m.text("p/summary.json"))
			}
			if *update {
				if err := os.WriteFile(file, s.format(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func readStory(t *testing.T, file string) story {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s := story{archive: parseArchive(text)}
	var how struct {
		sheet.Reading
		SepLine bool     `json:"sep_line"`
		Newline string   `json:"newline"`
		Header  []string `json:"header"`
		Width   int      `json:"width"`
	}
	if err := json.Unmarshal([]byte(s.section("reading.json")), &how); err != nil {
		t.Fatal(err)
	}
	how.Reading.SepLine, how.Reading.Newline = how.SepLine, how.Newline
	s.layout = report.Layout{Header: how.Header, Width: how.Width, Reading: how.Reading}
	s.rows = storyRows(t, s.section("rows.csv"))
	return s
}

// storyRows reads lines of row, result, status, code, message and then the user's cells, each quoted as in Go.
func storyRows(t *testing.T, lines string) (rows []report.Row) {
	t.Helper()
	in := csv.NewReader(strings.NewReader(lines))
	in.FieldsPerRecord = -1
	records, err := in.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range records {
		for i := range f {
			if f[i], err = strconv.Unquote(`"` + strings.ReplaceAll(f[i], `"`, `\"`) + `"`); err != nil {
				t.Fatal(err)
			}
		}
		n, err := strconv.Atoi(f[0])
		if err != nil {
			t.Fatal(err)
		}
		v := verdict.Verdict{Row: n, Result: verdict.Result(f[1]), Status: f[2], Code: f[3], Message: f[4]}
		if v.Result == verdict.Denied {
			v.At = noon
		}
		rows = append(rows, report.Row{Cells: f[5:], Verdict: v})
	}
	return rows
}

func (s story) compare(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		s.replace(name, got)
		return
	}
	if want := s.section(name); got != want {
		t.Errorf("%s is\n%swant\n%s", name, got, want)
	}
}

func quotedLines(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(strconv.QuoteToASCII(line) + "\n")
	}
	return b.String()
}
