package sheet

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// invisible reports whether a rune is white space or shows nothing at all.
func invisible(r rune) bool {
	if r < 0x80 {
		return r == ' ' || r >= '\t' && r <= '\r'
	}
	return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == '\uFEFF' || r == '\u3164' || r == '\u2800'
}

// fold reduces a heading to what people mean by it: no case, no accents, no spaces or punctuation between words.
func fold(heading string) string {
	var s strings.Builder
	for _, r := range norm.NFKD.String(heading) {
		if invisible(r) || unicode.Is(unicode.Mn, r) || strings.ContainsRune("_-‐‑‒–—.:*", r) {
			continue
		}
		s.WriteRune(unicode.ToLower(r))
	}
	return s.String()
}
