package sheet

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// section is one part of a number format, cut into items.
type section struct {
	items     []item
	date      bool
	condition *condition
}

// item is a piece of a section. Kinds are the characters of the format language themselves:
// 0 # ? . , % E / @ for numbers and texts, y m d h s a e b g for dates; and those below.
type item struct {
	kind byte
	text string
}

const (
	literal     = 'l'
	generalItem = 'G'
	minutes     = 'M'
	elapsed     = '['
	subSecond   = 'f'
)

func (s section) has(kind byte) bool {
	for _, item := range s.items {
		if item.kind == kind {
			return true
		}
	}
	return false
}

func (s section) plainGeneral() bool {
	return len(s.items) == 0 || len(s.items) == 1 && (s.items[0].kind == generalItem || s.items[0].kind == '@')
}

func parseSection(code string) section {
	var s section
	for len(code) > 0 {
		code = code[s.item(code):]
	}
	s.date = s.hasDate()
	if s.date {
		s.findMinutes()
	}
	return s
}

func (s *section) add(kind byte, text string) { s.items = append(s.items, item{kind, text}) }

// item reads the item at the beginning of code and returns its length.
func (s *section) item(code string) int {
	if n := s.word(code); n > 0 {
		return n
	}
	c := code[0]
	switch c {
	case '"':
		end := skipTo(code)
		s.add(literal, strings.TrimSuffix(code[1:end+1], `"`))
		return end + 1
	case '[':
		end := skipTo(code)
		s.bracket(strings.TrimSuffix(code[1:end+1], "]"))
		return end + 1
	case '\\', '_', '*':
		return s.escapedItem(code)
	case '0', '#', '?', '.', ',', '%', '/', '@':
		s.add(c, code[:1])
		return 1
	}
	if strings.IndexByte("ymdhsebgYMDHSEBG", c) >= 0 {
		return s.run(code)
	}
	_, size := utf8.DecodeRuneInString(code)
	s.add(literal, code[:size])
	return size
}

// word reads the names of the format language.
func (s *section) word(code string) int {
	for _, word := range []string{"general", "am/pm", "a/p", "上午/下午"} {
		if len(code) >= len(word) && strings.EqualFold(code[:len(word)], word) {
			kind := byte('a')
			if word == "general" {
				kind = generalItem
			}
			s.add(kind, code[:len(word)])
			return len(word)
		}
	}
	if len(code) > 1 && (code[0] == 'E' || code[0] == 'e') && (code[1] == '+' || code[1] == '-') {
		s.add('E', code[:2])
		return 2
	}
	return 0
}

// escapedItem reads "\x" (x itself), "_x" (a space as wide as x) and "*x" (x as often as there is room: not at all).
func (s *section) escapedItem(code string) int {
	_, size := utf8.DecodeRuneInString(code[1:])
	switch code[0] {
	case '\\':
		s.add(literal, code[1:1+size])
	case '_':
		s.add(literal, " ")
	}
	return 1 + size
}

// run reads a letter of a date as often as it is repeated.
func (s *section) run(code string) int {
	n := 1
	for n < len(code) && code[n]|0x20 == code[0]|0x20 {
		n++
	}
	s.add(code[0]|0x20, code[:n])
	return n
}

// bracket reads what stands in brackets: elapsed time, a currency or a condition. Colours change nothing, and neither
// do languages: names of months and days are shown in English.
func (s *section) bracket(inside string) {
	lower := strings.ToLower(inside)
	switch {
	case lower == "":
	case strings.Trim(lower, "h") == "", strings.Trim(lower, "m") == "", strings.Trim(lower, "s") == "":
		s.add(elapsed, lower)
	case lower[0] == '$':
		if currency, _, _ := strings.Cut(inside[1:], "-"); currency != "" {
			s.add(literal, currency)
		}
	case strings.IndexByte("<>=", lower[0]) >= 0:
		operand := strings.TrimLeft(lower, "<>=")
		if v, err := strconv.ParseFloat(strings.TrimSpace(operand), 64); err == nil {
			s.condition = &condition{lower[:len(lower)-len(operand)], v}
		}
	}
}

func (s section) hasDate() bool {
	for _, item := range s.items {
		if strings.IndexByte("ymdhsaebg[", item.kind) >= 0 {
			return true
		}
	}
	return false
}

// findMinutes tells minutes from months: an "m" behind hours or before seconds is minutes. Zeros behind a point are
// parts of a second.
func (s *section) findMinutes() {
	before, month := byte(0), -1
	var kept []item
	for i := 0; i < len(s.items); i++ {
		it := s.items[i]
		switch {
		case it.kind == '.' && i+1 < len(s.items) && s.items[i+1].kind == '0':
			for i+1 < len(s.items) && s.items[i+1].kind == '0' {
				i++
				it.text += "0"
			}
			it.kind = subSecond
		case it.kind == 'm' && len(it.text) <= 2 && before == 'h':
			it.kind = minutes
		case month >= 0 && (it.kind == 's' || it.kind == elapsed && it.text[0] == 's'):
			kept[month].kind = minutes
		}
		kept = append(kept, it)
		month, before = follow(kept, month, before)
	}
	s.items = kept
}

// follow remembers which part of a date came last, and where the one stands that may turn out to be minutes.
func follow(kept []item, month int, before byte) (int, byte) {
	it := kept[len(kept)-1]
	switch it.kind {
	case 'm':
		if len(it.text) <= 2 {
			return len(kept) - 1, 'm'
		}
		return -1, 'm'
	case elapsed:
		return -1, it.text[0]
	case 'y', 'd', 'h', 's', 'e', 'b', 'g', minutes:
		return -1, it.kind
	}
	return month, before
}
