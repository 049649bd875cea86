package denial_test

import (
	"testing"
	"testing/synctest"

	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

// The same documents with the same comments in another batch right after the first were denied before it, in every mode
// and also when answers are lost.
func TestRightAfterAnotherBatch(t *testing.T) {
	for _, mode := range modes {
		t.Run(modeName(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, upstreamtest.Config{InvX: mode})
				w.batch(t, 100, 0, 0)
				pause(t) // a denial on the stroke of a second would pass for one told in whole seconds
				w.mustRun(t)
				if err := w.sim.SetFaults("lost=0.2,missing=0.2"); err != nil {
					t.Fatal(err)
				}
				w.state, w.out = newStore(t), newStore(t)
				pause(t)
				w.mustRun(t)
				for _, l := range w.report(t, "") {
					if l["result"] != string(verdict.AlreadyDenied) {
						t.Errorf("row %s: %s", l["result_row"], l["result"])
					}
				}
			})
		})
	}
}
