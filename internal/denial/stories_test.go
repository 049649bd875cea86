package denial_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"denybatch/internal/denial"
	"denybatch/internal/journal"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

// Upstream that asks to be left alone for an hour is left alone for an hour.
func TestRetryAfterIsObeyed(t *testing.T) {
	for _, fault := range []string{"429@1:retry-after=3600", "429@1:retry-after=3600:date", "503@1:retry-after=3600"} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, upstreamtest.Config{Faults: fault})
				w.options.Concurrency = 1
				w.batch(t, 10, 0, 0)
				began := time.Now()
				w.mustRun(t)
				// An HTTP date has whole seconds.
				if took := time.Since(began); took < time.Hour-time.Second || took > time.Hour+2*time.Second {
					t.Errorf("it took %v", took)
				}
				w.checkTruth(t, w.report(t, ""))
			})
		})
	}
}

// An upstream that is down stops the batch, which says so; the next run finishes it, in a report of its own.
func TestUpstreamDownThenUp(t *testing.T) {
	for _, fault := range []string{"500", "503", "drop", "html", "lost"} {
		t.Run(fault, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, upstreamtest.Config{Faults: fault + "@5-,read.500"})
				w.options.Concurrency = 1
				w.batch(t, 1000, 0, 0)
				o := w.mustRun(t)
				counts := count(w.report(t, ""))
				if o.Summary.Status != "stopped" || counts[verdict.Denied] != 200 || counts.Total() != 1000 || counts[verdict.Unknown] == 0 || counts[verdict.NotSent] < 500 {
					t.Errorf("%s (%s), %v", o.Summary.Status, o.Summary.Stopped, counts)
				}
				if err := w.sim.SetFaults(""); err != nil {
					t.Fatal(err)
				}
				w.reopen = true
				if o = w.mustRun(t); o.Prefix != "run-2/" || o.Summary.Run != 2 || o.Summary.Status != "finished" {
					t.Errorf("prefix %q, run %d, %s", o.Prefix, o.Summary.Run, o.Summary.Status)
				}
				lines := w.report(t, "run-2/")
				w.checkTruth(t, lines)
				if c := count(lines); c[verdict.Denied] != 1000 {
					t.Errorf("second run: %v", c)
				}
				if again := w.mustRun(t); again.Prefix != "run-2/" {
					t.Errorf("a settled batch was reopened as %q", again.Prefix)
				}
			})
		})
	}
}

// What no waiting mends stops the batch at once, in one sentence.
func TestStopsAtOnce(t *testing.T) {
	stories := []struct {
		name string
		cfg  upstreamtest.Config
		says string
	}{
		{"token refused from the first call", upstreamtest.Config{Faults: "expire"}, "err-expired-token"},
		{"token refused later", upstreamtest.Config{Faults: "expire@2-"}, "err-expired-token"},
	}
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, s.cfg)
				w.options.Concurrency = 1
				w.batch(t, 200, 0, 0)
				o := w.mustRun(t)
				counts := count(w.report(t, ""))
				if o.Summary.Status != "stopped" || !strings.Contains(o.Summary.Stopped, s.says) {
					t.Errorf("%s: %s", o.Summary.Status, o.Summary.Stopped)
				}
				if counts[verdict.NotSent]+counts[verdict.Denied] != 200 {
					t.Errorf("counts %v", counts)
				}
				if c := w.sim.Counters(); c.BulkCalls > 4 {
					t.Errorf("%d calls", c.BulkCalls)
				}
			})
		})
	}
}

// Near its deadline a worker hands over; as many workers as it takes bring the batch to one report.
func TestHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{Latency: 50 * time.Millisecond, InvX: upstreamtest.InvX{Mode: upstreamtest.Refuse}, Faults: "lost=0.1"})
		w.batch(t, 2000, 0.02, 0.02)
		workers := 0
		for {
			deadline := time.Now().Add(time.Second)
			w.options.Halt = func() denial.Halt {
				if time.Now().After(deadline) {
					return denial.HandOver
				}
				return denial.GoOn
			}
			workers++
			o := w.mustRun(t)
			if !o.HandedOver {
				break
			}
			if _, _, err := w.out.Open(t.Context(), "summary.json"); err == nil {
				t.Fatal("a report before the end")
			}
		}
		if workers < 3 {
			t.Errorf("%d workers", workers)
		}
		w.checkTruth(t, w.report(t, ""))
		t.Logf("%d workers", workers)
	})
}

