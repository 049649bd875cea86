package sheet

import (
	"math"
	"strings"
)

// longNumber is how many digits a whole number must have so that it is never shown in scientific notation.
const longNumber = 12

// appendNumber adds a number as the section shows it.
func (s *section) appendNumber(out []byte, d decimal) []byte {
	if s.has(generalItem) || s.has('@') {
		return s.appendAround(out, d)
	}
	if d.negative && !s.vanishes(d) {
		out = append(out, '-')
	}
	d.negative = false
	items := s.items
	for i, it := range items {
		if it.kind == 'E' && i > 0 {
			return appendExponential(out, items, i, d)
		}
	}
	if at := slash(items); at >= 0 {
		return newFraction(items, at).append(out, d)
	}
	return newPicture(items).append(out, d)
}

// vanishes reports whether the number is shown as zero, which has no sign.
func (s *section) vanishes(d decimal) bool {
	if s.has('E') || s.has('/') {
		return d.zero()
	}
	p := newPicture(s.items)
	d.exp += p.shift
	return d.round(p.after).zero()
}

// appendAround shows an unformatted number between the section's literals.
func (s *section) appendAround(out []byte, d decimal) []byte {
	for _, it := range s.items {
		switch it.kind {
		case generalItem, '@':
			out = d.appendGeneral(out)
		case literal:
			out = append(out, it.text...)
		}
	}
	return out
}

// picture is where the digits of a number go among literals.
type picture struct {
	items  []item
	point  int // index of the decimal point, len(items) when there is none
	before int // places for digits before the point
	after  int // and behind it
	group  bool
	shift  int // powers of ten, for per cent and thousands
}

func isDigit(kind byte) bool { return kind == '0' || kind == '#' || kind == '?' }

func newPicture(items []item) picture {
	p := picture{items: items, point: len(items)}
	last := -1
	for i, it := range items {
		switch {
		case it.kind == '.' && p.point == len(items):
			p.point = i
		case it.kind == '%':
			p.shift += 2
		case isDigit(it.kind):
			last = i
			if i < p.point {
				p.before++
			} else {
				p.after++
			}
		}
	}
	p.commas(last)
	return p
}

// commas between digits group thousands; behind the last one each divides by a thousand.
func (p *picture) commas(last int) {
	seen := 0
	for i, it := range p.items {
		switch {
		case isDigit(it.kind):
			seen++
		case it.kind != ',' || seen == 0:
		case i > last, i < p.point && seen == p.before:
			p.shift -= 3
		case i < p.point:
			p.group = true
		}
	}
}

func (p picture) append(out []byte, d decimal) []byte {
	if !d.zero() {
		d.exp += p.shift
	}
	whole, fraction := d.split(p.after)
	place, behind := 0, 0
	for i, it := range p.items {
		switch {
		case isDigit(it.kind) && i < p.point:
			out = p.whole(out, it.kind, place, whole)
			place++
		case isDigit(it.kind):
			out = p.fraction(out, it.kind, behind, fraction, p.items[i+1:])
			behind++
		case it.kind == '.' && i == p.point:
			if p.before == 0 {
				out = append(out, whole...)
			}
			out = append(out, '.')
		case it.kind == ',':
		default:
			out = append(out, it.text...)
		}
	}
	return out
}

// whole shows what goes in a place before the point. The first place takes all digits that have no place of their own.
func (p picture) whole(out []byte, kind byte, place int, digits []byte) []byte {
	right := p.before - place - 1 // places to the right of this one
	if place == 0 {
		for len(digits) > p.before {
			out = p.digit(out, digits[0], len(digits)-1)
			digits = digits[1:]
		}
	}
	switch {
	case right < len(digits):
		return p.digit(out, digits[len(digits)-1-right], right)
	case kind == '0':
		return p.digit(out, '0', right)
	case kind == '?':
		return append(out, ' ')
	}
	return out
}

func (p picture) digit(out []byte, digit byte, right int) []byte {
	out = append(out, digit)
	if p.group && right > 0 && right%3 == 0 {
		out = append(out, ',')
	}
	return out
}

// fraction shows what goes in a place behind the point. Zeros at the end are left out where the format allows it.
func (p picture) fraction(out []byte, kind byte, place int, digits []byte, rest []item) []byte {
	needed := kind == '0' || strings.Trim(string(digits[place:]), "0") != ""
	for _, it := range rest {
		needed = needed || it.kind == '0'
	}
	switch {
	case needed:
		return append(out, digits[place])
	case kind == '?':
		return append(out, ' ')
	}
	return out
}

// appendExponential shows scientific notation, but long whole numbers in full: they are identifiers.
func appendExponential(out []byte, items []item, at int, d decimal) []byte {
	if d.whole() && d.exp >= longNumber && d.exp <= 40 {
		return d.appendFixed(out, 0)
	}
	p := newPicture(items[:at])
	step := max(p.before, 1)
	exp := 0
	if !d.zero() {
		exp = int(math.Floor(float64(d.exp-1)/float64(step))) * step
		d.exp -= exp
		if r := d.round(p.after); r.exp > step {
			exp, d.exp = exp+step, d.exp-step
		}
	}
	out = append(p.append(out, d), 'E')
	width := 0
	rest := items[at+1:]
	for len(rest) > 0 && isDigit(rest[0].kind) {
		width, rest = width+1, rest[1:]
	}
	out = appendExponent(out, exp, width, items[at].text[1] == '+')
	return newPicture(rest).append(out, decimal{})
}
