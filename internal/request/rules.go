package request

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/roit"
)

// Ruling is what becomes of an order.
type Ruling struct {
	Ask     bool           // it is to be asked, or has been for this very order
	Result  verdict.Result // otherwise: why not
	Status  string
	Code    string
	Message string
}

// order takes a person's wish. The same row twice is one order.
func (r Record) order(o Order) (Record, Ruling) {
	if r.Order.same(o) {
		return r, r.repeated()
	}
	if no, refused := r.ruling(o); refused {
		return r, no
	}
	r.State, r.Order, r.Due, r.Asks = Waiting, &o, o.At, 0
	detail := fmt.Sprintf("%s, row %d", path.Base(o.Key), o.Row)
	if o.Confirmed {
		detail += ", confirmed"
	}
	r.note(o.At, "ordered", detail)
	return r, Ruling{Ask: true}
}

// repeated is the ruling for a row that was ordered before, by a worker that died.
func (r Record) repeated() Ruling {
	if r.State == Done && (r.Ask == nil || r.Ask.At.Before(r.Order.At)) {
		return r.done()
	}
	return Ruling{Ask: true}
}

// ruling says whether an order is refused. Whatever was asked before and may have been heard is asked again only when a
// person says that this is what is wanted.
func (r Record) ruling(o Order) (Ruling, bool) {
	if r.Integration == DataIntegration {
		return Ruling{Result: verdict.Invalid, Code: "no-reprocess", Message: "ROIT cannot reprocess what it knows by a process id alone"}, true
	}
	if r.State == Waiting {
		return Ruling{Result: verdict.Duplicate, Code: "waiting", Message: fmt.Sprintf("waits already, since %s, row %d", path.Base(r.Order.Key), r.Order.Row)}, true
	}
	if o.Confirmed && r.State != Asking {
		return Ruling{}, false
	}
	switch r.State {
	case Asking:
		return Ruling{Result: verdict.Unknown, Code: "asking", Message: "is being asked for, and nobody knows yet what came of it"}, true
	case Unknown:
		return Ruling{Result: verdict.Unknown, Code: "needs-confirmation", Message: "was asked for on " + r.askedOn() +
			", and nobody knows whether ROIT heard it: look there, and if it is to be asked again, drop it in with confirm = yes"}, true
	case Exhausted:
		return Ruling{Result: verdict.Exhausted, Status: r.status(), Code: "attempts-used-up", Message: r.exhausted() +
			"; when the cause is mended, drop it in again with confirm = yes"}, true
	case Accepted:
		return Ruling{Result: verdict.NotSent, Status: r.status(), Code: "in-progress", Message: "was asked for on " + r.askedOn() +
			", and ROIT has not said yet how it went; to ask again all the same, drop it in with confirm = yes"}, true
	case Done:
		return r.done(), true
	case Noted:
		if rank(r.status()) == rank(string(roit.Processing)) {
			return Ruling{Result: verdict.NotSent, Status: r.status(), Code: "in-progress", Message: "is being processed, as ROIT says (" + r.status() +
				"); to ask all the same, drop it in with confirm = yes"}, true
		}
	}
	return Ruling{}, false
}

func (r Record) done() Ruling {
	return Ruling{Result: verdict.AlreadyDone, Status: string(roit.Done), Code: "done",
		Message: "is done, as ROIT says; to have it processed again, drop it in with confirm = yes"}
}

func (r Record) exhausted() string {
	text := fmt.Sprintf("was asked for %d times and still fails", r.Asks)
	if r.Asks == 1 {
		text = "was asked for once and still fails"
	}
	if m := r.message(); m != "" {
		text += " (" + m + ")"
	}
	return text
}

func (r Record) askedOn() string {
	if r.Ask == nil {
		return "an unknown day"
	}
	return r.Ask.At.UTC().Format("2006-01-02 15:04 UTC")
}

// status is ROIT's last word that counts.
func (r Record) status() string {
	switch {
	case r.Word != nil:
		return r.Word.Status
	case r.Ask != nil:
		return r.Ask.Status
	}
	return ""
}