// A cancelled batch reports what it did and says not_sent of the rest.
func TestCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{Latency: 50 * time.Millisecond})
		w.batch(t, 5000, 0, 0)
		var calls atomic.Int32
		w.options.Halt = func() denial.Halt {
			if calls.Add(1) > 100 {
				return denial.Cancel
			}
			return denial.GoOn
		}
		o := w.mustRun(t)
		counts := count(w.report(t, ""))
		if o.Summary.Status != "stopped" || counts[verdict.Denied] == 0 || counts[verdict.NotSent] == 0 || counts.Total() != 5000 {
			t.Errorf("%s, %v", o.Summary.Status, counts)
		}
		for _, l := range w.report(t, "") {
			if l["result"] == string(verdict.NotSent) && w.sim.Truth(l["docId"]).Asked > 0 {
				t.Errorf("row %s is not_sent, but was", l["result_row"])
			}
		}
	})
}

// Two workers on one batch: one works.
func TestOneWorkerAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{Latency: time.Second})
		w.batch(t, 500, 0, 0)
		engine := func(owner string) error {
			book, err := sheet.Open("batch.csv", strings.NewReader(w.file), int64(len(w.file)))
			if err != nil {
				return err
			}
			defer book.Close()
			_, err = denial.New(w.client, denial.Options{Owner: owner, Concurrency: 2}).Run(context.Background(),
				denial.Job{Batch: "b1", Name: "batch.csv", Book: book, State: w.state, Out: w.out})
			return err
		}
		errs := make(chan error, 2)
		go func() { errs <- engine("a") }()
		time.Sleep(100 * time.Millisecond)
		go func() { errs <- engine("b") }()
		var busy *journal.BusyError
		if err := <-errs; !errors.As(err, &busy) || busy.Lease.Owner != "a" {
			t.Errorf("the second one got %v", err)
		}
		if err := <-errs; err != nil {
			t.Error(err)
		}
		w.checkTruth(t, w.report(t, ""))
	})
}

// A worker that went to sleep holding the batch finds out when it wakes that it was taken over, and does no harm.
func TestSleeperIsFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{Faults: "slow@2:delay=20s"})
		w.options = denial.Options{Concurrency: 1, Chunk: 10, Lease: 5 * time.Second}
		w.batch(t, 100, 0, 0)
		slept := make(chan error)
		go func() {
			_, err := w.run(context.Background())
			slept <- err
		}()
		time.Sleep(10 * time.Second)
		w.mustRun(t)
		if err := <-slept; !errors.Is(err, journal.ErrLost) {
			t.Errorf("the sleeper got %v", err)
		}
		w.checkTruth(t, w.report(t, ""))
	})
}

// Too many rows are refused whole, before anything is sent.
func TestRowLimit(t *testing.T) {
	w := newWorld(t, upstreamtest.Config{})
	w.batch(t, 11, 0, 0)
	w.options.RowLimit = 10
	_, err := w.run(t.Context())
	var fault *sheet.Fault
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), "more than 10 rows") {
		t.Error(err)
	}
	if c := w.sim.Counters(); c.BulkCalls != 0 {
		t.Error("something was sent")
	}
}

// Workers with little time are as patient together as one with much: an upstream that is down ends the batch.
func TestAnOutageAcrossWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{InvX: upstreamtest.InvX{Auto: true}})
		w.batch(t, 40, 0, 0)
		w.sim.Stop()
		for workers := 1; ; workers++ {
			began := time.Now()
			w.options.Halt = func() denial.Halt {
				if time.Since(began) > 4*time.Second {
					return denial.HandOver
				}
				return denial.GoOn
			}
			o := w.mustRun(t)
			if !o.HandedOver {
				if o.Summary.Status != "stopped" || o.Summary.Counts[verdict.NotSent] != 40 {
					t.Errorf("after %d workers: %s, %v", workers, o.Summary.Status, o.Summary.Counts)
				}
				break
			}
			if workers > 8 {
				t.Fatal("it never ends")
			}
			time.Sleep(time.Second)
		}
		w.sim.Start()
		w.options.Halt, w.reopen = nil, true
		if o := w.mustRun(t); o.Summary.Counts[verdict.Denied] != 40 {
			t.Errorf("once upstream is back: %v", o.Summary.Counts)
		}
	})
}
