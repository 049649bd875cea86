package dir

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNamesStayReadable(t *testing.T) {
	for _, test := range []struct{ segment, posix, windows string }{
		{"report.csv", "report.csv", "report.csv"},
		{"50%.csv", "50%.csv", "50%.csv"},
		{"a%2Fb", "a%2Fb", "a%2Fb"},
		{"July 2026 (final).xlsx", "July 2026 (final).xlsx", "July 2026 (final).xlsx"},
		{".hidden", ".hidden", ".hidden"},
		{"2026-01-02T03:04", "2026-01-02T03:04", "2026-01-02T03%3A04"},
		{"a.", "a.", "a%2E"},
		{"a ", "a ", "a%20"},
		{`a\b`, `a\b`, "a%5Cb"},
		{"a%3Ab", "a%3Ab", "a%253Ab"},
		{"a%253Ab", "a%253Ab", "a%25253Ab"},
		{"a%:b", "a%:b", "a%%3Ab"},
		{"a%file", "a%25file", "a%25file"},
		{"a%25file", "a%2525file", "a%2525file"},
		{"a%filed", "a%filed", "a%filed"},
		{"a%more", "a%25more", "a%25more"},
	} {
		if got := posix.encode(test.segment); got != test.posix {
			t.Errorf("posix: %q is %q, want %q", test.segment, got, test.posix)
		}
		if got := windows.encode(test.segment); got != test.windows {
			t.Errorf("windows: %q is %q, want %q", test.segment, got, test.windows)
		}
	}
}

// tricky segments are made of what the namings give a meaning to.
var tricky = rapid.Custom(func(t *rapid.T) string {
	parts := rapid.SliceOfN(rapid.SampledFrom([]string{
		"%", "2", "5", "25", "%25", "3A", ":", "file", "more", ".", " ", "2E", "20", "a", "\\", "é", "\xff", "\x01", "0", "1",
	}), 1, 12).Draw(t, "parts")
	return strings.Join(parts, "")
})

func TestEveryNameIsOneSegment(t *testing.T) {
	for system, names := range map[string]naming{"posix": posix, "windows": windows} {
		t.Run(system, rapid.MakeCheck(func(t *rapid.T) {
			segment := tricky.Draw(t, "segment")
			name := names.encode(segment)
			if got := names.decode(name); got != segment {
				t.Errorf("%q is %q, which is %q", segment, name, got)
			}
			if strings.HasSuffix(name, fileMark) || strings.HasSuffix(name, moreMark) {
				t.Errorf("%q is %q, which has a mark", segment, name)
			}
			if system == "windows" && (strings.ContainsAny(name, "\x01\"*:<>?\\|") || strings.HasSuffix(name, ".") || strings.HasSuffix(name, " ")) {
				t.Errorf("%q is %q, which Windows forbids", segment, name)
			}
		}))
	}
}

// A file that someone else made is an object whatever its name is, unless that is one of our marks.
func TestEveryForeignNameIsAnObject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := tricky.Draw(t, "name")
		if strings.HasSuffix(name, fileMark) || strings.HasSuffix(name, moreMark) {
			return
		}
		if got := posix.encode(posix.decode(name)); got != name {
			t.Errorf("%q is the segment %q, which is %q", name, posix.decode(name), got)
		}
	})
}

func TestPiecesFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := strings.Repeat(rapid.SampledFrom([]string{"x", "é", "発", "🙂", "\xff", "."}).Draw(t, "what"), rapid.IntRange(1, 1500).Draw(t, "times"))
		joined := ""
		for piece := range strings.SplitSeq(pieces(name), "/") {
			if len(piece) > 255 || piece == "" || len(name) > 255 && strings.Trim(piece, ".") == "" && len(piece) < 3 {
				t.Errorf("piece %q of %d bytes", piece, len(piece))
			}
			joined += strings.TrimSuffix(piece, moreMark)
		}
		if joined != name {
			t.Errorf("pieces of %q are %q", name, joined)
		}
	})
}
