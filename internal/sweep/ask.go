package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/request"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/roit"
)

const (
	group     = 50 // requests that are taken up at once: one segment of the diary
	lookAhead = 20 // limits' worth of requests that are looked at, so that one integration cannot hide all others
	patience  = 3  // tries, or lost answers, until ROIT is taken to be down
	longPause = time.Minute
)

// candidate is a request that may be due.
type candidate struct {
	id   request.ID
	line line          // what the diary says of it
	due  *ledger.Entry // where the due index says so; nil for one that only a file asks for
}

// ask asks for what is due: an integration's oldest first, and the integrations in turn.
func (r *run) ask(ctx context.Context) error {
	turns, err := r.turns(ctx)
	if err != nil {
		return err
	}
	for len(turns) > 0 {
		if r.stopped == "" {
			r.stopped = r.enough()
		}
		if r.stopped != "" {
			r.leave(turns)
			return nil
		}
		n := min(len(turns), group, r.Limit-r.asked)
		todo, err := r.takeUp(ctx, turns[:n])
		if err != nil {
			return err
		}
		if err := r.askAll(ctx, todo); err != nil {
			return err
		}
		turns = turns[n:]
	}
	return nil
}

// enough says why no more is to be asked for in this sweep.
func (r *run) enough() string {
	switch {
	case r.Halt():
		return "the sweep had to end"
	case r.asked >= r.Limit:
		return fmt.Sprintf("one sweep asks for %d requests at most", r.Limit)
	}
	return ""
}

// leave counts what the next sweep finds due.
func (r *run) leave(turns []candidate) {
	for _, c := range turns {
		if c.line == none {
			r.waiting++
		}
	}
}

// turns is everything that may be due, in the order in which it is asked for.
func (r *run) turns(ctx context.Context) ([]candidate, error) {
	queues := map[string][]candidate{}
	listed := map[string]bool{}
	for e, err := range r.index.Due(ctx, r.Clock.Now().Add(ahead), request.Kind) {
		if err != nil {
			return nil, err
		}
		id, err := request.ParseIndex(e.ID)
		if err != nil || listed[e.ID] {
			continue
		}
		if len(listed) >= r.Limit*lookAhead {
			break
		}
		listed[e.ID] = true
		queues[id.Integration] = append(queues[id.Integration], candidate{id, r.diary.taken[kindRequest+"/"+e.ID], &e})
	}
	for _, it := range r.diary.items {
		if key := it.id().Index(); it.Kind == kindRequest && it.Fixed == nil && !listed[key] {
			listed[key] = true
			queues[it.Integration] = append(queues[it.Integration], candidate{it.id(), open, nil})
		}
	}
	return r.deal(queues), nil
}

// deal takes one of each queue in turn, and does not always begin with the same.
func (r *run) deal(queues map[string][]candidate) []candidate {
	names := slices.Sorted(maps.Keys(queues))
	if len(names) > 0 {
		first := int(r.me.Began.Unix()/60) % len(names)
		names = append(names[first:], names[:first]...)
	}
	var all []candidate
	for round, more := 0, true; more; round++ {
		more = false
		for _, name := range names {
			if q := queues[name]; round < len(q) {
				all, more = append(all, q[round]), true
			}
		}
	}
	return all
}

// takeUp finds out which of some candidates are due, and writes their lines down before anything is done about them.
func (r *run) takeUp(ctx context.Context, some []candidate) (todo []request.ID, err error) {
	if err := r.alive(ctx); err != nil {
		return nil, err
	}
	var used []request.ID
	for _, c := range some {
		rec, ready, err := r.look(ctx, c)
		if errors.Is(err, ledger.ErrDamaged) {
			r.Log.ErrorContext(ctx, "record of a request", "sweep", r.me.Sweep, "integration", c.id.Integration, "request", c.id.Request, "error", err)
			continue // it must not keep all others waiting
		}
		if err != nil {
			return nil, err
		}
		if !ready {
			continue
		}
		line := lineOf(rec)
		attention, exhausted := rec.NeedsAttention()
		switch {
		case exhausted && c.line == open:
			continue // its line tells of the last ask; that this was the last is for the next sweep to tell
		case exhausted:
			line.Fixed = &attention
			used = append(used, rec.ID)
		default:
			todo = append(todo, rec.ID)
		}
		if c.line == none {
			r.diary.add(entry{Item: &line})
		}
	}
	if err := r.diary.flush(ctx); err != nil {
		return nil, err
	}
	for _, id := range used {
		if err := r.book.Told(ctx, id); err != nil {
			return nil, err
		}
	}
	return todo, nil
}

// lineOf is the line of a request that is due by itself, with the row that it was ordered in if that has not been answered.
func lineOf(rec request.Record) item {
	line := item{Kind: kindRequest, Integration: rec.Integration, Request: rec.Request, Due: true}
	if rec.State == request.Waiting {
		line.File, line.Row = rec.Order.Key, rec.Order.Row
		if rec.Order.Confirmed {
			line.Confirm = "yes"
		}
	}
	return line
}

// look reads the record of a candidate, and has the index forget an entry that stands for nothing. A request that another
// worker was asking for when it died is given up for unknown.
func (r *run) look(ctx context.Context, c candidate) (rec request.Record, ready bool, err error) {
	rec, err = r.book.Get(ctx, c.id)
	if err != nil && !errors.Is(err, objects.ErrNotFound) {
		return rec, false, err
	}
	if rec.State == request.Asking && rec.Ask.Worker != r.Worker {
		if rec, err = r.abandon(ctx, rec, c.line); err != nil {
			return rec, false, err
		}
	}
	if c.due == nil {
		return rec, !rec.Due.IsZero() && !rec.Due.After(r.Clock.Now()), nil
	}
	ready, err = r.index.Settle(ctx, *c.due, rec.Due)
	return rec, ready, err
}

