package report_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"denybatch/internal/report"
)

func TestEscapeLeavesWhatIsHarmless(t *testing.T) {
	for _, cell := range []string{
		"", "not our goods", "220", "'quoted'", "''", "é", "\u200bzero width", "a=b", "n/a", "-12.50", "+5511999999999", "-1.234,56",
		"-1,234.56", "-1 234", "-1'234", "-.5", "-5%", "-5 %", "  -7", "'-7", "\u00a0x", "(12.50)",
	} {
		if got := report.Escape(cell); got != cell {
			t.Errorf("Escape(%q) = %q, want it as it is", cell, got)
		}
	}
}

func TestEscapeDisarms(t *testing.T) {
	for _, cell := range []string{
		"=1+1", "+1+1", "-1+1", "@SUM(A1)", "|cmd", "%0A=1", "\t=1", "\r=1", "\n=1", "\tx", "＝1", "＋1", "－1", "＠x", " =1", "\u00a0=1",
		"\u200b=1", "\ufeff=1", "\u202e=1", "\x00=1", "-", "--1", "-1..2", "-1.", "+", "-A1", "-2+cmd|' /C calc'!A0", "=HYPERLINK(\"x\")", "\u3000=1",
		"'=1", "''=1", "' =1",
	} {
		if got := report.Escape(cell); got != "'"+cell {
			t.Errorf("Escape(%q) = %q, want an apostrophe before it", cell, got)
		}
	}
}

func TestUnescapeLeavesApostrophesThatAreNoEscape(t *testing.T) {
	for _, cell := range []string{"'", "'hello", "''", "'-12.50", "'220", "=1"} {
		if got := report.Unescape(cell); got != cell {
			t.Errorf("Unescape(%q) = %q, want it as it is", cell, got)
		}
	}
}

// treacherous draws strings made mostly of what Escape cares about.
var treacherous = rapid.OneOf(
	rapid.String(),
	rapid.StringOf(rapid.SampledFrom([]rune("''''==+-@\t\r\n|%＝＋－＠ \u00a0\u200b\ufeff019.,%x\";_&<"))),
	rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
)

func TestUnescapeUndoesEscape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := treacherous.Draw(t, "cell")
		escaped := report.Escape(cell)
		if got := report.Unescape(escaped); got != cell {
			t.Fatalf("Unescape(Escape(%q)) = %q", cell, got)
		}
		if again := report.Escape(report.Unescape(escaped)); again != escaped {
			t.Fatalf("Escape(Unescape(%q)) = %q", escaped, again)
		}
	})
}

func TestEscapedCellsNeverBeginWithAFormula(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := treacherous.Draw(t, "cell")
		shown := strings.TrimLeft(report.Escape(cell), " \u00a0\u200b\ufeff")
		if shown != "" && strings.ContainsAny(shown[:1], "=@|%\t\r\n") {
			t.Fatalf("Escape(%q) is a formula", cell)
		}
		if shown != "" && strings.ContainsAny(shown[:1], "+-") && strings.Trim(shown, "+-0123456789.,'% \u00a0\u202f") != "" {
			t.Fatalf("Escape(%q) is a formula", cell)
		}
	})
}
