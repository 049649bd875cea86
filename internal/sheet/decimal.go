package sheet

import (
	"bytes"
	"strconv"
)

// decimal is a number by its digits, for showing it: 0.digits times ten to the power of exp. Digits have no zeros at
// either end; zero has none at all. Whole numbers keep all their digits, however long, since they may be identifiers.
type decimal struct {
	negative bool
	digits   []byte
	exp      int
}

// precision is how many digits a spreadsheet knows of a fraction; what lies behind comes of binary arithmetic.
const precision = 15

// parseDecimal reads a number as workbooks write it.
func parseDecimal(text []byte) (decimal, bool) {
	mantissa, exp := text, 0
	if i := bytes.IndexAny(text, "eE"); i >= 0 {
		n, err := strconv.Atoi(string(text[i+1:]))
		if err != nil || n > 400 || n < -400 {
			return decimal{}, false
		}
		mantissa, exp = text[:i], n
	}
	d := decimal{}
	if len(mantissa) > 0 && (mantissa[0] == '-' || mantissa[0] == '+') {
		d.negative = mantissa[0] == '-'
		mantissa = mantissa[1:]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	if len(whole)+len(fraction) == 0 || len(mantissa) > 400 || !allDigits(whole) || !allDigits(fraction) {
		return decimal{}, false
	}
	d.digits = append(append(make([]byte, 0, len(mantissa)), whole...), fraction...)
	d.exp = len(whole) + exp
	d.trim()
	if !d.whole() && len(d.digits) > precision {
		d = d.round(precision - d.exp)
	}
	return d, true
}

func allDigits(text []byte) bool {
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

func (d *decimal) trim() {
	for len(d.digits) > 0 && d.digits[0] == '0' {
		d.digits, d.exp = d.digits[1:], d.exp-1
	}
	d.digits = bytes.TrimRight(d.digits, "0")
	if len(d.digits) == 0 {
		d.exp = 0
	}
}

func (d decimal) zero() bool  { return len(d.digits) == 0 }
func (d decimal) whole() bool { return len(d.digits) <= d.exp || d.zero() }

// round rounds to a number of places behind the point, halves away from zero as spreadsheets do.
func (d decimal) round(places int) decimal {
	keep := d.exp + places
	if keep >= len(d.digits) {
		return d
	}
	if keep < 0 {
		return decimal{negative: d.negative}
	}
	up := d.digits[keep] >= '5'
	r := decimal{d.negative, append([]byte{'0'}, d.digits[:keep]...), d.exp + 1}
	for i := keep; up; i-- {
		if r.digits[i] < '9' {
			r.digits[i]++
			break
		}
		r.digits[i] = '0'
	}
	r.trim()
	return r
}

// split gives the digits before the point, without leading zeros, and `places` digits behind it.
func (d decimal) split(places int) (whole, fraction []byte) {
	d = d.round(places)
	for i := range max(d.exp, 0) {
		whole = append(whole, d.digit(i))
	}
	for i := range places {
		fraction = append(fraction, d.digit(d.exp+i))
	}
	return whole, fraction
}

func (d decimal) digit(i int) byte {
	if i < 0 || i >= len(d.digits) {
		return '0'
	}
	return d.digits[i]
}

// appendGeneral shows the number as an unformatted cell does, save that whole numbers are shown in full.
func (d decimal) appendGeneral(out []byte) []byte {
	if d.zero() {
		return append(out, '0')
	}
	if d.negative {
		out = append(out, '-')
	}
	switch {
	case d.whole() && (d.exp <= 20 || len(d.digits) > precision):
		return d.appendFixed(out, 0)
	case d.whole(), d.exp < -8:
		return d.appendScientific(out)
	case d.exp < -3 && len(d.digits)-d.exp > 9:
		return d.appendScientific(out)
	case d.exp <= 0:
		return d.appendFixed(out, 9)
	case d.exp > 10:
		return d.appendFixed(out, precision-min(d.exp, precision))
	}
	return d.appendFixed(out, 10-d.exp)
}

// appendFixed shows up to `places` places behind the point, without zeros at the end, and no sign.
func (d decimal) appendFixed(out []byte, places int) []byte {
	whole, fraction := d.split(places)
	if len(whole) == 0 {
		out = append(out, '0')
	}
	out = append(out, whole...)
	if fraction = bytes.TrimRight(fraction, "0"); len(fraction) > 0 {
		out = append(append(out, '.'), fraction...)
	}
	return out
}

func (d decimal) appendScientific(out []byte) []byte {
	exp := d.exp - 1
	d.exp = 1
	if d = d.round(5); d.exp == 2 {
		d.exp, exp = 1, exp+1
	}
	out = append(d.appendFixed(out, 5), 'E')
	return appendExponent(out, exp, 2, true)
}

// appendExponent shows the power of ten with at least `width` digits.
func appendExponent(out []byte, exp, width int, plus bool) []byte {
	switch {
	case exp < 0:
		out, exp = append(out, '-'), -exp
	case plus:
		out = append(out, '+')
	}
	digits := strconv.Itoa(exp)
	for range width - len(digits) {
		out = append(out, '0')
	}
	return append(out, digits...)
}
