package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape makes a cell harmless to a spreadsheet program that opens it as CSV: one that would run as a formula gets an
// apostrophe in front. Amounts such as -12.50 stay as they are. [Unescape] undoes it, for every string.
func Escape(cell string) string {
	if tame(cell) || !live(bare(cell)) {
		return cell
	}
	return "'" + cell
}

// Unescape gives back the cell that [Escape] was given. A cell that needs no escape is returned as it is.
func Unescape(cell string) string {
	if cell == "" || cell[0] != '\'' || !live(bare(cell)) {
		return cell
	}
	return cell[1:]
}

// bare is the cell without its leading apostrophes. They are counted out of the question whether a cell is dangerous,
// so that a user's own apostrophes survive the way out and back.
func bare(cell string) string { return strings.TrimLeft(cell, "'") }

// tame answers for nearly every cell by its first byte: true means that it cannot be dangerous.
func tame(cell string) bool {
	if cell == "" {
		return true
	}
	switch c := cell[0]; c {
	case '=', '+', '-', '@', '|', '%', ' ', '\'', 0x7f:
		return false
	default:
		return c >= ' ' && c < utf8.RuneSelf
	}
}

// live reports whether a spreadsheet program might take s for a formula or a command.
func live(s string) bool {
	for i, r := range s {
		switch r {
		case '\t', '\r', '\n', '=', '@', '|', '%', '＝', '＋', '－', '＠':
			return true
		case '+', '-':
			return !plainNumber(s[i+1:])
		}
		if !invisible(r) {
			return false
		}
	}
	return false
}

// invisible reports whether r may stand unseen before a formula.
func invisible(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
}

// plainNumber reports whether s, which follows a sign, is digits with single separators between them, perhaps a
// decimal point before them and a percent sign behind.
func plainNumber(s string) bool {
	s = strings.TrimRight(s, " \u00a0")
	s = strings.TrimRight(strings.TrimSuffix(s, "%"), " \u00a0")
	if s != "" && (s[0] == '.' || s[0] == ',') {
		s = s[1:]
	}
	digit := false
	for _, r := range s {
		switch {
		case '0' <= r && r <= '9':
			digit = true
		case digit && strings.ContainsRune(".,' \u00a0\u202f", r):
			digit = false
		default:
			return false
		}
	}
	return digit
}
