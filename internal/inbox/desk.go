package inbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"

	"denybatch/internal/denial"
	"denybatch/internal/journal"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/report"
	"denybatch/internal/sheet"
)

// Pinned is one exact content of an object, read to the end and checked.
type Pinned struct {
	io.ReaderAt
	io.Closer
	Size    int64
	SHA256  string
	Version string // the store's version id, empty where it keeps none
	ETag    string
}

// Errors of an [Exchange] for objects that are not what the event spoke of any more.
var (
	ErrGone     = errors.New("the file was deleted before it could be read")
	ErrReplaced = errors.New("the file was replaced by another before it could be read")
	ErrTooLarge = errors.New("the file is too large")
)

// ErrUnknownOrg is what [Desk.Account] returns for an organisation that it has no credentials for.
var ErrUnknownOrg = errors.New("no credentials are configured for this organisation")

// Exchange gives out the files that people drop.
type Exchange interface {
	Pin(ctx context.Context, o Object) (*Pinned, error)
}

// Desk works on one order at a time. It may be used by several callers at once.
type Desk struct {
	Exchange Exchange
	Out      objects.Store                                                  // of the exchange bucket, for reports
	State    objects.Store                                                  // for journals
	Account  func(ctx context.Context, org string) (denial.Upstream, error) // credentials by organisation
	Announce func(ctx context.Context, order Order, s report.Summary) error // tells the world that a batch has ended
	Due      *ledger.Index                                                  // where batches are found that are left behind; nil: nowhere
	Options  denial.Options                                                 // Owner must be unique to the caller
	Log      *slog.Logger
}

// Ending is how work on an order ended.
type Ending struct {
	Batch      string         `json:"batch,omitempty"`
	Ignored    string         `json:"ignored,omitempty"` // why the object is no order
	HandedOver bool           `json:"handed_over,omitempty"`
	Summary    report.Summary `json:"summary,omitzero"`
	Object     Object         `json:"object"` // as it was pinned, to go on with
}

// Deny brings an order to its end, or as far as [denial.Options.Halt] and ctx allow. It can be called again for the same
// object as often as one likes. A failure is noted in the batch record, where last also ends the batch. Errors are those
// of [denial.Engine.Run] but for a [*sheet.Fault], which ends in a report that says so.
func (d Desk) Deny(ctx context.Context, o Object, last bool) (Ending, error) {
	order, ok := ParseKey(o.Key)
	if !ok {
		return Ending{Ignored: "the key is not inbox/deny/<org>/<file> or inbox/check/<org>/<file>", Object: o}, nil
	}
	pinned, err := d.Exchange.Pin(ctx, o)
	switch {
	case errors.Is(err, ErrGone), errors.Is(err, ErrReplaced), errors.Is(err, ErrTooLarge):
		return d.vanished(ctx, order, o, last, err)
	case err != nil:
		return Ending{Object: o}, d.note(ctx, order, o, last, err)
	}
	defer pinned.Close()
	o.Version, o.ETag = pinned.Version, pinned.ETag
	end, err := d.work(ctx, order, o, pinned)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil && d.advanced(o, order) {
		end.HandedOver, err = true, nil // the time was up in the middle of something, but not for nothing
	}
	if err == nil && end.HandedOver {
		err = d.count(&end.Object, order)
	}
	if err != nil {
		return end, d.note(ctx, order, o, last, err)
	}
	return end, nil
}

// patience is how many workers in a row may settle nothing, as when upstream asks to be left alone for an hour.
const patience = 20

// count counts workers that achieve nothing, so that a batch cannot go on for ever.
func (d Desk) count(o *Object, order Order) error {
	if d.advanced(*o, order) {
		o.Idle = 0
		return nil
	}
	if o.Idle++; o.Idle > patience {
		return fmt.Errorf("%d workers in a row have settled nothing", o.Idle)
	}
	return nil
}

// advanced reports whether this worker has left something in the journal.
func (d Desk) advanced(o Object, order Order) bool {
	if order.Kind == Check {
		return false
	}
	rec, err := journal.Load(context.Background(), d.State, batchOf(o))
	return err == nil && rec.Advanced == d.Options.Owner
}

