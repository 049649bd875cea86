package sheet

import (
	"bytes"
	"regexp"
)

// dialect is how a text table is cut into rows and cells.
type dialect struct {
	delimiter byte
	sepLine   int // bytes of a leading "sep=" line, which is an instruction to Excel and not a row
	newline   string
}

// delimiters are those that are looked for, the most usual first.
var delimiters = []byte{',', ';', '\t', '|'}

var sepLine = regexp.MustCompile(`^(?i:"?sep=)([^\r\n"])"?[ ,;\t]*(\r\n|\r|\n|$)`)

const sniffedRows = 200

// sniff tells the dialect from the beginning of the text. more says that the text goes on behind it.
func sniff(head []byte, more bool) dialect {
	d := dialect{newline: newline(head)}
	if m := sepLine.FindSubmatchIndex(head); m != nil && head[m[2]] < 0x80 {
		d.sepLine, d.delimiter = m[1], head[m[2]]
		return d
	}
	best := -1.0
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

// score says how much like a table the text looks when it is cut by the delimiter: above all, how many rows have the
// usual number of cells. A wrong delimiter cuts rows unevenly, hardly at all, or beside quotes.
func score(head []byte, delimiter byte, more bool) float64 {
	widths, strays := measure(head, delimiter, more)
	if len(widths) == 0 {
		return 0
	}
	counts := map[int]int{}
	usual, wide := 1, 0
	for _, w := range widths {
		counts[w]++
		if w > 1 {
			wide++
		}
	}
	for w, n := range counts {
		if w > 1 && (usual == 1 || n > counts[usual] || n == counts[usual] && w > usual) {
			usual = w
		}
	}
	if usual == 1 {
		return 0
	}
	rows := float64(len(widths))
	even := float64(counts[usual]) / rows
	s := even + 0.3*float64(wide)/rows - 0.5*min(float64(strays)/rows, 1)
	return max(s, 0.01) + 0.02*min(float64(usual), 20)/20
}

// measure counts the cells of the first rows that are not blank.
func measure(head []byte, delimiter byte, more bool) (widths []int, strays int) {
	t := newTokenizer(bytes.NewReader(head), delimiter)
	t.lenient = true
	for len(widths) < sniffedRows && t.next() {
		if !Blank(t.cells) {
			widths = append(widths, len(t.cells))
		}
	}
	if more && len(widths) > 1 && len(widths) < sniffedRows {
		widths = widths[:len(widths)-1] // the head may end inside the last row
	}
	return widths, t.strays
}
