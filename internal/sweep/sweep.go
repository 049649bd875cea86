// Package sweep is the reprocess engine. A sweep reads the files that people dropped, looks after batches that came to
// nothing, asks ROIT to reprocess every request that is due, and writes one report with a line for each (design, section 5).
//
// One sweep runs at a time. What it has taken up stands in its journal before anything is done about it, and what came of
// it in the records of the requests, so whoever goes on after a crash reports every line and asks for nothing twice. The
// package touches neither AWS nor the environment, and the clock only through Options.
package sweep

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/journal"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/report"
	"denybatch/internal/request"
	"denybatch/pkg/upstream/roit"
)

// Reprocessor is what a sweep needs of ROIT. Errors are those of denybatch/pkg/upstream.
type Reprocessor interface {
	Reprocess(ctx context.Context, integrationID, requestID string) (roit.Answer, error)
}

// Batches has denial batches gone on with by somebody who can.
type Batches interface {
	// Continue has the batch of rec worked on; reopen is the run to begin, or 0 to go on with the one that stands still.
	// Asking for it twice does no harm.
	Continue(ctx context.Context, rec journal.Record, reopen int) error
}

// Sweeper sweeps. It is used by one caller at a time.
type Sweeper struct {
	ROIT     Reprocessor
	Exchange objects.Store                                          // files of people, and the reports
	State    objects.Store                                          //
	Batches  Batches                                                // nil: batches are left alone
	Replay   func(ctx context.Context, id string) error             // applies a callback that was stored, perhaps in vain; nil: none are
	Announce func(ctx context.Context, s report.SweepSummary) error // tells the world that a sweep has ended; nil: nobody
	Options
}

// Options is how a sweep works. The zero value of each field means its default, but for Worker, which has none.
type Options struct {
	Worker   string                  // names this worker; no two processes or invocations ever share one
	Limit    int                     // requests that one sweep asks for, at most
	RowLimit int                     // a file with more rows is refused whole
	Lease    time.Duration           // how long others keep their hands off after a sign of life; longer than a call may take
	Policy   request.Policy          //
	Patience journal.Patience        // with batches
	Reports  []report.Kind           // which to write; nil means all
	Clock    clock.Clock             // default clock.System
	Halt     func() bool             // asked before every ask: whether the time is up; default: never
	Dead     func(owner string) bool // reports that another worker cannot be alive although its lease is
	Log      *slog.Logger
}

// Defaults of Options.
const (
	DefaultLimit    = 1000
	DefaultRowLimit = 10_000
	DefaultLease    = 90 * time.Second
	DefaultAttempts = 5
	DefaultBackoff  = 15 * time.Minute
)

// Ending is how a sweep ended.
type Ending struct {
	Sweep      string               `json:"sweep,omitempty"`
	Ignored    string               `json:"ignored,omitempty"`     // why there was none
	HandedOver bool                 `json:"handed_over,omitempty"` // the time was up before the files were read; the next worker goes on
	Stopped    string               `json:"stopped,omitempty"`     // why not everything that was due was asked for
	Waiting    int                  `json:"waiting,omitempty"`     // requests that were due and have no line in the report: the next sweep finds them
	Prefix     string               `json:"prefix,omitempty"`      // below which the report stands; empty when there was nothing to report
	Summary    *report.SweepSummary `json:"summary,omitempty"`
	Oldest     time.Duration        `json:"-"` // age of the oldest batch that was found unfinished
}

// inbox is where the files are, below the exchange.
const (
	inbox      = "inbox/reprocess/"
	leaseKey   = "sweeps/lease.json"
	currentKey = "sweeps/current.json"
)

// current is the sweep that began last.
type current struct {
	Sweep     string    `json:"sweep"`
	Began     time.Time `json:"began"`
	Ended     time.Time `json:"ended,omitzero"` // when its report was out and announced
	Worker    string    `json:"worker"`
	Prefix    string    `json:"prefix,omitempty"`
	Announced bool      `json:"announced,omitempty"`
}

// Sweep ends the sweep that another worker left behind, if one did, and makes one of its own. It is safe to call at any
// time and from anywhere: while another worker sweeps, it does nothing. An error costs nothing but time; the next worker
// goes on.
func (s Sweeper) Sweep(ctx context.Context) (Ending, error) {
	s.Options = s.complete()
	lease, err := ledger.AcquireFrom(ctx, s.State, leaseKey, s.Worker, s.Lease, s.Clock, s.Dead)
	if busy, ok := errors.AsType[*ledger.BusyError](err); ok {
		return Ending{Ignored: "another sweep is under way: " + busy.Error()}, nil
	}
	if err != nil {
		return Ending{}, err
	}
	end, err := s.hold(ctx, lease)
	if errors.Is(err, ledger.ErrLost) {
		return Ending{Sweep: end.Sweep, Ignored: "another worker has taken the sweep over"}, nil
	}
	return end, errors.Join(err, released(ctx, lease))
}

// released lets others sweep at once. One that lost its lease has nothing to let go.
func released(ctx context.Context, lease *ledger.Lease) error {
	if err := lease.Release(context.WithoutCancel(ctx)); !errors.Is(err, ledger.ErrLost) {
		return err
	}
	return nil
}

func (o Options) complete() Options {
	o.Limit, o.RowLimit, o.Lease = cmp.Or(o.Limit, DefaultLimit), cmp.Or(o.RowLimit, DefaultRowLimit), cmp.Or(o.Lease, DefaultLease)
	o.Policy.Attempts = cmp.Or(o.Policy.Attempts, DefaultAttempts)
	if o.Patience == (journal.Patience{}) {
		o.Patience = journal.DefaultPatience
	}
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Halt == nil {
		o.Halt = func() bool { return false }
	}
	o.Log = cmp.Or(o.Log, slog.Default())
	return o
}