// vanished ends an order whose file cannot be had any more. A batch that had begun is a failure that somebody must look
// at, because rows of it may have been sent.
func (d Desk) vanished(ctx context.Context, order Order, o Object, last bool, why error) (Ending, error) {
	end := Ending{Batch: batchOf(o), Object: o}
	d.Log.WarnContext(ctx, "file cannot be had", "batch", end.Batch, "key", o.Key, "error", why)
	rec, err := journal.Load(ctx, d.State, end.Batch)
	switch {
	case err == nil && rec.Reopens(o.Reopen):
		return end, d.note(ctx, order, o, last, fmt.Errorf("%w, and run %d cannot begin", why, o.Reopen))
	case err == nil && rec.Status.Over():
		return end, nil
	case err == nil && rec.Workers > 0:
		return end, d.note(ctx, order, o, true, fmt.Errorf("%w, after the batch had begun", why))
	case err != nil && !errors.Is(err, objects.ErrNotFound):
		return end, err
	}
	return d.refuse(ctx, order, o, nil, why.Error())
}

// work runs the engine on a pinned file.
func (d Desk) work(ctx context.Context, order Order, o Object, p *Pinned) (Ending, error) {
	end := Ending{Batch: batchOf(o), Object: o}
	book, err := sheet.Open(path.Base(order.Name), p, p.Size)
	var fault *sheet.Fault
	if errors.As(err, &fault) {
		return d.refuse(ctx, order, o, p, fault.Error())
	}
	if err != nil {
		return end, err
	}
	defer book.Close()
	job := d.job(order, o, p, book)
	out, err := d.run(ctx, order, job)
	if errors.As(err, &fault) {
		return d.refuse(ctx, order, o, p, fault.Error())
	}
	end.HandedOver, end.Summary = out.HandedOver, out.Summary
	if err != nil || out.HandedOver {
		return end, err
	}
	return end, d.announce(ctx, order, end.Batch, out.Summary)
}

func (d Desk) job(order Order, o Object, p *Pinned, book *sheet.Book) denial.Job {
	batch := batchOf(o)
	return denial.Job{
		Batch: batch, Name: path.Base(order.Name), Org: order.Org, Book: book, Source: source(o, p),
		State: d.State, Out: d.Out, Prefix: order.Reports(batch), DryRun: order.Kind == Check,
		Reopen: o.Reopen > 0, Next: o.Reopen, Due: d.Due,
	}
}

// run sends the rows with the organisation's credentials, or says of each that there are none.
func (d Desk) run(ctx context.Context, order Order, job denial.Job) (denial.Outcome, error) {
	if order.Kind == Check {
		return denial.New(nil, d.Options).Run(ctx, job)
	}
	up, err := d.Account(ctx, order.Org)
	if errors.Is(err, ErrUnknownOrg) {
		return d.without(ctx, order, job, fmt.Errorf("organisation %s: %w", order.Org, err))
	}
	if err != nil {
		return denial.Outcome{}, err
	}
	return denial.New(up, d.Options).Run(ctx, job)
}

// without does what can be done for a batch without credentials. One that has begun cannot be declined: its rows may have been
// sent.
func (d Desk) without(ctx context.Context, order Order, job denial.Job, why error) (denial.Outcome, error) {
	rec, err := journal.Load(ctx, d.State, job.Batch)
	switch {
	case err != nil && !errors.Is(err, objects.ErrNotFound):
		return denial.Outcome{}, err
	case err != nil, rec.Workers == 0, rec.Status == journal.Refused:
		return d.decline(ctx, job, why.Error())
	case rec.Status.Over() && !rec.Reopens(job.Next):
		return denial.New(nil, d.Options).Run(ctx, job) // it has ended, and its report is told of again
	}
	return denial.Outcome{}, fmt.Errorf("%w any more, and the batch has begun", why)
}

