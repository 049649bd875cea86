package main

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/denial"
	"denybatch/internal/inbox"
	"denybatch/internal/journal"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

const june = "inbox/deny/acme/june.csv"

// begin runs a batch of n rows that upstream's outage stops after some of them, and then mends upstream.
func (s *shelf) begin(t *testing.T, n int) journal.Record {
	t.Helper()
	s.desk.Due = &ledger.Index{Store: s.desk.State, Clock: clock.System{}}
	s.desk.Options.Concurrency = 1
	if err := s.sim.SetFaults("503@3-,read.503"); err != nil {
		t.Fatal(err)
	}
	s.invoke(t, s.drop(june, "v1", rows(n)), time.Hour)
	if err := s.sim.SetFaults(""); err != nil {
		t.Fatal(err)
	}
	rec := s.record(t, june, "v1")
	if rec.Status != journal.Stopped || !rec.Unsettled() || rec.Counts[verdict.Denied] != 100 {
		t.Fatalf("%+v", rec)
	}
	return rec
}

// reopening is the message that asks for a run.
func reopening(t *testing.T, rec journal.Record, run int) json.RawMessage {
	t.Helper()
	o := inbox.ObjectOf(rec)
	o.Reopen = run
	body, err := json.Marshal(inbox.Continuation{Continue: &o})
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// report is what the batch's report counts, by the folder it stands in.
func (s *shelf) report(t *testing.T, folder string) verdict.Counts {
	t.Helper()
	order, _ := inbox.ParseKey(june)
	b, _, err := objects.Read(t.Context(), s.desk.Out, order.Reports(denial.BatchID("exchange", june, "v1"))+folder+"summary.json", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	var sum struct{ Counts verdict.Counts }
	if err := json.Unmarshal(b, &sum); err != nil {
		t.Fatal(err)
	}
	return sum.Counts
}

// A message that names a run begins it, once, if there is something left for it to do.
func TestReopeningByMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{InvX: upstreamtest.InvX{Auto: true}})
		rec := s.begin(t, 300)
		for _, run := range []int{0, 1, 3, -2} { // not the run that is next
			s.invoke(t, reopening(t, rec, run), time.Hour)
			if now := s.record(t, june, "v1"); now.Run != 1 || now.Status != journal.Stopped || now.Workers != rec.Workers {
				t.Errorf("a message for run %d: %+v", run, now)
			}
		}
		for range 2 {
			s.invoke(t, reopening(t, rec, 2), time.Hour)
			if now := s.record(t, june, "v1"); now.Run != 2 || now.Status != journal.Finished || now.Counts[verdict.Denied] != 300 || now.Workers != 2 {
				t.Errorf("%+v", now)
			}
		}
		s.invoke(t, reopening(t, rec, 3), time.Hour) // nothing is left
		if now := s.record(t, june, "v1"); now.Run != 2 || len(s.announced) != 2 || s.announced[1].Run != 2 {
			t.Errorf("%+v, announced %d", now, len(s.announced))
		}
		if first, second := s.report(t, ""), s.report(t, "run-2/"); first[verdict.Denied] != 100 || second[verdict.Denied] != 300 {
			t.Errorf("the reports count %v and %v", first, second)
		}
		if c := s.sim.Counters(); c.DoubleDenials != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// A run that is handed over stays the run that it is, and a message that has come too late begins no other.
func TestHandOverInALaterRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{Latency: 100 * time.Millisecond, InvX: upstreamtest.InvX{Auto: true}})
		rec := s.begin(t, 2000)
		s.queue = nil
		s.invoke(t, reopening(t, rec, 2), 2*time.Second)
		invocations := 1
		for len(s.queue) > 0 {
			next := s.queue[0].Object
			s.queue = s.queue[1:]
			if next.Reopen != 2 || next.Version != "v1" {
				t.Fatalf("the continuation is %+v", next)
			}
			body, err := json.Marshal(inbox.Continuation{Continue: &next})
			if err != nil {
				t.Fatal(err)
			}
			s.invoke(t, body, 2*time.Second)
			invocations++
		}
		if now := s.record(t, june, "v1"); invocations < 2 || now.Run != 2 || now.Status != journal.Finished || now.Counts[verdict.Denied] != 2000 {
			t.Errorf("%d invocations, %+v", invocations, now)
		}
	})
}

// Of many workers with the same message one begins the run; the others find it busy, or over.
func TestManyWorkersWithTheSameMessage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{Latency: 50 * time.Millisecond, InvX: upstreamtest.InvX{Auto: true}})
		rec := s.begin(t, 500)
		var queue sync.Mutex
		s.handler.queue = locked{&queue, s}
		var workers sync.WaitGroup
		for range 8 {
			workers.Go(func() { s.invoke(t, reopening(t, rec, 2), time.Hour) })
		}
		workers.Wait()
		now := s.record(t, june, "v1")
		if now.Run != 2 || now.Status != journal.Finished || now.Workers != 2 || now.Counts[verdict.Denied] != 500 {
			t.Errorf("%+v", now)
		}
		for _, m := range s.queue {
			body, _ := json.Marshal(inbox.Continuation{Continue: &m.Object})
			s.invoke(t, body, time.Hour)
		}
		if after := s.record(t, june, "v1"); after.Run != 2 || len(s.announced) != 2 || s.sim.Counters().DoubleDenials != 0 {
			t.Errorf("%+v, %d announced, %+v", after, len(s.announced), s.sim.Counters())
		}
	})
}

