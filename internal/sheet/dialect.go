package sheet

import (
	"bytes"
	"regexp"
	"strings"
)

// dialect is how a text table is cut into rows and cells.
type dialect struct {
	delimiter byte
	sepLine   int // bytes of a leading "sep=" line, which is an instruction to Excel and not a row
	newline   string
}

// delimiters are those that are looked for. Where two cut equally well, the one that prose has less wins.
var delimiters = []byte{'\t', ';', '|', ','}

var sepLine = regexp.MustCompile(`^(?i:"?sep=)([^\r\n"])"?[ ,;\t]*(\r\n|\r|\n|$)`)

const sniffedRows = 200

// sniff tells the dialect from the beginning of the text. more says that the text goes on behind it.
func sniff(head []byte, more bool) dialect {
	d := dialect{newline: newline(head)}
	if m := sepLine.FindSubmatchIndex(head); m != nil && head[m[2]] < 0x80 {
		d.sepLine, d.delimiter = m[1], head[m[2]]
		return d
	}
	d.delimiter = ','
	best := 0.0
	for _, candidate := range delimiters {
		if s := score(head, candidate, more); s > best {
			best, d.delimiter = s, candidate
		}
	}
	return d
}

// newline is the first line end of the text, taken for the usual one.
func newline(head []byte) string {
	i := bytes.IndexAny(head, "\r\n")
	switch {
	case i < 0, head[i] == '\n':
		return "\n"
	case i+1 < len(head) && head[i+1] == '\n':
		return "\r\n"
	}
	return "\r"
}

// cut is what the beginning of the text looks like when it is cut by one delimiter.
type cut struct {
	widths []int // cells of the rows that are not blank
	strays int   // quotes in places where no writer puts them
	prose  int   // delimiters with a space behind them, as in "Smith, John"
	all    int   // delimiters
}

// score says how much like a table the text looks when it is cut by the delimiter: above all, how many rows have the
// usual number of cells. A wrong delimiter cuts rows unevenly, hardly at all, beside quotes or in the middle of prose.
func score(head []byte, delimiter byte, more bool) float64 {
	c := measure(head, delimiter, more)
	usual, even := c.usual()
	if usual == 1 {
		return 0
	}
	rows := float64(len(c.widths))
	s := even/rows + 0.3*float64(c.wide())/rows - 0.5*min(float64(c.strays)/rows, 1)
	s -= 0.0015 * float64(c.prose) / float64(c.all) // decides only between equals
	return max(s, 0.01) + 0.02*min(float64(usual), 20)/20
}

// usual is the number of cells that most rows of several cells have, and how many have it.
func (c cut) usual() (width int, rows float64) {
	counts := map[int]int{}
	for _, w := range c.widths {
		counts[w]++
	}
	width = 1
	for w, n := range counts {
		if w > 1 && (width == 1 || n > counts[width] || n == counts[width] && w > width) {
			width = w
		}
	}
	return width, float64(counts[width])
}

// wide is how many rows are cut at all.
func (c cut) wide() (rows int) {
	for _, w := range c.widths {
		if w > 1 {
			rows++
		}
	}
	return rows
}

// measure cuts the first rows.
func measure(head []byte, delimiter byte, more bool) cut {
	var c cut
	t := newTokenizer(bytes.NewReader(head), delimiter)
	t.lenient = true
	for len(c.widths) < sniffedRows && t.next() {
		if Blank(t.cells) {
			continue
		}
		c.widths = append(c.widths, len(t.cells))
		for _, cell := range t.cells[1:] {
			c.all++
			if strings.HasPrefix(cell, " ") {
				c.prose++
			}
		}
	}
	if more && len(c.widths) > 1 && len(c.widths) < sniffedRows {
		c.widths = c.widths[:len(c.widths)-1] // the head may end inside the last row
	}
	c.strays = t.strays
	return c
}