// decline reports a batch of which nothing is sent, and ends it.
func (d Desk) decline(ctx context.Context, job denial.Job, why string) (denial.Outcome, error) {
	out, err := denial.New(nil, d.Options).Decline(ctx, job, why)
	if err != nil {
		return out, err
	}
	_, err = d.amend(ctx, job.Batch, job.Source, job.Org, func(r *journal.Record) {
		if !r.Status.Over() {
			r.Status, r.Reason, r.Rows, r.Prefix = journal.Refused, why, out.Summary.Rows, out.Prefix
			r.Finished = out.Summary.Finished
		}
	})
	return out, err
}

// refuse ends an order that cannot be a batch, in a report of one sentence.
func (d Desk) refuse(ctx context.Context, order Order, o Object, p *Pinned, why string) (Ending, error) {
	end := Ending{Batch: batchOf(o), Object: o}
	src := source(o, p)
	now := d.Options.Clock.Now()
	sum, err := report.Refuse(ctx, d.Out, order.Reports(end.Batch), report.Summary{
		Batch: end.Batch, Run: 1, DryRun: order.Kind == Check, Org: order.Org, Began: now, Finished: now,
		Source: report.Source{Name: path.Base(order.Name), Key: src.Key, Version: src.Version, SHA256: src.SHA256, Size: src.Size},
	}, why)
	if err != nil {
		return end, err
	}
	end.Summary = sum
	_, err = d.amend(ctx, end.Batch, src, order.Org, func(r *journal.Record) {
		if !r.Status.Over() {
			r.Status, r.Reason, r.Prefix, r.Finished = journal.Refused, why, order.Reports(end.Batch), now
		}
	})
	if err != nil {
		return end, err
	}
	return end, d.announce(ctx, order, end.Batch, sum)
}

// announce tells the world once that a run of a batch has ended: again only if it is not certain that it was told.
func (d Desk) announce(ctx context.Context, order Order, batch string, s report.Summary) error {
	if order.Kind == Check {
		return d.Announce(ctx, order, s)
	}
	rec, err := journal.Load(ctx, d.State, batch)
	if err != nil || rec.Announced >= s.Run {
		return err
	}
	if err := d.Announce(ctx, order, s); err != nil {
		return fmt.Errorf("announce batch %s: %w", batch, err)
	}
	_, err = journal.Amend(ctx, d.State, rec, d.Options.Owner, d.Options.Clock.Now(), func(r *journal.Record) {
		r.Announced = max(r.Announced, s.Run)
	})
	return err
}

// note writes into the batch record why the work could not go on, and returns the reason.
func (d Desk) note(ctx context.Context, order Order, o Object, last bool, why error) error {
	var busy *journal.BusyError
	if errors.As(why, &busy) || errors.Is(why, journal.ErrLost) {
		return why // somebody else's record
	}
	err := journal.Fail(context.WithoutCancel(ctx), d.State, journal.Claim{
		Batch: batchOf(o), Source: source(o, nil), Org: order.Org, Owner: d.Options.Owner, Clock: d.Options.Clock,
		Reopen: o.Reopen > 0, Next: o.Reopen, Due: d.Due,
	}, why.Error(), last)
	if errors.As(err, &busy) {
		err = nil
	}
	return errors.Join(why, err)
}

func (d Desk) amend(ctx context.Context, batch string, src journal.Source, org string, change func(*journal.Record)) (journal.Record, error) {
	now := d.Options.Clock.Now()
	seed := journal.Record{Batch: batch, Source: src, Org: org, Status: journal.Running, Run: 1, Began: now}
	return journal.Amend(ctx, d.State, seed, d.Options.Owner, now, change)
}

func source(o Object, p *Pinned) journal.Source {
	s := journal.Source{Bucket: o.Bucket, Key: o.Key, Version: cmp.Or(o.Version, o.ETag), ETag: o.ETag}
	if p != nil {
		s.SHA256, s.Size = p.SHA256, p.Size
	}
	return s
}

// batchOf is the batch that an object makes, by its version or else its ETag.
func batchOf(o Object) string {
	return denial.BatchID(o.Bucket, o.Key, cmp.Or(o.Version, o.ETag))
}
