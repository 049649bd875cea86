package sheet

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// corpus is a folder of real spreadsheets and what other programs read in them. It is not part of the project.
const corpus = "../../../shared/corpus"

// expectation is what stands beside a file of the corpus.
type expectation struct {
	Reject    bool                       `json:"reject"`
	Soft      bool                       `json:"soft"`
	MayReject bool                       `json:"may_reject"`
	Rows      [][]string                 `json:"rows"`
	Count     int                        `json:"row_count"`
	Alts      map[string]json.RawMessage `json:"alts"`
}

func TestCorpus(t *testing.T) {
	notes, _ := filepath.Glob(corpus + "/*/*.expected.json")
	if len(notes) == 0 {
		t.Skip("the corpus is not here")
	}
	for _, note := range notes {
		path := strings.TrimSuffix(note, ".expected.json")
		t.Run(filepath.Base(path), func(t *testing.T) {
			content, err := os.ReadFile(note)
			if err != nil {
				t.Fatal(err)
			}
			var want expectation
			if err := json.Unmarshal(content, &want); err != nil {
				t.Fatal(err)
			}
			want.check(t, path)
		})
	}
}

func (want expectation) check(t *testing.T, path string) {
	b, err := OpenFile(path)
	var rows []Row
	if err == nil {
		defer b.Close()
		rows, err = collect(b)
	}
	switch {
	case err != nil && (want.Reject || want.MayReject || want.Count == 0):
		return
	case err != nil:
		t.Fatal(err)
	case want.Reject && !want.Soft:
		t.Fatalf("read %d rows though it must be refused", len(rows))
	}
	shown := 0
	for n, cells := range want.Rows {
		if empty(cells) {
			continue
		}
		for shown < len(rows) && empty(rows[shown].Cells) {
			shown++
		}
		if shown == len(rows) {
			t.Fatalf("row %d %q is missing", n+1, cells)
		}
		want.compare(t, n, rows[shown].Cells)
		shown++
	}
}

func (want expectation) compare(t *testing.T, n int, got []string) {
	cells := want.Rows[n]
	for i := range max(len(cells), len(got)) {
		if a, b := cellOf(got, i), cellOf(cells, i); a != b && !slices.Contains(want.alternatives(n, i), a) {
			t.Errorf("row %d column %s is %q, want %q", n+1, letter(i), a, b)
		}
	}
}

// cellOf is a cell with its line ends as LF, "" where there is none.
func cellOf(cells []string, i int) string {
	if i >= len(cells) {
		return ""
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(cells[i])
}

// alternatives are the other texts that a good reader may show.
func (want expectation) alternatives(row, column int) (texts []string) {
	raw := want.Alts[strconv.Itoa(row+1)+","+strconv.Itoa(column+1)]
	if json.Unmarshal(raw, &texts) != nil {
		var one string
		if json.Unmarshal(raw, &one) == nil {
			texts = []string{one}
		}
	}
	return texts
}
