package sheet

import (
	"strconv"
	"strings"
)

// format is a number format: how a cell's value is shown.
type format struct {
	sections  []section // for numbers: up to three
	text      *section  // for texts; nil shows them as they are
	plainText bool      // texts are shown as they are
	general   bool      // numbers are shown as in a cell without format
}

var general = parseFormat("General")

func parseFormat(code string) *format {
	f := &format{}
	for i, part := range splitSections(code) {
		s := parseSection(part)
		switch {
		case i == 3, s.has('@') && i > 0:
			f.text = &s
		case i < 3:
			if s.has('@') {
				f.text = &s
			}
			f.sections = append(f.sections, s)
		}
	}
	f.plainText = f.text == nil || len(f.text.items) == 1 && f.text.items[0].kind == '@'
	f.general = len(f.sections) == 1 && f.sections[0].plainGeneral()
	return f
}

// splitSections cuts a code at its semicolons, save those in quotes, brackets or behind a backslash.
func splitSections(code string) []string {
	var sections []string
	from := 0
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '\\', '_', '*':
			i++
		case '"', '[':
			i += skipTo(code[i:])
		case ';':
			sections = append(sections, code[from:i])
			from = i + 1
		}
	}
	return append(sections, code[min(from, len(code)):])
}

// skipTo is the distance from an opening quote or bracket to the closing one, or to the end.
func skipTo(code string) int {
	closing := byte('"')
	if code[0] == '[' {
		closing = ']'
	}
	if i := strings.IndexByte(code[1:], closing); i >= 0 {
		return i + 1
	}
	return len(code) - 1
}

// appendText adds a text as the format shows it.
func (f *format) appendText(out, text []byte) []byte {
	if f.plainText {
		return append(out, text...)
	}
	for _, item := range f.text.items {
		switch item.kind {
		case '@':
			out = append(out, text...)
		case literal:
			out = append(out, item.text...)
		}
	}
	return out
}

// appendNumber adds a number as the format shows it. What is no number is shown as it stands.
func (f *format) appendNumber(out, text []byte, date1904 bool) []byte {
	if f.general && ordinary(text) {
		return append(out, text...)
	}
	d, ok := parseDecimal(text)
	if !ok {
		return append(out, text...)
	}
	if f.general {
		return d.appendGeneral(out)
	}
	s, absolute := f.choose(d)
	if s == nil {
		return d.appendGeneral(out)
	}
	if s.date {
		if value, err := strconv.ParseFloat(string(text), 64); err == nil {
			if shown, ok := s.appendDate(out, value, date1904); ok {
				return shown
			}
		}
		return d.appendGeneral(out)
	}
	if absolute {
		d.negative = false
	}
	return s.appendNumber(out, d)
}

// ordinary reports whether a number is written just as it is shown: a whole one without sign, exponent or leading zero.
func ordinary(text []byte) bool {
	return len(text) > 0 && len(text) <= 20 && allDigits(text) && (text[0] != '0' || len(text) == 1)
}

// choose picks the section for a number, and says whether the section's own signs stand for the minus.
func (f *format) choose(d decimal) (s *section, absolute bool) {
	n := len(f.sections)
	if n == 0 {
		return nil, false
	}
	if f.sections[0].condition != nil || n > 1 && f.sections[1].condition != nil {
		return f.conditional(d)
	}
	switch {
	case n == 1:
		return &f.sections[0], false
	case d.negative && !d.zero():
		return &f.sections[1], true
	case d.zero() && n > 2:
		return &f.sections[2], true
	}
	return &f.sections[0], true
}

func (f *format) conditional(d decimal) (*section, bool) {
	value := d.float()
	for i := range f.sections[:min(len(f.sections), 2)] {
		if c := f.sections[i].condition; c != nil && c.holds(value) {
			return &f.sections[i], len(f.sections) > 1
		}
	}
	last := &f.sections[len(f.sections)-1]
	if last.condition != nil {
		return nil, false
	}
	return last, len(f.sections) > 1
}

func (d decimal) float() float64 {
	v, _ := strconv.ParseFloat("0."+string(d.digits)+"e"+strconv.Itoa(d.exp), 64)
	if d.negative {
		return -v
	}
	return v
}

// condition is a test in brackets: "[>=100]".
type condition struct {
	operator string
	operand  float64
}

func (c condition) holds(v float64) bool {
	switch c.operator {
	case "<":
		return v < c.operand
	case "<=":
		return v <= c.operand
	case ">":
		return v > c.operand
	case ">=":
		return v >= c.operand
	case "<>":
		return v != c.operand
	}
	return v == c.operand
}
