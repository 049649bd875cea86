package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/denial"
	"denybatch/internal/inbox"
	"denybatch/internal/journal"
	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/report"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/invx"
	"denybatch/pkg/upstream/upstreamtest"
)

// shelf is an exchange and a queue in memory, around the real handler, engine and simulator.
type shelf struct {
	*handler
	sim       *upstreamtest.Server
	files     map[string]string // by version
	queue     []queued
	announced []report.Summary
	trouble   error // of the exchange
}

type queued struct {
	inbox.Object
	delay time.Duration
}

func newShelf(t *testing.T, cfg upstreamtest.Config) *shelf {
	t.Helper()
	cfg.Memory = true
	s := &shelf{sim: upstreamtest.Start(t, cfg), files: map[string]string{}}
	store := func() objects.Store {
		d, err := dir.New(t.TempDir(), dir.WithoutSync())
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	s.handler = &handler{
		bucket: "exchange", clock: clock.System{}, receives: 3, queue: s, nextID: nextID(), metrics: func(inbox.Ending) {},
		desk: inbox.Desk{
			Exchange: s, Out: store(), State: store(), Log: slog.New(slog.DiscardHandler),
			Options: denial.Options{Clock: clock.System{}},
			Account: func(_ context.Context, org string) (denial.Upstream, error) {
				if org != "acme" {
					return nil, inbox.ErrUnknownOrg
				}
				return invx.New(invx.Config{URL: s.sim.URL(), Org: s.sim.Org(), Token: upstream.NewSecret(s.sim.Token()), HTTP: s.sim.Client()})
			},
			Announce: func(_ context.Context, _ inbox.Order, sum report.Summary) error {
				s.announced = append(s.announced, sum)
				return nil
			},
		},
	}
	slog.SetDefault(slog.New(slog.DiscardHandler))
	return s
}

func (s *shelf) Pin(_ context.Context, o inbox.Object) (*inbox.Pinned, error) {
	if s.trouble != nil {
		return nil, s.trouble
	}
	text, ok := s.files[o.Version]
	if !ok {
		return nil, inbox.ErrGone
	}
	sum := sha256.Sum256([]byte(text))
	return &inbox.Pinned{ReaderAt: strings.NewReader(text), Closer: io.NopCloser(nil), Size: int64(len(text)),
		SHA256: hex.EncodeToString(sum[:]), Version: o.Version, ETag: o.ETag}, nil
}

func (s *shelf) Continue(_ context.Context, o inbox.Object, delay time.Duration) error {
	s.queue = append(s.queue, queued{o, delay})
	return nil
}

// drop puts a file there and gives the event that S3 would send.
func (s *shelf) drop(key, version, text string) json.RawMessage {
	s.files[version] = text
	return json.RawMessage(fmt.Sprintf(`{"detail-type":"Object Created","source":"aws.s3","detail":{"bucket":{"name":"exchange"},
		"object":{"key":%q,"etag":"e","version-id":%q}}}`, key, version))
}

// invoke invokes the function, with a time limit.
func (s *shelf) invoke(t *testing.T, event json.RawMessage, limit time.Duration) response {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	res, err := s.Handle(ctx, event)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func (s *shelf) record(t *testing.T, key, version string) journal.Record {
	t.Helper()
	rec, err := journal.Load(t.Context(), s.desk.State, denial.BatchID("exchange", key, version))
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func rows(n int) string {
	var b strings.Builder
	b.WriteString("docId,comments\n")
	for i := range n {
		fmt.Fprintf(&b, "0d0c1f6e-0000-4000-8000-%012x,Goods not received\n", i)
	}
	return b.String()
}

// A dropped file is denied once, however often its event comes; its end is announced once.
func TestDuplicateEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{InvX: upstreamtest.InvX{Auto: true}})
		event := s.drop("inbox/deny/acme/june.csv", "v1", rows(120))
		for range 3 {
			res := s.invoke(t, event, time.Minute)
			if len(res.Batches) != 1 || res.Batches[0].Summary.Counts[verdict.Denied] != 120 {
				t.Fatalf("%+v", res)
			}
		}
		if c := s.sim.Counters(); c.BulkCalls != 3 || c.DoubleDenials != 0 || len(s.announced) != 1 || len(s.queue) != 0 {
			t.Errorf("%+v, %d announced, %d queued", c, len(s.announced), len(s.queue))
		}
		batch := denial.BatchID("exchange", "inbox/deny/acme/june.csv", "v1")
		if _, _, err := s.desk.Out.Open(t.Context(), "reports/deny/acme/june/"+batch+"/report.csv"); err != nil {
			t.Error(err)
		}
	})
}

