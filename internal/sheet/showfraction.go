package sheet

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// slash is the index of a fraction's bar, -1 when the section shows none.
func slash(items []item) int {
	for i, it := range items {
		if it.kind == '/' && i > 0 && isDigit(items[i-1].kind) {
			return i
		}
	}
	return -1
}

// fraction is how a section shows a common fraction: "# ?/?", "# ??/16".
type fraction struct {
	before []item // the whole number and what stands around it
	top    int    // places of the upper number
	bottom int    // places of the lower number
	fixed  int    // what the lower number must be, 0 when it is free
	behind []item
}

// newFraction cuts items at the bar.
func newFraction(items []item, bar int) fraction {
	top := bar
	for top > 0 && isDigit(items[top-1].kind) {
		top--
	}
	f := fraction{before: items[:top], top: bar - top}
	width, end, fixed := denominator(items, bar+1)
	f.bottom, f.fixed, f.behind = width, fixed, items[end:]
	if fixed > 0 {
		f.bottom = len(strconv.Itoa(fixed))
	}
	return f
}

// mixed reports whether the whole number is shown apart.
func (f fraction) mixed() bool {
	return slices.ContainsFunc(f.before, func(it item) bool { return isDigit(it.kind) })
}

func (f fraction) append(out []byte, d decimal) []byte {
	if f.mixed() {
		out = f.appendMixed(out, d)
	} else {
		num, den := approximate(d.float(), f.bottom, f.fixed)
		out = newPicture(f.before).append(out, decimal{})
		out = f.appendBar(out, num, den)
	}
	return newPicture(f.behind).append(out, decimal{})
}

// appendMixed shows "1 1/4". A fraction of nothing leaves its room blank, and so does a whole number of nothing.
func (f fraction) appendMixed(out []byte, d decimal) []byte {
	whole, part := math.Modf(d.float())
	num, den := approximate(part, f.bottom, f.fixed)
	if num == den {
		whole, num = whole+1, 0
	}
	switch {
	case whole > 0:
		w, _ := parseDecimal(strconv.AppendFloat(nil, whole, 'f', -1, 64))
		out = newPicture(f.before).append(out, w)
	case num == 0:
		out = append(out, '0', ' ')
	default:
		out = append(out, ' ')
	}
	if num == 0 {
		return append(out, strings.Repeat(" ", 2*f.bottom+1)...)
	}
	return f.appendBar(out, num, den)
}

func (f fraction) appendBar(out []byte, num, den int) []byte {
	return append(out, pad(num, f.top)+"/"+padRight(den, f.bottom)...)
}

// denominator reads how many digits the lower number may have, or which number it must be.
func denominator(items []item, from int) (width, end, fixed int) {
	for end = from; end < len(items); end++ {
		it := items[end]
		switch {
		case isDigit(it.kind) && fixed > 0 && it.kind == '0':
			fixed *= 10
		case isDigit(it.kind):
			width++
		case it.kind == literal && len(it.text) == 1 && it.text[0] >= '1' && it.text[0] <= '9' && fixed < 100000:
			fixed = fixed*10 + int(it.text[0]-'0')
		default:
			return width, end, fixed
		}
	}
	return width, end, fixed
}

// approximate finds the nearest fraction whose denominator has at most `width` digits, or is the fixed one.
func approximate(value float64, width, fixed int) (num, den int) {
	if fixed > 0 {
		return int(math.Round(value * float64(fixed))), fixed
	}
	limit := int(math.Pow10(min(max(width, 1), 5))) - 1
	n0, d0, n1, d1 := 0, 1, 1, 0
	x := value
	for range 64 {
		whole := math.Floor(x)
		n2, d2 := int(whole)*n1+n0, int(whole)*d1+d0
		if d2 > limit {
			break
		}
		n0, d0, n1, d1 = n1, d1, n2, d2
		if x-whole < 1e-10 {
			break
		}
		x = 1 / (x - whole)
	}
	if d1 == 0 {
		return n0, d0
	}
	return n1, d1
}

func pad(n, width int) string {
	s := strconv.Itoa(n)
	return strings.Repeat(" ", max(width-len(s), 0)) + s
}

func padRight(n, width int) string {
	s := strconv.Itoa(n)
	return s + strings.Repeat(" ", max(width-len(s), 0))
}
