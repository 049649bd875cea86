package report

import (
	"encoding/xml"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// A parser gives back what was written, but for what XML cannot hold at all.
func TestXMLTextIsGivenBack(t *testing.T) {
	texts := rapid.OneOf(
		rapid.String(),
		rapid.StringOf(rapid.SampledFrom([]rune("_x00Dd41&<>]\r\n\t\x00\x1f\x7f\ufffe\uffff é😀'\""))),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
	rapid.Check(t, func(t *rapid.T) {
		text := texts.Draw(t, "text")
		var got string
		if err := xml.Unmarshal(append(appendXML([]byte("<t>"), text), "</t>"...), &got); err != nil {
			t.Fatal(err)
		}
		got = strings.ReplaceAll(got, "_x005F_", "_")
		if want := legible(text); got != want && !strings.Contains(text, "_x005F_") {
			t.Fatalf("got %q, want %q", got, want)
		}
	})
}

func legible(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && !strings.ContainsRune("\t\r\n", r) || r == '\ufffe' || r == '\uffff' {
			return utf8.RuneError
		}
		return r
	}, text)
}

func TestWhatLooksLikeAnEscapeIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"_x0041_": "_x005F_x0041_", "a_x000d_b": "a_x005F_x000d_b", "_x004_": "_x004_", "_xGGGG_": "_xGGGG_", "_x0041": "_x0041", "snake_case": "snake_case",
		"_x+041_": "_x+041_",
	} {
		if got := string(appendXML(nil, text)); got != want {
			t.Errorf("%q is written %q, want %q", text, got, want)
		}
	}
}

// Every number that is written as one reads back as the same text.
func TestCanonicalNumbersRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`-?[0-9]{0,11}\.?[0-9]{0,11}`).Draw(t, "number")
		if !canonical(s) {
			return
		}
		f, err := strconv.ParseFloat(s, 64)
		if back := strconv.FormatFloat(f, 'f', -1, 64); err != nil || back != s {
			t.Fatalf("%q reads back as %q, %v", s, back, err)
		}
	})
}
