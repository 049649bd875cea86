package denial

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"denybatch/internal/journal"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/invx"
)

// How often a document is read before it counts as unreadable: so often in a round, with a wait after the first failure
// that triples, and so many rounds, the later ones when nothing else is left to do.
const (
	readTries  = 4
	readRounds = 4
	readPause  = 50 * time.Millisecond
)

// readBack settles one row by what upstream shows of its document now.
func (r *run) readBack(ctx context.Context, one *row) error {
	for try, wait := 1, readPause; ; {
		reading, began, err := r.get(ctx, one.DocID)
		if errors.Is(err, errHalted) {
			return err
		}
		d, reason := r.judge(err)
		switch {
		case d == upstream.Fine:
			r.feel(d, reason, began, err)
			r.shown(one, &reading.Document)
			return nil
		case d == upstream.Refused && invx.NotFound(err):
			r.feel(d, reason, began, err)
			r.absent(one, err)
			return nil
		case d == upstream.Cancelled:
			return err
		case d == upstream.Refused, d == upstream.TooLarge:
			r.unreadable(one, reason, err)
			return nil
		case d == upstream.Lost && !unavailable(err):
			if stop := r.gate.missed(reason); stop != "" {
				r.stop(stop, false)
			}
			if try++; try > readTries {
				r.putOff(one, reason, err)
				return nil
			}
			if err := r.clock.Sleep(ctx, wait); err != nil {
				return err
			}
			wait *= 3
		default:
			if stop := r.feel(d, reason, began, err); stop != "" {
				r.stop(stop, false)
			}
		}
	}
}

// putOff leaves a document that could not be read for later, a few times.
func (r *run) putOff(one *row, reason string, err error) {
	if one.reads++; one.reads < readRounds {
		r.board.later(one)
		return
	}
	r.unreadable(one, reason, err)
}

// get is one Get through the gate.
func (r *run) get(ctx context.Context, docID string) (invx.Reading, time.Time, error) {
	if r.leaseShort() {
		if err := r.permit(ctx, nil); err != nil {
			return invx.Reading{}, time.Time{}, err
		}
	}
	if err := r.gate.enter(ctx); err != nil {
		return invx.Reading{}, time.Time{}, err
	}
	defer r.gate.leave()
	began := r.clock.Now()
	reading, err := r.up.Get(ctx, docID)
	r.offset.observe(reading.Date, began, r.clock.Now())
	r.count(journal.Calls{Reads: 1})
	return reading, began, err
}

// shown settles a row whose document could be read.
func (r *run) shown(one *row, d *invx.Document) {
	switch {
	case d.Status == invx.StatusDenied:
		r.found(one, d)
	case over(d.Status):
		r.reject(one, r.refusal(one, d.Status))
	case one.proof.weight == alone, one.proof.weight == group && strings.Contains(one.proof.message, "state "+d.Status):
		r.reject(one, r.refusal(one, d.Status))
	default:
		r.stillOpen(one, d.Status)
	}
}

// found settles a row whose document is denied, and learns from one that no accepted call carried.
func (r *run) found(one *row, d *invx.Document) {
	if !r.deniedByUs(one, d) {
		r.accept(one, verdict.AlreadyDenied)
		return
	}
	if one.proof.weight != none && !one.lost {
		r.partial.Store(true)
	}
	r.accept(one, verdict.Denied)
}

// over reports states from which no document comes back to be denied.
func over(status string) bool {
	switch status {
	case invx.StatusCancelled, invx.StatusFrozen, invx.StatusDeleted:
		return true
	}
	return false
}

// refusal is the verdict on a row that upstream refused and whose document it shows in status.
func (r *run) refusal(one *row, status string) verdict.Verdict {
	v := verdict.Verdict{Status: status, Code: one.proof.code, Message: one.proof.message}
	if v.Message == "" {
		v.Message = fmt.Sprintf("InvX shows the document in state %s, from which it cannot be denied", status)
	}
	return v
}

// stillOpen sends a row again whose document was not denied: by itself when something speaks against it, or when other
// calls have settled nothing about it.
func (r *run) stillOpen(one *row, status string) {
	one.sent = false
	switch {
	case one.among != nil:
		r.part(one, true, false)
	case one.tries >= giveUp:
		r.settleUnknown(one, fmt.Sprintf("InvX did not give a clear answer to %d calls; the document was in state %s when it was last read", one.tries, status))
	case one.proof.weight != none || one.tries >= loneAfter:
		one.proof, one.lone = proof{}, true
		r.board.apart(one)
	default:
		r.board.again(one)
	}
}

// absent settles a row whose document upstream does not know. Before anything was said against it, it is sent by itself
// to be refused by upstream and not by us.
func (r *run) absent(one *row, err error) {
	if one.proof.weight == none && one.tries < giveUp {
		one.tries++
		r.stillOpen(one, "unknown")
		return
	}
	p := proofOf(err)
	if one.proof.code != "" {
		p = one.proof
	}
	r.reject(one, verdict.Verdict{Code: p.code, Message: or(p.message, "InvX has no such document in this organisation")})
}

// unreadable settles a row whose document cannot be read. What was said against it alone stands, unless it was about the
// document's state, which may well be that it is denied, or an earlier call may have denied it.
func (r *run) unreadable(one *row, reason string, err error) {
	stateful := one.proof.code == "err-incorrect-update-action"
	switch {
	case one.proof.weight == alone && !stateful && !one.lost:
		r.reject(one, verdict.Verdict{Code: one.proof.code, Message: one.proof.message})
	case (one.proof.weight == group || one.proof.weight == hint) && !stateful && !one.lost && !r.stopping():
		r.part(one, false, true)
		one.proof, one.lone = proof{}, true
		r.board.apart(one)
	default:
		r.settleUnknown(one, fmt.Sprintf("the document could not be read back (%s): %v", reason, err))
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
