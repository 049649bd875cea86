package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/cloud"
	"denybatch/internal/denial"
	"denybatch/internal/inbox"
	"denybatch/internal/journal"
)

// handler denies what events name. One of them serves any number of invocations, one after the other.
type handler struct {
	desk     inbox.Desk // its Options are completed for each object
	bucket   string     // the exchange bucket; objects of another one are refused
	prefix   string     // of the exchange within its bucket; empty or ending in a slash
	queue    queue
	metrics  func(ending inbox.Ending)
	clock    clock.Clock
	receives int // how often a message is received before it goes to the dead-letter queue
	nextID   func() string
}

// queue takes continuations.
type queue interface {
	Continue(ctx context.Context, o inbox.Object, delay time.Duration) error
}

// response is what an invocation returns: to SQS which messages failed, to a person what became of each object.
type response struct {
	BatchItemFailures []itemFailure  `json:"batchItemFailures"`
	Batches           []inbox.Ending `json:"batches"`
}

type itemFailure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// Handle understands every event shape of design section 6. SQS messages fail one by one, other events as a whole.
func (h *handler) Handle(ctx context.Context, event json.RawMessage) (response, error) {
	res := response{BatchItemFailures: []itemFailure{}, Batches: []inbox.Ending{}}
	messages, queued := parseMessages(event)
	if !queued {
		notices, err := parseNotices(event)
		m := message{notices: notices, err: err}
		return res, h.message(ctx, m, &res)
	}
	for _, m := range messages {
		if err := h.message(ctx, m, &res); err != nil {
			slog.ErrorContext(ctx, "message failed", "message_id", m.id, "receives", m.receives, "error", err)
			res.BatchItemFailures = append(res.BatchItemFailures, itemFailure{m.id})
		}
	}
	return res, nil
}

// message works off one message. All its objects are tried, whatever becomes of the first.
func (h *handler) message(ctx context.Context, m message, res *response) error {
	if m.err != nil {
		return m.err
	}
	var errs []error
	for _, n := range m.notices {
		end, err := h.object(ctx, n, h.receives > 0 && m.receives >= h.receives)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", n.Key, err))
			continue
		}
		res.Batches = append(res.Batches, end)
	}
	return errors.Join(errs...)
}

// object denies one object within the time that the invocation has left.
func (h *handler) object(ctx context.Context, n notice, last bool) (inbox.Ending, error) {
	if n.Bucket != h.bucket {
		return inbox.Ending{}, fmt.Errorf("bucket %s is not the exchange bucket %s", n.Bucket, h.bucket)
	}
	key, ok := strings.CutPrefix(n.Key, h.prefix)
	if !ok {
		return inbox.Ending{Ignored: "the key is outside of the exchange", Object: n.Object}, nil
	}
	n.Key = key
	ctx, cancel, halt := h.time(ctx)
	defer cancel()
	desk := h.desk
	desk.Options.Owner, desk.Options.Halt = h.nextID(), halt
	end, err := desk.Deny(ctx, n.Object, last)
	var busy *journal.BusyError
	switch {
	case errors.As(err, &busy):
		return h.later(ctx, end, busy)
	case errors.Is(err, journal.ErrLost):
		slog.WarnContext(ctx, "another worker has taken the batch over", "batch", end.Batch)
		return end, nil
	case err != nil:
		return end, err
	case end.HandedOver:
		slog.InfoContext(ctx, "handed over", "batch", end.Batch)
		return end, h.send(ctx, end.Object, backoff(end.Object.Idle))
	}
	h.told(ctx, end)
	return end, nil
}

// told logs and measures what became of an object.
func (h *handler) told(ctx context.Context, end inbox.Ending) {
	if end.Ignored != "" {
		slog.InfoContext(ctx, "ignored", "key", end.Object.Key, "why", end.Ignored)
		return
	}
	slog.InfoContext(ctx, "batch ended", "batch", end.Batch, "org", end.Summary.Org, "status", end.Summary.Status,
		"rows", end.Summary.Rows, "counts", end.Summary.Counts, "bulk_calls", end.Summary.Calls.Bulk, "reads", end.Summary.Calls.Reads)
	h.metrics(end)
}

// later comes back to a batch that somebody else works on, once that worker's lease would have run out: if it died, its
// message may be the only other one, and it is consumed by then.
func (h *handler) later(ctx context.Context, end inbox.Ending, busy *journal.BusyError) (inbox.Ending, error) {
	slog.InfoContext(ctx, "another worker is on it", "batch", end.Batch, "until", busy.Lease.Until)
	end.Ignored = busy.Error()
	return end, h.send(ctx, end.Object, busy.Lease.Until.Sub(h.clock.Now())+5*time.Second)
}

// backoff is how long to leave a batch alone that several workers have not brought forward.
func backoff(idle int) time.Duration {
	if idle < 2 {
		return 0
	}
	return min(cloud.LongestDelay, 5*time.Second<<min(idle-2, 8))
}

func (h *handler) send(ctx context.Context, o inbox.Object, delay time.Duration) error {
	o.Key = h.prefix + o.Key
	if err := h.queue.Continue(context.WithoutCancel(ctx), o, delay); err != nil {
		return fmt.Errorf("send a continuation: %w", err)
	}
	return nil
}

// How much of an invocation's time is kept back, as parts of what it has at its start and at most: to let calls in flight
// end, to journal and to send the continuation; and within that, when calls in flight are cut off.
const (
	windDownPart = 4
	windDownMost = time.Minute
	cutOffPart   = 3
)

// time says when to stop making calls, and ends the context a little before the invocation is.
func (h *handler) time(ctx context.Context) (context.Context, context.CancelFunc, func() denial.Halt) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}, func() denial.Halt { return denial.GoOn }
	}
	reserve := min(deadline.Sub(h.clock.Now())/windDownPart, windDownMost)
	stop := deadline.Add(-reserve)
	inner, cancel := context.WithDeadline(ctx, deadline.Add(-reserve/cutOffPart))
	return inner, cancel, func() denial.Halt {
		if h.clock.Now().After(stop) {
			return denial.HandOver
		}
		return denial.GoOn
	}
}
