package sweep_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/journal"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest"
	"denybatch/internal/report"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

// wishes are what batches were asked for, "<batch> <reopen>".
type wishes struct {
	cutter *objectstest.Cutter
	made   []string
}

func (w *wishes) Continue(_ context.Context, rec journal.Record, reopen int) error {
	do := func() error {
		w.made = append(w.made, fmt.Sprint(rec.Batch, " ", reopen))
		return nil
	}
	if w.cutter == nil {
		return do()
	}
	return w.cutter.Step("continue", do)
}

// batch works on a batch as a worker that ends with these counts, or dies when there are none.
func (w *world) batch(t testing.TB, name string, next int, counts verdict.Counts) {
	t.Helper()
	j, err := journal.Open(t.Context(), w.state, journal.Claim{
		Batch: name, Source: journal.Source{Key: "inbox/deny/org/" + name + ".csv"}, Owner: fmt.Sprint("denier-", w.workers.Add(1)),
		Lease: time.Minute, Clock: clock.System{}, Reopen: next > 0, Next: next, Due: &ledger.Index{Store: w.state, Clock: clock.System{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if counts == nil || j.Record().Status.Over() {
		return
	}
	if err := j.Report(t.Context(), counts.Total(), ""); err != nil {
		t.Fatal(err)
	}
	if err := j.Finish(t.Context(), "reports/", counts); err != nil {
		t.Fatal(err)
	}
}

func TestBatchesThatNobodyWorksOn(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{CallbackAfter: -1}})
		wishes := &wishes{}
		w.batches = wishes
		w.batch(t, "left", 0, nil)
		w.batch(t, "good", 0, verdict.Counts{verdict.Denied: 7})
		w.batch(t, "open", 0, verdict.Counts{verdict.Denied: 5, verdict.Unknown: 1, verdict.NotSent: 1})
		sweepFor := func(d time.Duration) string {
			t.Helper()
			for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(5 * time.Minute) {
				w.sweep(t)
			}
			made := strings.Join(wishes.made, ", ")
			wishes.made = nil
			return made
		}
		if got := sweepFor(time.Second); got != "open 2" {
			t.Errorf("the first sweep: %s", got)
		}
		if got := sweepFor(15 * time.Minute); got != "left 0" {
			t.Errorf("when the lease has run out: %s", got)
		}
		w.batch(t, "open", 2, verdict.Counts{verdict.Denied: 6, verdict.Unknown: 1})
		w.batch(t, "open", 2, verdict.Counts{verdict.Denied: 7}) // the same message again begins no third run
		w.batch(t, "left", 0, verdict.Counts{verdict.Denied: 9})
		if got := sweepFor(14 * time.Minute); got != "" {
			t.Errorf("after the second run: %s", got)
		}
		if got := sweepFor(24 * time.Hour); !strings.HasPrefix(got, "open 3, open 3") {
			t.Errorf("nobody came, and the sweep did not ask again: %s", got)
		}
		for run := 3; run <= 5; run++ {
			w.batch(t, "open", run, verdict.Counts{verdict.Denied: 6, verdict.Unknown: 1})
		}
		if got := sweepFor(100 * time.Hour); got != "" {
			t.Errorf("after the last run: %s", got)
		}
		givenUp := 0
		for _, l := range w.reports(t) {
			if l["kind"] == "batch" && l["result"] == "exhausted" {
				givenUp++
			}
		}
		if givenUp != 1 {
			t.Errorf("%d lines say that the batch is given up, want 1", givenUp)
		}
		for info, err := range w.state.List(t.Context(), "due/", "") {
			t.Errorf("%s is left behind (%v)", info.Key, err)
		}
	})
}

// A sweep that is cut while it looks after batches asks for each of them, and reports each once.
func TestNoCrashLosesABatch(t *testing.T) {
	setUp := func(t *testing.T) (*world, *wishes) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{CallbackAfter: -1}})
		w.exchange, w.state = objectstest.NewMemory(), objectstest.NewMemory()
		w.options.Reports = []report.Kind{report.CSV}
		w.options.Patience = journal.Patience{Lease: 20 * time.Minute, Reopen: time.Minute, Runs: 2}
		w.batch(t, "left", 0, nil)
		w.batch(t, "open", 0, verdict.Counts{verdict.NotSent: 1})
		w.batch(t, "over", 0, verdict.Counts{verdict.NotSent: 1})
		w.batch(t, "over", 2, verdict.Counts{verdict.NotSent: 1})
		time.Sleep(time.Hour)
		return w, &wishes{}
	}
	operations := 0
	for n := 0; n <= operations; n++ {
		for _, when := range []objectstest.When{objectstest.Before, objectstest.After} {
			bubble(t, func(t *testing.T) {
				w, wishes := setUp(t)
				var cutter objectstest.Cutter
				cutter.CutAt(n, when)
				wishes.cutter = &cutter
				w.batches = wishes
				_, err := w.sweeper(w.client, cutter.Store(w.exchange), cutter.Store(w.state)).Sweep(t.Context())
				if n == 0 {
					operations = cutter.Count()
				} else if err == nil {
					t.Logf("cut %d: the sweep did not notice", n)
				}
				wishes.cutter = nil
				time.Sleep(time.Minute)
				w.sweep(t)
				var lines []string
				for _, l := range w.reports(t) {
					lines = append(lines, l["batch"]+" "+l["result"])
				}
				if got := strings.Join(lines, ", "); len(lines) != 3 || !strings.Contains(got, "left accepted") || !strings.Contains(got, "open accepted") || !strings.Contains(got, "over exhausted") {
					t.Errorf("cut %d %v: the reports say %s", n, when, got)
				}
				made := strings.Join(wishes.made, ", ")
				if !strings.Contains(made, "left 0") || !strings.Contains(made, "open 2") || strings.Contains(made, "over") {
					t.Errorf("cut %d %v: asked for %s", n, when, made)
				}
			})
		}
	}
	if operations < 20 {
		t.Errorf("only %d operations were cut", operations)
	}
	cutPoints.Add(int64(2 * operations))
}

func TestADamagedBatchRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{CallbackAfter: -1}})
		wishes := &wishes{}
		w.batches = wishes
		w.batch(t, "bad", 0, nil)
		w.batch(t, "left", 0, nil)
		_, info, err := objects.Read(t.Context(), w.state, "batches/bad/batch.json", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := objects.ReplaceBytes(t.Context(), w.state, "batches/bad/batch.json", info.ETag, []byte("{")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		w.sweep(t)
		if len(wishes.made) != 1 || wishes.made[0] != "left 0" {
			t.Errorf("asked for %v", wishes.made)
		}
	})
}
