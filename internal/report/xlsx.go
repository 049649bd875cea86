package report

import (
	"fmt"
	"strconv"
	"strings"

	"denybatch/internal/verdict"
)

const resultsSheet = "Results"

// xlsxReport is report.xlsx: every row and its verdict, and a page that sums them up.
type xlsxReport struct {
	*book
	layout Layout
	user   int // how many of the user's columns there is room for
	limit  int // rows on one worksheet
	styles xlsxStyles
	clock  clock
	sample []Row  // the first rows, kept back until the widths are known
	weight int    // bytes in them
	head   string // what stands before the rows of a worksheet; empty until then
}

func newXLSXReport(f file, l Layout) (*xlsxReport, error) {
	user := min(l.width(), maxColumns-len(Columns()))
	b, err := newBook(f, user+len(Columns()))
	if err != nil {
		return nil, err
	}
	styles, err := newXLSXStyles(b.excel, l.genre())
	return &xlsxReport{book: b, layout: l, user: user, limit: maxRows, styles: styles}, err
}

// add keeps the first rows back until they tell how wide the columns are.
func (x *xlsxReport) add(r Row) error {
	if x.head != "" {
		return x.write(r)
	}
	r.Cells = cloned(r.Cells)
	x.sample = append(x.sample, r)
	for _, cell := range r.Cells {
		x.weight += len(cell)
	}
	if len(x.sample) < sampled && x.weight < sampledBytes {
		return nil
	}
	return x.start()
}

// start writes what was kept back.
func (x *xlsxReport) start() error {
	widths := append(columnWidths(x.layout.Header, x.sample, x.user), resultWidths...)
	x.head = headXML(columnsXML(widths, x.columnStyle))
	if err := x.nextSheet(); err != nil {
		return err
	}
	for _, r := range x.sample {
		if err := x.write(r); err != nil {
			return err
		}
	}
	x.sample = nil
	return nil
}

// columnStyle makes what a user types into a column of identifiers stay text.
func (x *xlsxReport) columnStyle(col int) int {
	if x.layout.TextColumns[col] {
		return x.styles.textID
	}
	return 0
}

func (x *xlsxReport) nextSheet() error {
	name := resultsSheet
	if n := len(x.names) + 1; n > 1 {
		name = fmt.Sprintf("%s %d", resultsSheet, n)
	}
	if err := x.startSheet(name, x.head); err != nil {
		return err
	}
	return x.headings()
}

func (x *xlsxReport) headings() error {
	x.begin()
	for i := range x.user {
		x.text(i, x.styles.heading, headingAt(x.layout.Header, i))
	}
	for i, name := range Columns() {
		x.text(x.user+i, x.styles.resultHeading, name)
	}
	return x.endRow()
}

func (x *xlsxReport) write(r Row) error {
	if x.full(x.limit) {
		if err := x.endSheet(); err != nil {
			return err
		}
		if err := x.nextSheet(); err != nil {
			return err
		}
	}
	x.begin()
	for i, cell := range r.Cells[:min(len(r.Cells), x.user)] {
		x.cell(i, cell)
	}
	x.verdict(r.Verdict)
	return x.endRow()
}

// cell writes a user's cell: text, unless a number loses nothing.
func (x *xlsxReport) cell(col int, cell string) {
	switch {
	case x.layout.TextColumns[col]:
		x.text(col, x.styles.text, cell)
	case canonical(cell):
		x.number(col, unstyled, cell)
	default:
		x.text(col, unstyled, cell)
	}
}

func (x *xlsxReport) verdict(v verdict.Verdict) {
	var digits [20]byte
	x.text(x.user, x.styles.results[v.Result], string(v.Result))
	x.text(x.user+1, unstyled, v.Status)
	x.text(x.user+2, unstyled, v.Code)
	x.text(x.user+3, unstyled, v.Message)
	if v.Row > 0 {
		x.number(x.user+4, x.styles.row, string(strconv.AppendInt(digits[:0], int64(v.Row), 10)))
	}
	x.text(x.user+5, unstyled, string(x.clock.text(v.At)))
}

func (x *xlsxReport) finish(s *Summary) error {
	if x.head == "" {
		if err := x.start(); err != nil {
			return err
		}
	}
	if err := x.endSheet(); err != nil {
		return err
	}
	x.confess(s)
	if err := overview(x.excel, *s, x.layout.genre(), x.styles); err != nil {
		return err
	}
	return x.close()
}

// confess notes where the workbook holds less than the file did.
func (x *xlsxReport) confess(s *Summary) {
	if x.cut > 0 {
		s.note("report.xlsx has %s cut to %s characters, which is all that Excel holds; report.csv has them whole.", plural(x.cut, "cell"), grouped(longest))
	}
	if left := x.layout.width() - x.user; left > 0 {
		s.note("report.xlsx leaves out the last %s, for which Excel has no room; report.csv has them.", plural(left, "column"))
	}
	if len(x.names) > 1 {
		s.note("report.xlsx goes on over %d worksheets, because one holds %s rows.", len(x.names), grouped(x.limit))
	}
}

func headingAt(header []string, i int) string {
	if i < len(header) {
		return header[i]
	}
	return ""
}

func cloned(cells []string) []string {
	c := make([]string, len(cells))
	for i, cell := range cells {
		c[i] = strings.Clone(cell)
	}
	return c
}