// abandon gives up what a worker that is gone was asking for. Its line is written down first.
func (r *run) abandon(ctx context.Context, rec request.Record, known line) (request.Record, error) {
	if known == none {
		r.diary.add(entry{Item: &item{Kind: kindRequest, Integration: rec.Integration, Request: rec.Request, Fixed: &request.Ruling{
			Result: verdict.Unknown, Code: "interrupted", Message: "an earlier sweep was interrupted while it asked, so nobody knows whether ROIT heard it",
		}}})
		if err := r.diary.flush(ctx); err != nil {
			return rec, err
		}
	}
	return r.book.Abandon(ctx, rec.ID)
}

// askAll asks for some requests, until there is a reason to stop.
func (r *run) askAll(ctx context.Context, ids []request.ID) error {
	for _, id := range ids {
		if r.stopped = cmp.Or(r.stopped, r.enough()); r.stopped != "" {
			return nil
		}
		if err := r.insist(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// insist asks for one request, again only if ROIT surely did not get it.
func (r *run) insist(ctx context.Context, id request.ID) error {
	for try := 1; ; try++ {
		if err := r.alive(ctx); err != nil {
			return err
		}
		trouble, pause, err := r.askOnce(ctx, id)
		switch {
		case err != nil || trouble == "":
			return err
		case pause < 0 || pause > longPause || try == patience:
			r.stopped = trouble
			return nil
		}
		if err := r.Clock.Sleep(ctx, pause); err != nil {
			return err
		}
		if r.Halt() {
			r.stopped = trouble
			return nil
		}
	}
}

// askOnce asks for one request and notes what came of it. trouble is why nothing did, and pause how long to wait before
// another try; negative when that is useless.
func (r *run) askOnce(ctx context.Context, id request.ID) (trouble string, pause time.Duration, err error) {
	ask, err := r.book.Intend(ctx, id, r.me.Sweep, r.Worker)
	if errors.Is(err, request.ErrNotDue) {
		return "", 0, nil // ROIT has called back, or said that it is done
	}
	if err != nil {
		return "", 0, err
	}
	answer, failure := r.ROIT.Reprocess(ctx, id.Integration, id.Request)
	outcome, trouble, pause := judge(answer, failure)
	rec, err := r.book.Answer(context.WithoutCancel(ctx), id, ask, outcome)
	if err != nil {
		return "", 0, err
	}
	r.Log.InfoContext(ctx, "asked", "sweep", r.me.Sweep, "integration", id.Integration, "request", id.Request,
		"attempt", ask.Attempt, "result", outcome.Result, "status", outcome.Status, "code", outcome.Code)
	r.records[id.Index()] = rec
	r.count(outcome)
	return trouble, pause, nil
}

// count counts asks, and answers that are lost one after the other: each of them costs somebody the trouble of looking, so
// a sweep does not go on until all are.
func (r *run) count(o request.Outcome) {
	if o.Result == verdict.NotSent {
		return
	}
	r.asked++
	if o.Result != verdict.Unknown {
		r.lost = 0
		return
	}
	if r.lost++; r.lost >= patience {
		r.stopped = fmt.Sprintf("%d answers in a row were lost (%s)", r.lost, o.Message)
	}
}

// judge says what an answer means for the request.
func judge(a roit.Answer, failure error) (o request.Outcome, trouble string, pause time.Duration) {
	disposition, reason := upstream.Judge(failure)
	refusal, _ := errors.AsType[*upstream.Error](failure)
	switch disposition {
	case upstream.Fine:
		return request.Outcome{Result: verdict.Accepted, Status: string(a.Entity.Status), Message: a.Entity.Message}, "", 0
	case upstream.Refused, upstream.TooLarge:
		o = request.Outcome{Result: verdict.Refused, Code: "refused", Message: reason}
		if refusal != nil {
			o.Code, o.Message = cmp.Or(refusal.Code, fmt.Sprintf("http-%d", refusal.Status)), cmp.Or(refusal.Detail, reason)
		}
		return o, "", 0
	case upstream.Lost:
		return request.Outcome{Result: verdict.Unknown, Code: "answer-lost", Message: reason}, "", 0
	case upstream.Throttled:
		pause = upstream.RetryAfter(failure)
		trouble = "ROIT asks to be left alone (" + reason + ")"
		return request.Outcome{Result: verdict.NotSent, Code: "throttled", Message: trouble, Again: pause}, trouble, cmp.Or(pause, 2*time.Second)
	case upstream.Unsent:
		trouble = "ROIT cannot be reached (" + reason + ")"
		return request.Outcome{Result: verdict.NotSent, Code: "unreachable", Message: trouble}, trouble, 2 * time.Second
	case upstream.Cancelled:
		return request.Outcome{Result: verdict.NotSent, Code: "cancelled", Message: reason}, "the sweep was stopped", -1
	}
	trouble = "ROIT does not let us in (" + reason + ")"
	if disposition == upstream.Misdirected {
		trouble = "the address of ROIT is wrong (" + reason + ")"
	}
	return request.Outcome{Result: verdict.NotSent, Code: "not-let-in", Message: trouble}, trouble, -1
}
