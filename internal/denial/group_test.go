package denial_test

import (
	"testing"
	"testing/synctest"

	"denybatch/pkg/upstream/upstreamtest"
)

// However many good rows were seen, calls stay full: the belief in bad ones must not fade until sums with it break down.
func TestCallsStayFullInALongGoodFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rows, chunk = 40_000, 50
		w := newWorld(t, upstreamtest.Config{})
		w.batch(t, rows, 0, 0)
		w.mustRun(t)
		if c := w.sim.Counters(); c.BulkCalls != rows/chunk {
			t.Errorf("%d calls for %d good rows, want %d", c.BulkCalls, rows, rows/chunk)
		}
	})
}