func (r Record) message() string {
	switch {
	case r.Word != nil:
		return r.Word.Message
	case r.Ask != nil:
		return r.Ask.Message
	}
	return ""
}

// ErrNotDue means that a request is not to be asked for, or not any more.
var ErrNotDue = errors.New("the request is not to be asked for now")

// ready reports whether a sweep may ask now.
func (r Record) ready(now time.Time) bool {
	return (r.State == Waiting || r.State == Failed) && !r.Due.IsZero() && !r.Due.After(now)
}

// intend notes that a worker is about to ask.
func (r Record) intend(sweep, worker string, now time.Time) (Record, error) {
	if !r.ready(now) {
		return r, ErrNotDue
	}
	r.Before = &Before{r.State, r.Word, r.Ask}
	r.Asks++
	r.Asked++
	r.Ask = &Ask{Number: r.Asked, Attempt: r.Asks, Sweep: sweep, Worker: worker, At: now.UTC()}
	r.State, r.Word = Asking, nil
	r.note(now, "asking", fmt.Sprintf("ask %d, by sweep %s", r.Asked, sweep))
	return r, nil
}

// Outcome is what came of an ask: accepted with ROIT's status, refused, unknown, or not_sent when it surely did not happen.
type Outcome struct {
	Result  verdict.Result
	Status  string
	Code    string
	Message string
	Again   time.Duration // not_sent: how long ROIT wants to be left alone
}

// answer takes the outcome of an ask. One that belongs to another ask than the last changes nothing; one that comes when the
// ask was given up for unknown is still worth knowing.
func (r Record) answer(ask Ask, o Outcome, now time.Time, p Policy) Record {
	if r.Ask == nil || r.Ask.Number != ask.Number || r.Ask.Worker != ask.Worker || r.Ask.Result != "" && r.Ask.Result != verdict.Unknown {
		return r
	}
	if o.Result == verdict.NotSent {
		return r.takeBack(o, now, p)
	}
	known := *r.Ask
	known.Ended, known.Result, known.Status, known.Code, known.Message = now.UTC(), o.Result, o.Status, o.Code, short(o.Message)
	late := r.State != Asking && r.State != Unknown // something newer than the answer has been heard
	r.Ask, r.Before = &known, nil
	r.note(now, string(o.Result), o.Status+" "+o.Message)
	if late {
		return r
	}
	return r.settle(now, p)
}

// settle draws the conclusion from an ask that has ended and what ROIT has said since it began.
func (r Record) settle(now time.Time, p Policy) Record {
	status := ""
	if r.Ask.Result == verdict.Accepted {
		status = r.Ask.Status
	}
	if r.Word != nil && rank(r.Word.Status) > rank(status) {
		status = r.Word.Status
	}
	switch {
	case rank(status) == rank(string(roit.Done)):
		r.State, r.Due = Done, time.Time{}
	case rank(status) >= rank(string(roit.Warning)):
		r = r.fail(now, p)
	case rank(status) > 0:
		r.State, r.Due = Accepted, time.Time{}
	case r.Ask.Result == verdict.Refused:
		r.State, r.Due = Refused, time.Time{}
	default:
		r.State, r.Due = Unknown, time.Time{}
	}
	return r
}

// takeBack makes as if an ask had never been, because ROIT did not get it.
func (r Record) takeBack(o Outcome, now time.Time, p Policy) Record {
	if r.Before == nil {
		return r
	}
	heard := r.Word
	r.State, r.Word, r.Ask = r.Before.State, r.Before.Word, r.Before.Ask
	r.Asks, r.Asked, r.Before = r.Asks-1, r.Asked-1, nil
	if o.Again > 0 {
		r.Due = now.Add(min(o.Again, longestBackoff)).UTC()
	}
	r.note(now, string(o.Result), o.Message)
	if heard != nil && counts(*heard, r.Word) {
		r = r.apply(*heard, now, p)
	}
	return r
}

// abandon gives up an ask whose worker is gone: nobody knows what came of it.
func (r Record) abandon(now time.Time, p Policy) Record {
	if r.State != Asking {
		return r
	}
	return r.answer(*r.Ask, Outcome{Result: verdict.Unknown, Code: "interrupted",
		Message: "the sweep was interrupted while it asked, so nobody knows whether ROIT heard it"}, now, p)
}

