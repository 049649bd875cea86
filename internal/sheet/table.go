package sheet

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// headingRows is how many rows that are not blank may be looked at for the headings: titles may stand above them.
const headingRows = 50

// Table is the part of a worksheet below its headings.
type Table struct {
	Header    []string
	HeaderRow int            // as Row.Number counts
	Index     map[string]int // canonical name -> column from 0; absent when the column is not there

	book *Book
}

// Table finds the first row in which all required columns stand, whatever their order, case and punctuation.
// The error is a [*Fault] when there is none, or when a column stands there twice.
func (b *Book) Table(want []Column) (*Table, error) {
	search := newSearch(want)
	for row, err := range b.Rows() {
		if err != nil {
			return nil, err
		}
		if Blank(row.Cells) {
			continue
		}
		index, missing, err := search.match(row)
		if err != nil {
			return nil, named(b.name, err)
		}
		if missing == 0 {
			return &Table{Header: slices.Clone(row.Cells), HeaderRow: row.Number, Index: index, book: b}, nil
		}
		if search.rows++; search.rows == headingRows {
			break
		}
	}
	return nil, named(b.name, search.fault())
}

// Rows gives the rows below the headings, without those that are blank.
func (t *Table) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for row, err := range t.book.Rows() {
			if err == nil && (row.Number <= t.HeaderRow || Blank(row.Cells)) {
				continue
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// search looks for wanted columns row by row and remembers what came closest.
type search struct {
	want  []Column
	names map[string]int // folded name -> place in want
	rows  int
	first []string // the first row seen
	near  []int    // the required columns that the closest row lacks
	nearN int      // the closest row's number
}

func newSearch(want []Column) *search {
	s := &search{want: want, names: map[string]int{}}
	for i, column := range want {
		for _, alias := range column.Aliases {
			if _, taken := s.names[fold(alias)]; !taken {
				s.names[fold(alias)] = i
			}
		}
	}
	for i, column := range want {
		s.names[fold(column.Name)] = i
	}
	return s
}

// match finds the wanted columns in a row and counts the required ones that it lacks.
func (s *search) match(row Row) (index map[string]int, missing int, err error) {
	found := make([][]int, len(s.want))
	for i, cell := range row.Cells {
		if at, ok := s.names[fold(cell)]; ok {
			found[at] = append(found[at], i)
		}
	}
	lacks := s.lacking(found)
	s.remember(row, lacks)
	if len(lacks) > 0 {
		return nil, len(lacks), nil
	}
	index = map[string]int{}
	for i, columns := range found {
		if len(columns) == 0 {
			continue
		}
		if index[s.want[i].Name], err = s.one(row, s.want[i], columns); err != nil {
			return nil, 0, err
		}
	}
	return index, 0, nil
}

func (s *search) lacking(found [][]int) (lacks []int) {
	for i, column := range s.want {
		if column.Required && len(found[i]) == 0 {
			lacks = append(lacks, i)
		}
	}
	return lacks
}

func (s *search) remember(row Row, lacks []int) {
	if s.first == nil {
		s.first = slices.Clone(row.Cells)
		s.near, s.nearN = lacks, row.Number
	}
	if len(lacks) < len(s.near) {
		s.near, s.nearN = lacks, row.Number
	}
}

// one picks the column when several headings match: the canonical name wins over other names.
func (s *search) one(row Row, want Column, columns []int) (int, error) {
	exact := slices.DeleteFunc(slices.Clone(columns), func(i int) bool {
		return fold(row.Cells[i]) != fold(want.Name)
	})
	switch {
	case len(exact) == 1:
		return exact[0], nil
	case len(exact) > 1:
		columns = exact
	case len(columns) == 1:
		return columns[0], nil
	}
	a, b := columns[0], columns[1]
	return 0, &Fault{
		Row: row.Number,
		Problem: fmt.Sprintf("has the column %s twice: %q in %s and %q in %s", want.Name,
			shown(row.Cells[a]), letter(a), shown(row.Cells[b]), letter(b)),
		Remedy: "rename or remove one of them and try again",
	}
}

// fault says what was looked for and what stands there instead.
func (s *search) fault() *Fault {
	if s.first == nil {
		return refuse("put the headings in the first row and try again", "has no rows")
	}
	required := 0
	for _, column := range s.want {
		if column.Required {
			required++
		}
	}
	missing := s.missing()
	remedy := fmt.Sprintf("name the column %s and try again", orNames(s.want[s.near[0]]))
	if len(s.near) < required {
		f := refuse(remedy, "has no column %s beside the other headings", missing)
		f.Row = s.nearN
		return f
	}
	return refuse(remedy, "has no column %s; its headings are %s", missing, headings(s.first))
}

// missing names the required columns that the closest row lacks.
func (s *search) missing() string {
	var names []string
	for _, i := range s.near {
		names = append(names, s.want[i].Name)
	}
	return strings.Join(names, " and no column ")
}

// orNames lists what a column may be called.
func orNames(c Column) string {
	names := []string{fmt.Sprintf("%q", c.Name)}
	for _, alias := range c.Aliases[:min(len(c.Aliases), 4)] {
		if fold(alias) != fold(c.Name) {
			names = append(names, fmt.Sprintf("%q", alias))
		}
	}
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

// headings lists the cells of a row that are not blank, the first ten of them.
func headings(cells []string) string {
	var names []string
	for _, cell := range cells {
		if Blank([]string{cell}) {
			continue
		}
		if len(names) == 10 {
			return strings.Join(names, ", ") + ", …"
		}
		names = append(names, fmt.Sprintf("%q", shown(cell)))
	}
	return strings.Join(names, ", ")
}

// shown is a heading on one line of sensible length.
func shown(heading string) string {
	text := []rune(strings.Join(strings.Fields(heading), " "))
	if len(text) > 40 {
		return string(text[:39]) + "…"
	}
	return string(text)
}
