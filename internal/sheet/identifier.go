package sheet

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Trim takes white space and the invisible characters that copying leaves behind off both ends.
func Trim(s string) string {
	if s == "" || (s[0] > ' ' && s[0] < utf8.RuneSelf && s[len(s)-1] > ' ' && s[len(s)-1] < utf8.RuneSelf) {
		return s
	}
	return strings.TrimFunc(s, invisible)
}

var (
	scientific = regexp.MustCompile(`^[+-]?\d+([.,]\d+)?[eE][+-]?\d+$`)
	cellError  = regexp.MustCompile(`^#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!|CALC!|GETTING_DATA|####*)$`)
)

// Codes of what [Spoilt] finds.
const (
	CodeFormulaError = "formula-error"
	CodeDigitsLost   = "digits-lost"
)

// mayBeNumber spares most cells the regexp.
func mayBeNumber(cell string) bool {
	return cell != "" && (cell[0] == '+' || cell[0] == '-' || '0' <= cell[0] && cell[0] <= '9')
}

// IsFormulaError reports whether a cell shows a formula's error. Hardly a cell begins like one, hence the look before the
// regexp.
func IsFormulaError(cell string) bool {
	return strings.HasPrefix(cell, "#") && cellError.MatchString(cell)
}

// Spoilt says what a spreadsheet program has made of an identifier that stood in a cell, as a code and a clause with what
// to do; both are empty for one that looks unharmed.
func Spoilt(cell string) (code, clause string) {
	switch {
	case IsFormulaError(cell):
		return CodeFormulaError, fmt.Sprintf("holds the error %s: mend the formula", cell)
	case mayBeNumber(cell) && scientific.MatchString(cell):
		return CodeDigitsLost, fmt.Sprintf("holds %s, a number whose digits the spreadsheet program has dropped: paste the id again as text", cell)
	}
	return "", ""
}
