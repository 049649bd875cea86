package sheet

import (
	"io"
	"unicode"

	"golang.org/x/text/encoding/charmap"
)

// evidence weighs whether 8-bit text is Windows-1252. Read as that, Western text has accented letters one or two at
// a time among ASCII ones. Greek, Cyrillic, Chinese or DOS text shows long runs of accents, or signs inside words.
type evidence struct {
	good, bad   int
	before, run rune // the character before, and how many high letters in a row
	high        rune // a high character that waits for its right neighbour
}

// looksWestern reports whether the text is plausible as Windows-1252. Nothing in the bytes can prove it.
func looksWestern(r io.ReaderAt, size int64) bool {
	var e evidence
	for chunk := range chunksOf(r, size, 0) {
		for _, b := range chunk {
			e.add(charmap.Windows1252.DecodeByte(b))
		}
	}
	e.add('\n')
	return e.bad*4 <= e.good
}

func (e *evidence) add(r rune) {
	if e.high != 0 {
		e.judge(r)
	}
	e.high = 0
	if r < 0x80 {
		e.before, e.run = r, 0
		return
	}
	if r == unicode.ReplacementChar || r < 0xA0 {
		e.bad += 4 // a byte that Windows-1252 leaves undefined
		return
	}
	e.high = r
}

// judge decides about the high character between e.before and next.
func (e *evidence) judge(next rune) {
	r := e.high
	switch {
	case unicode.IsLetter(r) && r != 'ª' && r != 'º' && r != 'µ' && r != 'ƒ':
		e.run++
		if e.run >= 3 || unicode.IsLower(e.before) && unicode.IsUpper(r) {
			e.bad++
		} else {
			e.good++
		}
	case asciiLetter(e.before) && asciiLetter(next) && r != '’' && r != '·' && r != '\u00AD' && r != '–' && r != '—' && r != '\u00A0':
		e.bad++
	case e.run > 0 && unicode.IsLetter(next) && next >= 0x80:
		e.bad++
	default:
		e.good++
	}
	e.before = r
}

func asciiLetter(r rune) bool { return r < 0x80 && unicode.IsLetter(r) }