// locked is a queue for several workers.
type locked struct {
	mu *sync.Mutex
	s  *shelf
}

func (l locked) Continue(ctx context.Context, o inbox.Object, delay time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.s.Continue(ctx, o, delay)
}

// A run that cannot be begun ends as a failure that a person redrives, not in one wish of the sweep after the other.
func TestARunThatCannotBeBegun(t *testing.T) {
	noCredentials := func(context.Context, string) (denial.Upstream, error) { return nil, inbox.ErrUnknownOrg }
	for _, c := range []struct {
		name  string
		spoil func(*shelf)
		says  string
	}{
		{"the file is gone", func(s *shelf) { delete(s.files, "v1") }, "deleted"},
		{"the bucket cannot be read", func(s *shelf) { s.trouble = errors.New("access denied to the bucket") }, "access denied"},
		{"the credentials are gone", func(s *shelf) { s.desk.Account = noCredentials }, "no credentials"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShelf(t, upstreamtest.Config{InvX: upstreamtest.InvX{Auto: true}})
				rec := s.begin(t, 300)
				file, account := s.files["v1"], s.desk.Account
				c.spoil(s)
				last := strings.Replace(sqsEvent(string(reopening(t, rec, 2))), `"ApproximateReceiveCount":"2"`, `"ApproximateReceiveCount":"3"`, 1)
				if res := s.invoke(t, json.RawMessage(last), time.Hour); len(res.BatchItemFailures) != 1 {
					t.Errorf("%+v", res)
				}
				now := s.record(t, june, "v1")
				if now.Status != journal.Failed || now.Was != journal.Stopped || now.Run != 1 || !strings.Contains(now.Failure, c.says) {
					t.Errorf("%+v", now)
				}
				if at := now.Due(journal.DefaultPatience); !at.IsZero() {
					t.Errorf("the sweep looks after it at %v", at)
				}
				s.files["v1"], s.trouble, s.desk.Account = file, nil, account
				s.invoke(t, reopening(t, rec, 0), time.Hour) // an event that comes twice
				if same := s.record(t, june, "v1"); same.Run != 1 || same.Status != journal.Failed {
					t.Errorf("after the first event again: %+v", same)
				}
				s.invoke(t, reopening(t, rec, 2), time.Hour)
				if done := s.record(t, june, "v1"); done.Run != 2 || done.Status != journal.Finished || done.Failure != "" || done.Counts[verdict.Denied] != 300 {
					t.Errorf("after a redrive: %+v", done)
				}
			})
		})
	}
}

// Credentials that are taken away in the middle of a batch make no report that says that nothing was sent.
func TestCredentialsLostInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{Latency: 100 * time.Millisecond, InvX: upstreamtest.InvX{Auto: true}})
		s.desk.Options.Concurrency = 1
		event := s.drop(june, "v1", rows(2000))
		s.invoke(t, event, 2*time.Second)
		account := s.desk.Account
		s.desk.Account = func(context.Context, string) (denial.Upstream, error) { return nil, inbox.ErrUnknownOrg }
		if _, err := s.Handle(t.Context(), event); err == nil || !strings.Contains(err.Error(), "no credentials") {
			t.Errorf("%v", err)
		}
		if rec := s.record(t, june, "v1"); rec.Status != journal.Running || !strings.Contains(rec.Failure, "no credentials") {
			t.Errorf("%+v", rec)
		}
		s.desk.Account = account
		s.invoke(t, event, time.Hour)
		if counts := s.report(t, ""); counts[verdict.Denied] != 2000 || s.sim.Counters().DoubleDenials != 0 {
			t.Errorf("%v, %+v", counts, s.sim.Counters())
		}
	})
}

// A batch that failed before anybody could take hold of it is found, should its message be lost as well.
func TestAFailureBeforeTheBeginningIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{})
		index := &ledger.Index{Store: s.desk.State, Clock: clock.System{}}
		s.desk.Due = index
		s.trouble = errors.New("access denied to the bucket")
		if _, err := s.Handle(t.Context(), s.drop(june, "v1", rows(3))); err == nil {
			t.Fatal("no error")
		}
		time.Sleep(time.Hour)
		found := 0
		for e, err := range index.Ready(t.Context(), journal.Kind, func(ctx context.Context, e ledger.Entry) (time.Time, error) {
			rec, err := journal.Load(ctx, s.desk.State, e.ID)
			return rec.Due(journal.DefaultPatience), err
		}) {
			if err != nil || e.ID != denial.BatchID("exchange", june, "v1") {
				t.Errorf("%+v, %v", e, err)
			}
			found++
		}
		if found != 1 {
			t.Errorf("found %d times", found)
		}
	})
}
