// Package report writes what became of every row: report.csv, report.xlsx, the retry file and summary.json.
//
// One pass over the rows feeds all of them, in memory that does not grow with the file. A set is published through
// [denybatch/internal/objects] and only when its sums are right: as many verdicts as rows, in file order.
package report

import (
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

// Row is one data row of the user's file beside its verdict. Result columns of an earlier report are not among Cells.
type Row struct {
	Cells   []string // as displayed, not escaped; needed only until the next row is asked for
	Verdict verdict.Verdict
}

// Kind is a report that can be left out of a set.
type Kind string

// The kinds, in the order in which they are published. summary.json follows them always.
const (
	CSV   Kind = "csv"   // report.csv: every row and its verdict
	XLSX  Kind = "xlsx"  // report.xlsx: the same, and a page that sums it up
	Retry Kind = "retry" // retry.csv or retry.xlsx: the rows that need somebody or a re-run, as the user wrote them
)

// Kinds lists every kind.
func Kinds() []Kind { return []Kind{CSV, XLSX, Retry} }

// Layout is what the user's file looks like, so that the reports look like it.
type Layout struct {
	Header      []string      // the user's headings, in the user's order; may be shorter than the widest row
	Width       int           // number of the user's columns: the widest row or the heading; result columns stand after it
	Reading     sheet.Reading // how the file was read: the retry file is written in the same dress
	Kinds       []Kind        // which reports to write; nil means all
	TextColumns map[int]bool  // columns, counted from 0, that hold identifiers: never written as numbers

	of    *genre  // what the report is about; nil means a denial batch
	retry *Layout // of the retry file, where its columns are others
}

// Columns returns the headings of the result columns, in order.
func Columns() []string {
	return []string{"result", "result_status", "result_code", "result_message", "result_row", "result_at"}
}

// width is where the result columns begin.
func (l Layout) width() int { return max(l.Width, len(l.Header)) }

// kinds is the kinds to write, in the order in which they are published.
func (l Layout) kinds() []Kind {
	if l.Kinds == nil {
		return Kinds()
	}
	var wanted []Kind
	for _, k := range Kinds() {
		for _, w := range l.Kinds {
			if w == k {
				wanted = append(wanted, k)
				break
			}
		}
	}
	return wanted
}

// file is the name under which a kind is published.
func (l Layout) file(k Kind) string {
	switch {
	case k == Retry && l.Reading.Format == sheet.XLSX:
		return "retry.xlsx"
	case k == Retry:
		return "retry.csv"
	}
	return "report." + string(k)
}
