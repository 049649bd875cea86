package upstreamtest

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseFaults(t *testing.T) {
	f, err := ParseFaults("lost=0.05, 429=0.02:retry-after=1:date,5xx@3;7-9;20-,read.500@1:after,slow:delay=50ms-2s,missing:n=2")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.rules) != 6 {
		t.Fatalf("%d rules, want 6", len(f.rules))
	}
	if r := f.rules[0]; r.id != lost || r.share != 0.05 || r.kind != Bulk {
		t.Errorf("lost: %+v", r)
	}
	if r := f.rules[1]; r.retryAfter != 1 || !r.date || r.stage != instead {
		t.Errorf("429: %+v", r)
	}
	if r := f.rules[2]; !slices.Equal(r.calls, []span{{3, 3}, {7, 9}, {20, math.MaxInt}}) || r.share != 1 {
		t.Errorf("5xx: %+v", r)
	}
	if r := f.rules[3]; r.kind != Read || r.stage != ending || r.name != "read.500" {
		t.Errorf("read.500: %+v", r)
	}
	if r := f.rules[4]; r.delay != [2]time.Duration{50 * time.Millisecond, 2 * time.Second} {
		t.Errorf("slow: %+v", r)
	}
	if r := f.rules[5]; r.n != 2 {
		t.Errorf("missing: %+v", r)
	}
}

func TestParseFaultsNamesWhatIsWrong(t *testing.T) {
	for spec, want := range map[string]string{
		"lots=0.05":            `fault "lots=0.05": unknown fault "lots"`,
		"lost=2":               `fault "lost=2": share "2" is not a number from 0 to 1`,
		"lost=x":               `fault "lost=x": share "x"`,
		"lost@0":               `fault "lost@0": call "0": want numbers from 1`,
		"lost@9-3":             `fault "lost@9-3": calls "9-3": want a range`,
		"429:retry=1":          `fault "429:retry=1": unknown parameter "retry"`,
		"429:retry-after=soon": `parameter "retry-after=soon": "soon" is not a number of seconds`,
		"slow:delay=2s-1s":     `parameter "delay=2s-1s": the range runs backwards`,
		"slow:delay=2":         `"2" is not a duration`,
		"write.500":            `unknown prefix "write."`,
		"read.shuffle":         `shuffle means nothing for a read call`,
		"lost,cat,dog":         `fault "dog"`, // all faults of the text are told
	} {
		_, err := ParseFaults(spec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", spec, err, want)
		}
	}
}

func TestFaultHelpKnowsEveryFault(t *testing.T) {
	for id, kind := range faultKinds {
		for _, word := range append(kind.params, string(id)) {
			if !strings.Contains(FaultHelp, word) {
				t.Errorf("FaultHelp does not name %s of %s", word, id)
			}
		}
	}
	example := strings.TrimSpace(FaultHelp[strings.Index(FaultHelp, "Example: ")+len("Example: "):])
	if _, err := ParseFaults(example); err != nil {
		t.Error(err)
	}
}
