package denial

import (
	"context"
	"errors"
	"time"

	"denybatch/internal/journal"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/invx"
)

const (
	loneAfter = 3  // calls that settle nothing about a row before it is sent by itself
	giveUp    = 10 // and before it is left unknown
)

// send makes one bulk call and puts every row of it where it belongs next.
func (r *run) send(ctx context.Context, t task) error {
	if err := r.permit(ctx, t.send); err != nil {
		return err
	}
	answer, began, err := r.call(ctx, t.send)
	if errors.Is(err, errHalted) {
		return err
	}
	disposition, reason := r.judge(err)
	if disposition == upstream.Cancelled {
		return err
	}
	if stop := r.feel(disposition, reason, began, err); stop != "" {
		r.stop(stop, false)
	}
	r.place(t, answer, disposition, err)
	return nil
}

// call is one DenyBulk through the gate.
func (r *run) call(ctx context.Context, rows []*row) (invx.Answer, time.Time, error) {
	if err := r.gate.enter(ctx); err != nil {
		return invx.Answer{}, time.Time{}, err
	}
	defer r.gate.leave()
	if r.stopping() {
		return invx.Answer{}, time.Time{}, errHalted
	}
	denials := make([]invx.Denial, len(rows))
	for i, one := range rows {
		denials[i] = invx.Denial{DocID: one.DocID, Comment: one.Comment}
	}
	began := r.clock.Now()
	answer, err := r.up.DenyBulk(ctx, denials)
	r.offset.observe(answer.Date, began, r.clock.Now())
	r.count(journal.Calls{Bulk: 1})
	return answer, began, err
}

func (r *run) count(c journal.Calls) {
	r.j.Count(c)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls.Bulk += c.Bulk
	r.calls.Reads += c.Reads
}

// judge is [upstream.Judge], but for an upstream that has worked before, a foreign answer is an accident on the way
// rather than a wrong address.
func (r *run) judge(err error) (upstream.Disposition, string) {
	d, reason := upstream.Judge(err)
	if d == upstream.Misdirected && r.alive.Load() {
		d = upstream.Lost
	}
	return d, reason
}

// feel passes on to the gate what an answer tells about upstream's health. The sentence is not empty when it is time to
// stop.
func (r *run) feel(d upstream.Disposition, reason string, began time.Time, err error) string {
	switch d {
	case upstream.Throttled:
		return r.gate.overloaded(began, upstream.RetryAfter(err))
	case upstream.Lost, upstream.Unsent:
		if unavailable(err) {
			r.gate.overloaded(began, upstream.RetryAfter(err))
		}
		return r.gate.failed(reason)
	case upstream.Unauthorized, upstream.Forbidden, upstream.Misdirected:
		return reason + ": " + err.Error()
	}
	r.alive.Store(true)
	r.gate.answered()
	return ""
}

// unavailable reports a 503, with which upstream asks for less, although it may have carried the call out.
func unavailable(err error) bool {
	var e *upstream.Error
	return errors.As(err, &e) && e.Status == 503
}

// place puts the rows of a call where they belong after its answer.
func (r *run) place(t task, answer invx.Answer, d upstream.Disposition, err error) {
	switch d {
	case upstream.Fine:
		r.accepted(t, answer)
	case upstream.Refused:
		r.refused(t, err)
	case upstream.TooLarge:
		r.tooLarge(t, err)
	case upstream.Lost:
		r.lostTrack(t)
	default: // not carried out, whatever it was: as if it had not been tried
		r.board.undo(t)
	}
}

// rest are the suspects that were not in the call.
func (t task) rest() []*row {
	if t.among == nil {
		return nil
	}
	return t.among.rows[len(t.send):]
}

// accepted settles each row by its own item. If the rows were cleared of a suspicion, it falls on the rest.
func (r *run) accepted(t task, answer invx.Answer) {
	r.board.learn(len(t.send), 0)
	r.settleItems(t.send, answer)
	switch rest := t.rest(); {
	case len(rest) == 1:
		r.board.learn(0, 1)
		rest[0].proof = t.among.proof
		r.board.doubt(rest[0])
	case len(rest) > 1:
		r.board.suspect(rest, t.among.proof)
	}
}

// refused looks for the culprit among the rows of a refused call. It says nothing about the other suspects.
func (r *run) refused(t task, err error) {
	p := proofOf(err)
	for _, one := range t.send {
		one.sent = true
	}
	r.board.again(t.rest()...)
	switch {
	case len(t.send) == 1:
		r.board.learn(0, 1)
		p.weight = alone
		t.send[0].proof = p
		r.board.doubt(t.send[0])
	case r.partial.Load():
		r.remember(t.send, p)
	default:
		r.board.suspect(t.send, p)
	}
}

// proofOf keeps upstream's words.
func proofOf(err error) proof {
	p := proof{weight: group}
	var e *upstream.Error
	if errors.As(err, &e) {
		p.code, p.message = e.Code, e.Detail
	}
	if p.message == "" {
		p.message = err.Error()
	}
	return p
}

// tooLarge makes calls smaller for the rest of the batch. A row that is too large by itself is refused.
func (r *run) tooLarge(t task, err error) {
	if len(t.send) == 1 {
		p := proofOf(err)
		p.weight = alone
		t.send[0].proof = p
		r.board.again(t.rest()...)
		r.board.doubt(t.send[0])
		return
	}
	r.board.shrink(len(t.send))
	r.board.undo(t)
}

// lostTrack reads back what a call may have done.
func (r *run) lostTrack(t task) {
	for _, one := range t.send {
		one.sent, one.lost = true, true
		one.tries++
	}
	r.board.again(t.rest()...)
	r.board.doubt(t.send...)
}