// hold is a sweep under the lease: first what is left of the last one.
func (s Sweeper) hold(ctx context.Context, lease *ledger.Lease) (Ending, error) {
	r := &run{Sweeper: s, lease: lease, book: request.NewBook(s.State, s.Clock, s.Policy),
		index:   ledger.Index{Store: s.State, Clock: s.Clock},
		current: ledger.Records[current]{Store: s.State, Clock: s.Clock}}
	last, err := r.current.Get(ctx, currentKey)
	if err != nil && !errors.Is(err, objects.ErrNotFound) {
		return Ending{}, err
	}
	if last.Sweep != "" && last.Ended.IsZero() {
		if err := r.resume(ctx, last); err != nil {
			return Ending{Sweep: last.Sweep}, err
		}
		end, err := r.work(ctx)
		if err != nil || end.HandedOver || s.Halt() {
			return end, err
		}
		s.Log.InfoContext(ctx, "ended the sweep that was left behind", "sweep", end.Sweep)
		r = &run{Sweeper: s, lease: lease, book: r.book, index: r.index, current: r.current, earlier: &end}
	}
	r.begin()
	end, err := r.work(ctx)
	if err == nil && end.Summary == nil && r.earlier != nil {
		return *r.earlier, nil // the one that was left behind is all there is to tell of
	}
	return end, err
}

// run is one worker's part in one sweep.
type run struct {
	Sweeper
	lease   *ledger.Lease
	book    request.Book
	index   ledger.Index
	current ledger.Records[current]
	earlier *Ending // of the sweep that was left behind

	me       current
	diary    *diary
	closed   *closing                  // what the report will say, once it is written down and will not change
	records  map[string]request.Record // what this worker knows of requests, by their id in the index
	asked    int
	lost     int    // answers in a row
	stopped  string // why no more is asked for, in one sentence
	waiting  int    // requests that are due and were not taken up
	oldest   time.Duration
	handOver bool // the files could not be read to their end
}

// begin makes a new sweep. It is nowhere written down before there is something to report.
func (r *run) begin() {
	now := r.Clock.Now().UTC()
	sum := sha256.Sum256([]byte(r.Worker + now.String()))
	r.me = current{Sweep: now.Format("20060102T150405Z") + "-" + hex.EncodeToString(sum[:3]), Began: now, Worker: r.Worker}
	r.diary = newDiary(r.State, r.me.Sweep)
	r.diary.first = func(ctx context.Context) error {
		_, err := r.current.Update(ctx, currentKey, func(current) (current, error) { return r.me, nil })
		return err
	}
	r.records = map[string]request.Record{}
}

// resume takes up a sweep whose worker is gone. What that worker was asking for is unknown.
func (r *run) resume(ctx context.Context, last current) (err error) {
	r.me, r.records = last, map[string]request.Record{}
	if r.diary, err = openDiary(ctx, r.State, last.Sweep); err != nil {
		return err
	}
	if r.closed, err = r.readLines(ctx); err != nil || r.closed != nil {
		return err
	}
	for _, it := range r.diary.items {
		if it.Kind != kindRequest || it.Fixed != nil {
			continue
		}
		rec, err := r.book.Get(ctx, it.id())
		if errors.Is(err, ledger.ErrDamaged) || errors.Is(err, objects.ErrNotFound) {
			continue // its line will say so
		}
		if err != nil {
			return err
		}
		if rec.State == request.Asking && rec.Ask.Worker != r.Worker {
			if rec, err = r.book.Abandon(ctx, it.id()); err != nil {
				return err
			}
		}
		if rec.Ask != nil && rec.Ask.Sweep == last.Sweep && rec.Ask.Result != "" {
			r.asked++
		}
	}
	return nil
}

// work is a sweep from its first step to its report.
func (r *run) work(ctx context.Context) (Ending, error) {
	if r.closed != nil {
		return r.publish(ctx)
	}
	for _, step := range []func(context.Context) error{r.replay, r.readFiles, r.mindBatches, r.ask} {
		if err := step(ctx); err != nil {
			return Ending{Sweep: r.me.Sweep, Oldest: r.oldest}, err
		}
		if r.handOver {
			return Ending{Sweep: r.me.Sweep, HandedOver: true, Oldest: r.oldest}, nil
		}
	}
	if err := r.close(ctx); err != nil {
		return Ending{Sweep: r.me.Sweep, Oldest: r.oldest}, err
	}
	end, err := r.publish(ctx)
	end.Oldest = r.oldest
	return end, err
}

// alive renews the lease when a sixth of it is gone, so that what is left outlasts a call, which may take a minute. Every step of a
// sweep begins with it.
func (r *run) alive(ctx context.Context) error {
	if r.Clock.Now().Before(r.lease.Until().Add(-r.Lease * 5 / 6)) {
		return nil
	}
	return r.lease.Renew(ctx)
}

// replay applies callbacks that were stored and perhaps not applied, because they say which requests are due.
func (r *run) replay(ctx context.Context) error {
	if r.Replay == nil {
		return nil
	}
	for e, err := range r.index.Due(ctx, r.Clock.Now(), "callback") {
		if err != nil {
			return err
		}
		if err := r.alive(ctx); err != nil {
			return err
		}
		if err := r.Replay(ctx, e.ID); errors.Is(err, ledger.ErrDamaged) {
			r.Log.ErrorContext(ctx, "callback", "sweep", r.me.Sweep, "callback", e.ID, "error", err)
			continue
		} else if err != nil {
			return fmt.Errorf("callback %s: %w", e.ID, err)
		}
		if r.Clock.Now().Before(e.At.Add(ledger.Grace)) {
			continue // its receiver may be about to store it
		}
		if err := r.index.Drop(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
