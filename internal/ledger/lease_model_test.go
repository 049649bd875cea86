package ledger_test

import (
	"errors"
	"testing"
	"time"

	"denybatch/internal/ledger"

	"pgregory.net/rapid"
)

// Three workers want the same lease; what each hears is what a model says.
func TestLeaseAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := world{newStore(t), &hand{now: start}}
		held := map[string]*ledger.Lease{} // what each worker believes to have
		holder, until := "", time.Time{}
		worker := func(rt *rapid.T) string { return rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "worker") }
		believes := func(rt *rapid.T) (string, *ledger.Lease) {
			me := worker(rt)
			if held[me] == nil {
				rt.Skip(me, "has no lease")
			}
			return me, held[me]
		}
		rt.Repeat(map[string]func(*rapid.T){
			"acquire": func(rt *rapid.T) {
				me, now := worker(rt), w.clock.Now()
				l, err := w.acquire(t, me)
				if busy := (*ledger.BusyError)(nil); holder != "" && holder != me && now.Before(until) {
					if !errors.As(err, &busy) || busy.Owner != holder || !busy.Until.Equal(until) {
						rt.Fatalf("got error %v, want %s until %s", err, holder, until)
					}
					return
				}
				must(t, rt, err)
				held[me], holder, until = l, me, now.Add(time.Minute)
			},
			"renew": func(rt *rapid.T) {
				me, l := believes(rt)
				err := l.Renew(t.Context())
				if holder != me {
					if !errors.Is(err, ledger.ErrLost) {
						rt.Fatalf("got error %v, want ErrLost", err)
					}
					return
				}
				must(t, rt, err)
				if until = w.clock.Now().Add(time.Minute); !l.Until().Equal(until) {
					rt.Fatalf("until %s, want %s", l.Until(), until)
				}
			},
			"release": func(rt *rapid.T) {
				me, l := believes(rt)
				err := l.Release(t.Context())
				if holder != me {
					if !errors.Is(err, ledger.ErrLost) {
						rt.Fatalf("got error %v, want ErrLost", err)
					}
					return
				}
				must(t, rt, err)
				holder = ""
			},
			"pass": func(rt *rapid.T) {
				w.pass(t, time.Duration(rapid.IntRange(1, 70).Draw(rt, "seconds"))*time.Second)
			},
		})
	})
}
