package denial_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"denybatch/internal/denial"
	"denybatch/internal/objects/objectstest"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/invx"
	"denybatch/pkg/upstream/upstreamtest"
)

// cutUpstream counts calls to upstream among a cutter's operations.
type cutUpstream struct {
	denial.Upstream
	cutter *objectstest.Cutter
	calls  int
}

func (c *cutUpstream) DenyBulk(ctx context.Context, d []invx.Denial) (answer invx.Answer, err error) {
	c.calls++
	err = c.cutter.Step("deny", func() (err error) {
		answer, err = c.Upstream.DenyBulk(ctx, d)
		return err
	})
	return answer, err
}

func (c *cutUpstream) Get(ctx context.Context, id string) (reading invx.Reading, err error) {
	c.calls++
	err = c.cutter.Step("read", func() (err error) {
		reading, err = c.Upstream.Get(ctx, id)
		return err
	})
	return reading, err
}

// callsALife is after how many calls a worker of the harness hands over, so that every batch needs several.
const callsALife = 9

// cutRun works on the batch, one worker handing over to the next, with every operation counted, and dies with operation
// n. A process that dies does not go on, so the cut also ends the context.
func (w *world) cutRun(t *testing.T, n int, when objectstest.When) (operations int, err error) {
	t.Helper()
	ctx, die := context.WithCancel(t.Context())
	defer die()
	var cutter objectstest.Cutter
	cutter.CutAt(n, when)
	for handedOver := true; handedOver && err == nil; {
		up := &cutUpstream{Upstream: w.client, cutter: &cutter}
		w.options.Halt = func() denial.Halt {
			if cutter.Cut() != nil {
				die()
			}
			if up.calls >= callsALife {
				return denial.HandOver
			}
			return denial.GoOn
		}
		var o denial.Outcome
		o, err = w.runWith(ctx, up, cutter.Store(w.state), cutter.Store(w.out))
		handedOver = o.HandedOver
	}
	w.options.Halt = nil
	return cutter.Count(), err
}

// crashWorld is a batch that needs isolation, reconciliation and several segments, small enough to be cut everywhere.
func crashWorld(t *testing.T, mode upstreamtest.InvX) *world {
	w := newWorld(t, upstreamtest.Config{InvX: mode, Faults: "lost@3,500@5,missing@7"})
	if mode.Mode != upstreamtest.Partial { // thousands of them are made; those of one mode are real folders
		w.state, w.out = objectstest.NewMemory(), objectstest.NewMemory()
	}
	w.options = denial.Options{Chunk: 4, Concurrency: 1}
	w.batch(t, 24, 0.12, 0.08)
	return w
}

var cutPoints atomic.Int64

// The run is cut at every single operation on storage and upstream, before it and after it with the answer lost, and
// begun again with fresh memory. Each time every row has one verdict, the true one, no document was denied twice, and
// there is one report.
func TestNoCrashCostsAVerdict(t *testing.T) {
	for _, mode := range modes {
		t.Run(modeName(mode), func(t *testing.T) {
			t.Parallel()
			var want []verdict.Result
			operations := 0
			synctest.Test(t, func(t *testing.T) {
				w := crashWorld(t, mode)
				var err error
				if operations, err = w.cutRun(t, 0, objectstest.Before); err != nil {
					t.Fatal(err)
				}
				want = results(w.report(t, ""))
			})
			for n := 1; n <= operations; n++ {
				for _, when := range []objectstest.When{objectstest.Before, objectstest.After} {
					synctest.Test(t, func(t *testing.T) { crashAt(t, mode, n, when, want) })
					if t.Failed() {
						t.Fatalf("cut at operation %d of %d, %v", n, operations, when)
					}
				}
			}
			cutPoints.Add(int64(2 * operations))
		})
	}
	t.Cleanup(func() { t.Logf("evidence: %d cut points survived", cutPoints.Load()) })
}

func crashAt(t *testing.T, mode upstreamtest.InvX, n int, when objectstest.When, want []verdict.Result) {
	w := crashWorld(t, mode)
	_, err := w.cutRun(t, n, when)
	if err == nil {
		t.Logf("cut %d: the run did not notice", n)
	} else if !errors.Is(err, objectstest.ErrCut) && !errors.Is(err, context.Canceled) {
		t.Errorf("cut %d: %v", n, err)
	}
	w.mustRun(t)
	lines := w.report(t, "")
	w.checkTruth(t, lines)
	if got := results(lines); !slices.Equal(got, want) {
		t.Errorf("verdicts %v, undisturbed %v", got, want)
	}
	if _, _, err := w.out.Open(t.Context(), "run-2/report.csv"); err == nil {
		t.Error("a second report was published")
	}
}

// Crashes may come in a row.
func TestManyCrashesInARow(t *testing.T) {
	for _, mode := range []upstreamtest.Mode{upstreamtest.Item, upstreamtest.Refuse, upstreamtest.Partial} {
		t.Run(string(mode), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := crashWorld(t, upstreamtest.InvX{Mode: mode})
				tries := 0
				for n := 8; ; n += 7 { // each life is a little longer than the one before, as there is more journal to read
					_, err := w.cutRun(t, n, objectstest.When(n%2))
					if err == nil {
						break
					}
					if tries++; tries > 60 {
						t.Fatal("it never ends")
					}
				}
				w.checkTruth(t, w.report(t, ""))
				t.Logf("it took %d crashes", tries)
			})
		})
	}
}

func results(lines []line) []verdict.Result {
	var out []verdict.Result
	for _, l := range lines {
		out = append(out, verdict.Result(l["result"]))
	}
	return out
}
