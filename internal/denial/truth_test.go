package denial_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"denybatch/internal/denial"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

// modes are the bulk modes, and among them other shapes of answers.
var modes = []upstreamtest.InvX{
	{Mode: upstreamtest.Item},
	{Mode: upstreamtest.Refuse},
	{Mode: upstreamtest.Item, Bare: true},
	{Mode: upstreamtest.Item, Errors: upstreamtest.ListErrors, FailedKey: true},
	{Mode: upstreamtest.Partial},
	{Mode: upstreamtest.Partial, PartialRandom: true},
	{Mode: upstreamtest.Item, Errors: upstreamtest.StringErrors, SingleObject: true},
	{Mode: upstreamtest.Item, Repeat: upstreamtest.AcceptRepeat},
	{Mode: upstreamtest.Refuse, Repeat: upstreamtest.AcceptRepeat, DenyFrom: []string{"200", "210"}},
}

func modeName(m upstreamtest.InvX) string {
	return fmt.Sprintf("%s,bare=%v,errors=%s,repeat=%s,random=%v", m.Mode, m.Bare, m.Errors, m.Repeat, m.PartialRandom)
}

var troubles = []string{
	"",
	"429=0.2:retry-after=2",
	"429@1-3:retry-after=30:date,429=0.1",
	"503=0.2:retry-after=1,503=0.1:after",
	"500=0.15,502=0.1:after",
	"drop=0.15",
	"lost=0.2",
	"reset=0.2",
	"cut=0.2",
	"truncated=0.2",
	"foreign=0.15,html=0.15",
	"missing=0.5:n=3",
	"shuffle",
	"extra=0.5:n=3,shuffle=0.5",
	"slow=0.2:delay=10s-200s",
	"413:items=12",
	"413:bytes=1500",
	"read.500=0.2,read.429=0.2:retry-after=1,lost=0.2",
	"read.lost=0.2,read.html=0.2,read.truncated=0.2,lost=0.3",
	"lost=0.2,cut=0.1,429=0.1:retry-after=1,5xx=0.1,missing=0.1,shuffle,read.5xx=0.1,413:items=30",
}

// Whatever upstream does wrong, every row gets the verdict that upstream's own state shows to be true.
func TestVerdictsAreTrue(t *testing.T) {
	for i, mode := range modes {
		for k, trouble := range troubles {
			if i%4 > 1 && k%4 != 3 {
				continue // the shapes of answers meet a part of the troubles, the bulk modes all of them
			}
			t.Run(modeName(mode)+"/"+trouble, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, upstreamtest.Config{InvX: mode, Faults: trouble, Seed: 7})
					w.batch(t, 300, 0.04, 0.03)
					w.mustRun(t)
					w.checkTruth(t, w.report(t, ""))
				})
			})
		}
	}
}

// The clock of upstream may be wrong by minutes; what was denied before is still told from what was denied now.
func TestVerdictsAreTrueThoughClocksDiffer(t *testing.T) {
	for _, skew := range []string{"-17m", "17m", "-3s", "3s", "-1500ms", "100ms", "1500ms"} {
		t.Run(skew, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, upstreamtest.Config{Skew: duration(t, skew), Faults: "lost=0.3", InvX: upstreamtest.InvX{Mode: upstreamtest.Refuse}})
				w.batch(t, 300, 0.02, 0.1)
				w.mustRun(t)
				w.checkTruth(t, w.report(t, ""))
			})
		})
	}
}

// Documents that behave badly by themselves do not spoil their neighbours' verdicts.
func TestBadDocumentsAmongGoodOnes(t *testing.T) {
	odd := []struct {
		behaviour upstreamtest.Behaviour
		want      verdict.Result
	}{
		{upstreamtest.RefuseOpen, verdict.Rejected},
		{upstreamtest.Missing, verdict.Denied},
		{upstreamtest.Poison, verdict.Unknown},
		{upstreamtest.Unreadable, verdict.Denied},
		{upstreamtest.Unreadable + "+" + upstreamtest.Missing, verdict.Unknown},
		{upstreamtest.Unreadable + "+" + upstreamtest.RefuseOpen, verdict.Rejected},
	}
	for _, mode := range modes {
		t.Run(modeName(mode), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, upstreamtest.Config{InvX: mode})
				w.batch(t, 200, 0.02, 0.02)
				var odds []string
				for i, o := range odd {
					id := docID(1000 + i)
					odds = append(odds, id)
					if err := w.sim.Add(upstreamtest.Document{DocID: id, Status: "200", Behaviour: o.behaviour}); err != nil {
						t.Fatal(err)
					}
					w.file += id + ",Goods not received\n"
				}
				w.mustRun(t)
				lines := w.report(t, "")
				w.checkTruth(t, lines, odds...)
				for i, o := range odd {
					if got := lines[200+i]["result"]; got != string(o.want) && got != string(verdict.Unknown) {
						t.Errorf("%s: %s, want %s", o.behaviour, got, o.want)
					}
				}
			})
		})
	}
}

// Of a batch in which upstream knows nobody, or refuses everybody for one odd reason, no more is sent than it takes to
// notice.
func TestStopsWhenEverythingIsRefused(t *testing.T) {
	for _, mode := range []upstreamtest.Mode{upstreamtest.Item, upstreamtest.Refuse, upstreamtest.Partial} {
		t.Run(string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, upstreamtest.Config{InvX: upstreamtest.InvX{Mode: mode}})
				w.file = "docId,comments\n"
				for i := range 2000 {
					w.file += docID(i) + ",Goods not received\n"
				}
				o := w.mustRun(t)
				counts := count(w.report(t, ""))
				if o.Summary.Status != "stopped" || counts[verdict.NotSent] < 1500 || counts[verdict.Rejected] < denial.DefaultChunk {
					t.Errorf("%s, %v", o.Summary.Status, counts)
				}
				if counts.Total() != 2000 || counts[verdict.Rejected]+counts[verdict.NotSent] != 2000 {
					t.Errorf("counts %v", counts)
				}
			})
		})
	}
}
