package denial

import (
	"fmt"
	"iter"
	"strings"

	"denybatch/internal/report"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

const (
	maxDocID   = 128  // characters; InvX ids are UUIDs of 36
	maxComment = 4000 // characters; no limit is documented, and nobody reads a longer reason
	idSample   = 1000 // data rows that decide whether the ids of a file are UUIDs
)

// Local codes, kept in the report beside upstream's own.
const (
	codeDuplicate        = "duplicate-document"
	codeDuplicateDiffers = "duplicate-document-other-comment"
	codeSkipped          = "done-in-earlier-report"
)

// Entry is one document to deny and the row it stands on.
type Entry struct {
	Row     int
	DocID   string
	Comment string
}

// plan says of each row of a table what is to be done with it. The same table gives the same plan every time, which is
// why only rows that are sent need journalling.
type plan struct {
	table                *sheet.Table
	doc, comment, action int // columns; action is -1 when there is none
	result               int // first of the result columns of an earlier report, or -1
	csv                  bool
	uuids                bool   // the file's ids are UUIDs, so one that is not is a mistake
	docColumn            string // as faults name them
	commentColumn        string
	actionColumn         string
	header               []string
	width                int    // of the user's own columns, as far as rows have been read
	docs                 *seen  // the first row of each document, as far as rows have been read
	fit                  []bool // by row: an earlier look found that it is to be sent
}

func newPlan(b *sheet.Book) (*plan, error) {
	table, err := findTable(b)
	if err != nil {
		return nil, err
	}
	p := &plan{table: table, action: -1, result: resultColumn(table.Header), csv: b.Reading().Format == sheet.CSV, docs: newSeen()}
	p.doc, p.docColumn = p.column(colDocID)
	p.comment, p.commentColumn = p.column(colComment)
	if _, ok := table.Index[colAction]; ok {
		p.action, p.actionColumn = p.column(colAction)
	}
	p.header = p.own(p.unescape(append([]string(nil), table.Header...)))
	p.width = len(p.header)
	return p, p.sampleIDs()
}

// column is where a column stands and what to call it.
func (p *plan) column(name string) (int, string) {
	i := p.table.Index[name]
	return i, fmt.Sprintf("column %q", strings.TrimSpace(p.table.Header[i]))
}

// sampleIDs looks at the first rows. InvX shows UUIDs in all its samples but promises none, so a file that holds none is
// sent as it is, while in a file of UUIDs anything else is a slip of the hand.
func (p *plan) sampleIDs() error {
	n := 0
	for row, err := range p.table.Rows() {
		if err != nil {
			return err
		}
		if isUUID(sheet.Trim(at(row.Cells, p.doc))) {
			p.uuids = true
			return nil
		}
		if n++; n == idSample {
			break
		}
	}
	return nil
}

// step is what the plan says of one row: an entry to send, or a verdict that needs no sending.
type step struct {
	Entry
	verdict verdict.Verdict // Result is empty when the entry is to be sent
	cells   []string        // the user's own columns, valid until the next step
}

// steps walks the table. It ends early with an error if the file turns out to be unreadable.
func (p *plan) steps() iter.Seq2[step, error] {
	return func(yield func(step, error) bool) {
		for row, err := range p.table.Rows() {
			if err != nil {
				yield(step{}, err)
				return
			}
			if !yield(p.step(row), nil) {
				return
			}
		}
	}
}

func (p *plan) step(row sheet.Row) step {
	cells := p.unescape(row.Cells)
	s := step{Entry: Entry{Row: row.Number, DocID: sheet.Trim(at(cells, p.doc)), Comment: sheet.Trim(at(cells, p.comment))}}
	s.verdict = p.judge(s.Entry, cells)
	s.cells = p.own(cells)
	p.width = max(p.width, len(s.cells))
	return s
}

// judge settles what can be settled without asking upstream.
func (p *plan) judge(e Entry, cells []string) verdict.Verdict {
	v := verdict.Verdict{Row: e.Row, DocID: e.DocID}
	if e.Row < len(p.fit) && p.fit[e.Row] {
		return v
	}
	if done := p.done(cells); done != "" && e.DocID != "" {
		p.docs.add(e.DocID, e.Comment, e.Row)
		v.Result, v.Code = verdict.Skipped, codeSkipped
		v.Message = fmt.Sprintf("an earlier report says %q", done)
		return v
	}
	if faults := p.faults(e, cells); len(faults) > 0 {
		v.Result, v.Code, v.Message = verdict.Invalid, faults.codes(), faults.sentence()
		return v
	}
	if first, same := p.docs.add(e.DocID, e.Comment, e.Row); first != 0 {
		v.Result, v.Code, v.Message = verdict.Duplicate, codeDuplicate, fmt.Sprintf("same document as row %d", first)
		if !same {
			v.Code, v.Message = codeDuplicateDiffers, v.Message+", where its comment differs; the comment of row "+fmt.Sprint(first)+" counts"
		}
		return v
	}
	p.fit = append(p.fit, make([]bool, e.Row+1-len(p.fit))...)
	p.fit[e.Row] = true
	return v
}

// done is the result with which an earlier report settled this row for good, or "".
func (p *plan) done(cells []string) verdict.Result {
	if p.result < 0 {
		return ""
	}
	switch r := verdict.Result(sheet.Trim(at(cells, p.result))); r {
	case verdict.Denied, verdict.AlreadyDenied, verdict.Skipped:
		return r
	}
	return ""
}

// own is cells without the result columns of an earlier report.
func (p *plan) own(cells []string) []string {
	n := len(report.Columns())
	switch {
	case p.result < 0 || len(cells) <= p.result:
		return cells
	case len(cells) <= p.result+n:
		return cells[:p.result]
	}
	return append(cells[:p.result:p.result], cells[p.result+n:]...)
}

// unescape undoes in place what a CSV report does to text that a spreadsheet program would run as a formula.
func (p *plan) unescape(cells []string) []string {
	if p.csv {
		for i, c := range cells {
			if strings.HasPrefix(c, "'") {
				cells[i] = report.Unescape(c)
			}
		}
	}
	return cells
}

// at is cells[i], or "" in a row that is too short.
func at(cells []string, i int) string {
	if i < len(cells) {
		return cells[i]
	}
	return ""
}

// isUUID reports whether s is 8-4-4-4-12 hexadecimal digits. Every row is asked several times, hence no regexp.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}