// fail schedules the next ask, or says that there is none.
func (r Record) fail(now time.Time, p Policy) Record {
	switch {
	case r.Integration == DataIntegration:
		r.State, r.Due = Failed, time.Time{}
	case r.Asks >= p.Attempts:
		r.State, r.Due = Exhausted, now.UTC()
	default:
		r.State, r.Due = Failed, now.Add(p.wait(r.ID, r.Asks)).UTC()
	}
	return r
}

// told notes that somebody was told that the attempts are used up.
func (r Record) told() Record {
	if r.State == Exhausted {
		r.Due = time.Time{}
	}
	return r
}

// rank says which of two words of ROIT about one ask counts, whatever their order: what ends a matter more than what is
// under way, and DONE most, because nothing may turn it back.
func rank(status string) int {
	switch roit.Status(status) {
	case roit.Done:
		return 4
	case roit.Failed:
		return 3
	case roit.Warning:
		return 2
	case roit.Processing, roit.Received, roit.Pending:
		return 1
	}
	return 0
}

// counts reports whether a word counts more than the one that counted so far.
func counts(w Word, known *Word) bool {
	if known == nil {
		return true
	}
	return cmp.Or(
		cmp.Compare(rank(w.Status), rank(known.Status)),
		w.Said.Compare(known.Said),
		cmp.Compare(w.Mark, known.Mark),
	) > 0
}

// best is the rank of what ROIT has said since the last ask, in its answer or later.
func (r Record) best() int {
	best := 0
	if r.Word != nil {
		best = rank(r.Word.Status)
	}
	if r.Ask != nil && r.Ask.Result == verdict.Accepted {
		best = max(best, rank(r.Ask.Status))
	}
	return best
}

// slack is how far ROIT's clock and ours may differ.
const slack = 5 * time.Minute

// hear takes a word of ROIT. The order in which words about one ask are heard makes no difference, and neither does hearing
// one again.
func (r Record) hear(w Word, now time.Time, p Policy) Record {
	if r.heard(w) {
		return r
	}
	r.Marks = append(slices.Clone(r.Marks[max(0, len(r.Marks)-maxMarks+1):]), Mark{w.Mark, r.Asked})
	w.Message, w.Heard = short(w.Message), w.Heard.UTC()
	late := r.Ask != nil && !w.Said.IsZero() && w.Said.Before(r.Ask.At.Add(-slack)) && rank(w.Status) < rank(string(roit.Done))
	switch {
	case late:
		r.note(w.Heard, "heard late", w.Status+" "+w.Message)
		return r
	case rank(w.Status) < r.best(), !counts(w, r.Word):
		r.note(w.Heard, "heard", w.Status+" "+w.Message)
		return r
	}
	r.note(w.Heard, "heard", w.Status+" "+w.Message)
	return r.apply(w, now, p)
}

// heard reports whether this very callback has been heard. One without anything to tell occasions apart may, after another
// ask, be a new one that reads the same.
func (r Record) heard(w Word) bool {
	return slices.ContainsFunc(r.Marks, func(m Mark) bool {
		return m.Mark == w.Mark && (m.Asked == r.Asked || w.Stamped || w.Replay)
	})
}

// apply draws the conclusion from a word that counts.
func (r Record) apply(w Word, now time.Time, p Policy) Record {
	before := r.best()
	r.Word = &w
	if r.State == Asking || rank(w.Status) == before && r.State != "" {
		return r // what is under way is settled when its outcome is known; the same again is nothing new
	}
	switch status := rank(w.Status); {
	case status == rank(string(roit.Done)):
		r.State, r.Due = Done, time.Time{}
	case r.State == Waiting, r.State == Failed, r.State == Exhausted, r.State == Done:
	case status >= rank(string(roit.Warning)):
		r = r.fail(now, p)
	case r.State == "":
		r.State = Noted
	case r.State == Unknown && status > 0:
		r.State = Accepted
	}
	return r
}