// A function with little time continues itself until the report is out.
func TestContinuations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{Latency: 100 * time.Millisecond, InvX: upstreamtest.InvX{Auto: true, Mode: upstreamtest.Refuse, Bad: 0.01}, Faults: "lost=0.05"})
		event := s.drop("inbox/deny/acme/june.csv", "v1", rows(5000))
		res := s.invoke(t, event, 5*time.Second)
		invocations := 1
		for len(s.queue) > 0 {
			next := s.queue[0]
			s.queue = s.queue[1:]
			body, err := json.Marshal(inbox.Continuation{Continue: &next.Object})
			if err != nil {
				t.Fatal(err)
			}
			res = s.invoke(t, body, 5*time.Second)
			invocations++
		}
		if invocations < 3 || len(res.Batches) != 1 || res.Batches[0].Summary.Rows != 5000 || len(s.announced) != 1 {
			t.Errorf("%d invocations, %d announced, %+v", invocations, len(s.announced), res)
		}
		if c := s.sim.Counters(); c.DoubleDenials != 0 {
			t.Errorf("%+v", c)
		}
	})
}

// The second of two workers comes back when the first one's lease would be over, and then has nothing to do.
func TestTwoWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{Latency: time.Second, InvX: upstreamtest.InvX{Auto: true}})
		event := s.drop("inbox/deny/acme/june.csv", "v1", rows(500))
		done := make(chan response)
		go func() { done <- s.invoke(t, event, time.Minute) }()
		time.Sleep(100 * time.Millisecond)
		if res := s.invoke(t, event, time.Minute); len(res.Batches) != 1 || res.Batches[0].Ignored == "" {
			t.Errorf("%+v", res)
		}
		<-done
		if len(s.queue) != 1 || s.queue[0].delay < 30*time.Second || len(s.announced) != 1 || s.sim.Counters().BulkCalls != 10 {
			t.Errorf("queue %+v, %d announced, %+v", s.queue, len(s.announced), s.sim.Counters())
		}
	})
}

// Files that cannot be a batch end in a report of one sentence and a record, not in a crash.
func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{InvX: upstreamtest.InvX{Auto: true}})
		for _, c := range []struct{ key, text, says string }{
			{"inbox/deny/acme/a.csv", "name,amount\nx,1\n", "no column"},
			{"inbox/deny/acme/b.xls", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600), "save"},
			{"inbox/deny/acme/c.csv", "", "empty"},
			{"inbox/deny/nobody/d.csv", rows(3), "nobody"},
		} {
			res := s.invoke(t, s.drop(c.key, "v-"+c.key, c.text), time.Minute)
			if len(res.Batches) != 1 || !strings.Contains(res.Batches[0].Summary.Stopped, c.says) {
				t.Errorf("%s: %+v", c.key, res)
			}
			if rec := s.record(t, c.key, "v-"+c.key); rec.Status != journal.Refused || !strings.Contains(rec.Reason, c.says) {
				t.Errorf("%s: record %+v", c.key, rec)
			}
		}
		if s.sim.Counters().BulkCalls != 0 || len(s.announced) != 4 {
			t.Errorf("%+v, %d announced", s.sim.Counters(), len(s.announced))
		}
		order, _ := inbox.ParseKey("inbox/deny/acme/a.csv")
		key := order.Reports(denial.BatchID("exchange", "inbox/deny/acme/a.csv", "v-inbox/deny/acme/a.csv")) + "refused.txt"
		if b, _, err := objects.Read(t.Context(), s.desk.Out, key, 1000); err != nil || strings.Count(string(b), "\n") != 1 {
			t.Errorf("%q, %v", b, err)
		}
	})
}

func TestDeletedBeforeItWasRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{})
		event := s.drop("inbox/deny/acme/a.csv", "v1", rows(1))
		delete(s.files, "v1")
		s.invoke(t, event, time.Minute)
		if rec := s.record(t, "inbox/deny/acme/a.csv", "v1"); rec.Status != journal.Refused || !strings.Contains(rec.Reason, "deleted") {
			t.Errorf("%+v", rec)
		}
	})
}

// A message that fails for good says why in the batch record before it goes to the dead-letter queue; a redrive goes on.
func TestLastReceive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{InvX: upstreamtest.InvX{Auto: true}})
		event := string(s.drop("inbox/deny/acme/a.csv", "v1", rows(10)))
		s.trouble = errors.New("access denied to the bucket")
		for receive, want := range []journal.Status{journal.Running, journal.Running, journal.Failed} {
			sqs := strings.Replace(sqsEvent(event), `"ApproximateReceiveCount":"2"`, fmt.Sprintf(`"ApproximateReceiveCount":"%d"`, receive+1), 1)
			if res := s.invoke(t, json.RawMessage(sqs), time.Minute); len(res.BatchItemFailures) != 1 || res.BatchItemFailures[0].ItemIdentifier != "m1" {
				t.Errorf("%+v", res)
			}
			if rec := s.record(t, "inbox/deny/acme/a.csv", "v1"); rec.Status != want || !strings.Contains(rec.Failure, "access denied") {
				t.Errorf("after %d receives: %+v", receive+1, rec)
			}
		}
		s.trouble = nil
		s.invoke(t, json.RawMessage(sqsEvent(event)), time.Minute)
		if rec := s.record(t, "inbox/deny/acme/a.csv", "v1"); rec.Status != journal.Finished || rec.Counts[verdict.Denied] != 10 || rec.Failure != "" {
			t.Errorf("after a redrive: %+v", rec)
		}
	})
}

func TestCheckSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{InvX: upstreamtest.InvX{Auto: true}})
		res := s.invoke(t, s.drop("inbox/check/nobody/sub/june.csv", "v1", rows(10)), time.Minute)
		if sum := res.Batches[0].Summary; !sum.DryRun || sum.Counts[verdict.WouldSend] != 10 || s.sim.Counters().BulkCalls != 0 {
			t.Errorf("%+v", res)
		}
	})
}

func TestObjectsThatAreNoOrders(t *testing.T) {
	s := newShelf(t, upstreamtest.Config{})
	for _, key := range []string{"inbox/deny/acme/", "inbox/deny/a.csv", "reports/deny/acme/x/report.csv", "inbox/other/acme/a.csv"} {
		res := s.invoke(t, s.drop(key, "v", rows(1)), time.Minute)
		if len(res.Batches) != 1 || res.Batches[0].Ignored == "" {
			t.Errorf("%s: %+v", key, res)
		}
	}
}

// A batch that upstream does not let go forward is left alone for longer and longer, and given up in the end.
func TestNoProgressIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf(t, upstreamtest.Config{Faults: "429:retry-after=1800", InvX: upstreamtest.InvX{Auto: true}})
		event := s.drop("inbox/deny/acme/a.csv", "v1", rows(10))
		var waited time.Duration
		for n := 0; ; n++ {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			_, err := s.Handle(ctx, event)
			cancel()
			if err != nil {
				if !strings.Contains(err.Error(), "settled nothing") || n < 10 {
					t.Errorf("after %d invocations: %v", n, err)
				}
				break
			}
			if len(s.queue) != 1 || n > 50 {
				t.Fatalf("invocation %d: queue %+v", n, s.queue)
			}
			waited += s.queue[0].delay
			event, _ = json.Marshal(inbox.Continuation{Continue: &s.queue[0].Object})
			s.queue = nil
		}
		if waited < time.Hour {
			t.Errorf("it was given up after %v", waited)
		}
	})
}
