package journal

import (
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"denybatch/internal/verdict"
)

var lines = []verdict.Verdict{
	{Row: 2, DocID: "d1", Result: verdict.Denied, Status: "220", At: time.Date(2025, 1, 2, 3, 4, 5, 678e6, time.UTC)},
	{Row: 1 << 20, Result: verdict.Rejected, Code: "err-x", Message: "action dny on state 240.kotlin"},
	{Row: 3, DocID: "d,}{:", Result: verdict.Unknown, Message: "plain, but odd: ,result:"},
	{Row: 4, DocID: `a"b\c`, Result: verdict.Rejected, Message: "two\nlines\tand \x01"},
	{Row: 5, DocID: "rechnung-ä", Result: verdict.NotSent, Message: "não é possível", At: time.Unix(0, 1).UTC()},
	{Row: 6, DocID: "d6", Result: verdict.Denied, Message: "not UTF-8: \xff"},
}

// The short way to read a line may only be shorter.
func TestLinesReadTheSameBothWays(t *testing.T) {
	for _, v := range lines {
		text := string(appendLine(nil, v))
		got, err := parseLine(text[:len(text)-1])
		if err != nil {
			t.Fatal(err)
		}
		var want line
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if got != verdict.Verdict(want) {
			t.Errorf("%s is read as %+v, want %+v", text, got, want)
		}
	}
}

func TestUsualLinesTakeTheShortWay(t *testing.T) {
	for i, usual := range []bool{true, true, true, false, false, false} {
		text := string(appendLine(nil, lines[i]))
		if _, ok := parsePlain(text[:len(text)-1]); ok != usual {
			t.Errorf("%s: short way %v, want %v", text, ok, usual)
		}
	}
}

func TestDamagedLinesAreNoVerdicts(t *testing.T) {
	text := string(appendLine(nil, lines[0]))
	for cut := range len(text) - 2 {
		if v, err := parseLine(text[:cut]); err == nil {
			t.Errorf("%q is read as %+v", text[:cut], v)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	verdicts := make([]verdict.Verdict, 1000)
	for i := range verdicts {
		verdicts[i] = lines[0]
		verdicts[i].DocID = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
	}
	segment := encode(header{Segment: 1}, verdicts)
	for b.Loop() {
		if _, _, err := decode("", segment); err != nil {
			b.Fatal(err)
		}
	}
}
