package request

import (
	"context"
	"errors"
	"fmt"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/verdict"
)

// Kind is what requests are called in the due index.
const Kind = "request"

// Book is all records of requests. It is safe for concurrent use, also by several processes.
type Book struct {
	records ledger.Records[Record]
	index   ledger.Index
	clock   clock.Clock
	policy  Policy
}

// NewBook opens the records in a store of state.
func NewBook(state objects.Store, c clock.Clock, p Policy) Book {
	return Book{ledger.Records[Record]{Store: state, Clock: c}, ledger.Index{Store: state, Clock: c}, c, p}
}

// Get returns what is known about a request. The error is [objects.ErrNotFound] when that is nothing.
func (b Book) Get(ctx context.Context, id ID) (Record, error) { return b.records.Get(ctx, id.Key()) }

// Order takes a person's wish, once however often it is repeated, and says what becomes of it.
func (b Book) Order(ctx context.Context, id ID, o Order) (Ruling, error) {
	var ruling Ruling
	_, err := b.change(ctx, id, func(r Record) (next Record, err error) {
		next, ruling = r.order(o)
		return next, nil
	})
	return ruling, err
}

// Intend notes that worker is about to ask for a request on behalf of a sweep. It is [ErrNotDue] when it must not.
func (b Book) Intend(ctx context.Context, id ID, sweep, worker string) (Ask, error) {
	now := b.clock.Now()
	rec, err := b.change(ctx, id, func(r Record) (Record, error) {
		if r.Ask != nil && r.Ask.Worker == worker && r.State == Asking {
			return r, nil // our own note, whose answer from the store was lost
		}
		return r.intend(sweep, worker, now)
	})
	if err != nil {
		return Ask{}, err
	}
	return *rec.Ask, nil
}

// Answer notes the outcome of an ask.
func (b Book) Answer(ctx context.Context, id ID, ask Ask, o Outcome) (Record, error) {
	now := b.clock.Now()
	return b.change(ctx, id, func(r Record) (Record, error) { return r.answer(ask, o, now, b.policy), nil })
}

// Abandon gives up an ask whose worker is gone. Whoever calls it knows that no other worker lives.
func (b Book) Abandon(ctx context.Context, id ID) (Record, error) {
	now := b.clock.Now()
	return b.change(ctx, id, func(r Record) (Record, error) { return r.abandon(now, b.policy), nil })
}

// Told notes that somebody was told of a request that needs attention.
func (b Book) Told(ctx context.Context, id ID) error {
	_, err := b.change(ctx, id, func(r Record) (Record, error) { return r.told(), nil })
	return err
}

// Hear takes a callback: once however often it comes, and whatever comes first.
func (b Book) Hear(ctx context.Context, id ID, w Word) (Record, error) {
	now := b.clock.Now()
	return b.change(ctx, id, func(r Record) (Record, error) { return r.hear(w, now, b.policy), nil })
}

// errMoved means that a record came to be due at another time than was scheduled.
var errMoved = errors.New("the record was changed meanwhile")

// change updates a record by a rule. It schedules the request before the record says that it is due, as the ledger wants.
func (b Book) change(ctx context.Context, id ID, rule func(Record) (Record, error)) (Record, error) {
	for range 10 {
		scheduled, err := b.schedule(ctx, id, rule)
		if err != nil {
			return Record{}, err
		}
		rec, err := b.records.Update(ctx, id.Key(), func(r Record) (Record, error) {
			next, err := rule(named(r, id))
			if err == nil && !next.Due.IsZero() && !next.Due.Equal(r.Due) && !next.Due.Equal(scheduled) {
				err = errMoved
			}
			return next, err
		})
		if !errors.Is(err, errMoved) {
			return rec, err
		}
	}
	return Record{}, fmt.Errorf("request %s: %w", id, ledger.ErrContended)
}

// schedule puts the request into the due index for the time that the rule would make it due.
func (b Book) schedule(ctx context.Context, id ID, rule func(Record) (Record, error)) (time.Time, error) {
	old, err := b.Get(ctx, id)
	if err != nil && !errors.Is(err, objects.ErrNotFound) {
		return time.Time{}, err
	}
	next, err := rule(named(old, id))
	if err != nil {
		return time.Time{}, err
	}
	if next.Due.IsZero() || next.Due.Equal(old.Due) {
		return next.Due, nil
	}
	_, err = b.index.Schedule(ctx, next.Due, Kind, id.Index())
	return next.Due, err
}

// named gives a new record its id.
func named(r Record, id ID) Record {
	if r.ID == (ID{}) {
		r.ID = id
	}
	return r
}

// Truth says when a request is due, for [ledger.Index.Ready]. A record that is not there is never due.
func (b Book) Truth(ctx context.Context, e ledger.Entry) (time.Time, error) {
	id, err := ParseIndex(e.ID)
	if err != nil {
		return time.Time{}, nil
	}
	r, err := b.Get(ctx, id)
	if errors.Is(err, objects.ErrNotFound) {
		return time.Time{}, nil
	}
	return r.Due, err
}

// Line is what the report of a sweep says about a request.
type Line struct {
	Attempt int
	Ruling
	At time.Time // when it was settled; zero when it was not asked
}

// Line is what became of a request in a sweep: of the ask that the sweep made, or else why it made none.
func (r Record) Line(sweep string, waiting Ruling) Line {
	ask := r.Ask
	switch {
	case ask != nil && ask.Sweep == sweep && ask.Result == verdict.Unknown && r.Word != nil && rank(r.Word.Status) > 0:
		return Line{ask.Attempt, Ruling{Result: verdict.Accepted, Status: r.Word.Status, Code: "called-back",
			Message: "the answer was lost, but ROIT has called back since"}, r.Word.Heard}
	case ask != nil && ask.Sweep == sweep && ask.Result != "":
		return Line{ask.Attempt, Ruling{Result: ask.Result, Status: ask.Status, Code: ask.Code, Message: ask.Message}, ask.Ended}
	case r.State == Done:
		return Line{Ruling: r.done()}
	}
	return Line{Ruling: waiting}
}

// NeedsAttention is what to tell somebody about a request whose attempts are used up.
func (r Record) NeedsAttention() (Ruling, bool) {
	if r.State != Exhausted {
		return Ruling{}, false
	}
	return Ruling{Result: verdict.Exhausted, Status: r.status(), Code: "attempts-used-up", Message: r.exhausted() +
		"; when the cause is mended, drop it in again with confirm = yes"}, true
}
