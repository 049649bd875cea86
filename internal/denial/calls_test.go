package denial_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"

	"denybatch/pkg/upstream/upstreamtest"
)

// Finding the culprits in refused calls stays near what information theory allows (design, section 8).
func TestBulkCallsWhileIsolating(t *testing.T) {
	const rows, chunk = 10_000, 50
	goals := []struct{ share, most float64 }{{0, 1}, {0.001, 1.5}, {0.01, 1.1}, {0.05, 1.1}, {0.1, 1.1}, {0.3, 1.1}}
	for _, goal := range goals {
		t.Run(fmt.Sprint(goal.share), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, upstreamtest.Config{InvX: upstreamtest.InvX{Mode: upstreamtest.Refuse}})
				w.batch(t, rows, goal.share, 0)
				w.mustRun(t)
				lines := w.report(t, "")
				w.checkTruth(t, lines)
				bad := float64(count(lines)["rejected"])
				p := bad / rows
				floor := max(rows/chunk, rows*entropy(p))
				c := w.sim.Counters()
				t.Logf("%4.1f %% bad: %d calls, %.3f x the floor; %d reads, %.3f a bad row", 100*p, c.BulkCalls, float64(c.BulkCalls)/floor, c.Reads, float64(c.Reads)/max(1, bad))
				if got := float64(c.BulkCalls) / floor; got > goal.most {
					t.Errorf("%.3f times the floor, want at most %.2f", got, goal.most)
				}
				if float64(c.Reads) > 1.1*bad {
					t.Errorf("%d reads for %.0f bad rows", c.Reads, bad)
				}
			})
		})
	}
}

func entropy(p float64) float64 {
	if p == 0 || p == 1 {
		return 0
	}
	return -p*math.Log2(p) - (1-p)*math.Log2(1-p)
}
