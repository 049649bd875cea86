package report

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
)

const (
	longest = 32767     // UTF-16 units in a cell
	cutMark = "… (cut)" // stands at the end of a cell that was longer
)

// style is a cell style as it stands in the XML: empty, or `" s="3`.
type style string

const unstyled style = ""

func styleOf(id int) style { return style(`" s="` + strconv.Itoa(id)) }

const refPrefix = `<c r="`

// grid makes the XML of a worksheet's rows.
type grid struct {
	buf  []byte
	refs []string // `<c r="A`, `<c r="B`, …
	row  int      // the row being written
	num  []byte   // its number as text
	cut  int      // how many cells were too long
}

func newGrid(columns int) (grid, error) {
	g := grid{refs: make([]string, columns)}
	for i := range g.refs {
		name, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return grid{}, err
		}
		g.refs[i] = refPrefix + name
	}
	return g, nil
}

func (g *grid) begin() {
	g.row++
	g.num = strconv.AppendInt(g.num[:0], int64(g.row), 10)
	g.buf = append(g.buf, `<row r="`...)
	g.buf = append(g.buf, g.num...)
	g.buf = append(g.buf, `">`...)
}

func (g *grid) end() { g.buf = append(g.buf, `</row>`...) }

// area is the cells written so far.
func (g *grid) area() string {
	corner := strings.TrimPrefix(g.refs[len(g.refs)-1], refPrefix)
	return "A1:" + corner + string(g.num)
}

func (g *grid) open(col int, s style) {
	g.buf = append(g.buf, g.refs[col]...)
	g.buf = append(g.buf, g.num...)
	g.buf = append(g.buf, s...)
}

// text writes a cell that is text whatever it looks like. Empty cells are left out.
func (g *grid) text(col int, s style, text string) {
	if text == "" {
		return
	}
	if len(text) > longest {
		text = g.shorten(text)
	}
	g.open(col, s)
	if blank(text[0]) || blank(text[len(text)-1]) {
		g.buf = append(g.buf, `" t="inlineStr"><is><t xml:space="preserve">`...)
	} else {
		g.buf = append(g.buf, `" t="inlineStr"><is><t>`...)
	}
	g.buf = appendXML(g.buf, text)
	g.buf = append(g.buf, `</t></is></c>`...)
}

// number writes a cell that is a number, given as text.
func (g *grid) number(col int, s style, digits string) {
	g.open(col, s)
	g.buf = append(g.buf, `"><v>`...)
	g.buf = append(g.buf, digits...)
	g.buf = append(g.buf, `</v></c>`...)
}

// shorten cuts what a spreadsheet program would refuse to open.
func (g *grid) shorten(text string) string {
	units, keep := 0, 0
	for i, r := range text {
		if units <= longest-len([]rune(cutMark)) {
			keep = i
		}
		units += max(1, utf16.RuneLen(r))
	}
	if units <= longest {
		return text
	}
	g.cut++
	return text[:keep] + cutMark
}

func blank(c byte) bool { return c <= ' ' }

// canonical reports whether a number cell shows this very text again, so that nothing is lost by making it one:
// no sign but a minus, no leading or trailing zeros, at most ten digits.
func canonical(s string) bool {
	if len(s) > 12 {
		return false
	}
	if s != "" && s[0] == '-' {
		s = s[1:]
		if s == "0" {
			return false
		}
	}
	digits, point := 0, -1
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c == '.' && point < 0 && i > 0:
			point = i
		default:
			return false
		}
	}
	switch {
	case digits == 0 || digits > 10:
		return false
	case s[0] == '0' && len(s) > 1 && point != 1:
		return false
	case point >= 0 && (point == len(s)-1 || s[len(s)-1] == '0'):
		return false
	}
	return true
}

// asIs marks the bytes that stand in XML text as they are.
var asIs = func() (t [256]bool) {
	for c := range utf8.RuneSelf {
		t[c] = c >= ' ' || c == '\t' || c == '\n'
	}
	for _, c := range "&<>_" {
		t[c] = false
	}
	return t
}()

// appendXML appends s as XML text. What XML cannot hold becomes U+FFFD.
func appendXML(b []byte, s string) []byte {
	done := 0
	for i := 0; i < len(s); {
		if asIs[s[i]] {
			i++
			continue
		}
		instead, n := entity(s[i:])
		if instead != "" {
			b = append(append(b, s[done:i]...), instead...)
			done = i + n
		}
		i += n
	}
	return append(b, s[done:]...)
}

// entity says what stands for the first n bytes of s; they stand for themselves when it is empty.
func entity(s string) (instead string, n int) {
	switch c := s[0]; {
	case c == '&':
		return "&amp;", 1
	case c == '<':
		return "&lt;", 1
	case c == '>':
		return "&gt;", 1
	case c == '\r':
		return "&#13;", 1
	case c == '_' && escapeLike(s):
		return "_x005F_", 1
	case c == '_':
		return "", 1
	case c < utf8.RuneSelf:
		return "\ufffd", 1
	}
	r, n := utf8.DecodeRuneInString(s)
	if r == '\ufffe' || r == '\uffff' || r == utf8.RuneError && n == 1 {
		return "\ufffd", n
	}
	return "", n
}

// escapeLike reports whether s begins with what spreadsheet programs read as an escaped character: "_x000D_".
func escapeLike(s string) bool {
	if len(s) < 7 || s[1] != 'x' || s[6] != '_' {
		return false
	}
	_, err := strconv.ParseUint(s[2:6], 16, 16)
	return err == nil
}
