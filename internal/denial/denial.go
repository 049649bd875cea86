// Package denial is the batch engine: it denies every row of a spreadsheet at upstream and knows what became of each.
//
// A batch goes straight down: rows are planned (plan.go), put on a board (board.go), sent in calls through a gate
// (gate.go, send.go), and settled one by one from what upstream answers (settle.go) or shows when a document is read
// back (readback.go). Verdicts go into the journal as they fall and from there into the report (publish.go). The
// package touches neither AWS nor the clock nor the environment; all of that comes in through [Options] and [Job].
package denial

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/journal"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/report"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/invx"
)

// Upstream is what the engine needs of InvX. Errors are those of [denybatch/pkg/upstream].
type Upstream interface {
	DenyBulk(ctx context.Context, denials []invx.Denial) (invx.Answer, error)
	Get(ctx context.Context, docID string) (invx.Reading, error)
}

// Halt says whether a batch may go on.
type Halt int

// What [Options.Halt] can answer.
const (
	GoOn     Halt = iota
	HandOver      // stop and leave the rest to the next worker of the same batch; no report yet
	Cancel        // stop for good: the rest is not_sent, and the report says so
)

// BatchID names a batch after the object that it is made from: the same version of the same object is always the same
// batch. It is short and safe in keys and file names.
func BatchID(bucket, key, version string) string {
	sum := sha256.Sum256([]byte(bucket + "\x00" + key + "\x00" + version))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))[:20]
}

// Defaults of [Options], from the design.
const (
	DefaultChunk       = 50
	DefaultConcurrency = 8
	DefaultRowLimit    = 1_000_000
	DefaultLease       = time.Minute
)

// Options is how an engine works. The zero value of each field means its default.
type Options struct {
	Chunk       int                     // most rows in a call
	Concurrency int                     // most calls at a time
	RowLimit    int                     // a batch with more rows is refused whole
	StopAfter   int                     // rows refused for one unfamiliar reason, with none accepted, that stop a batch; default Chunk
	Lease       time.Duration           // how long a batch stays ours without a sign of life
	Owner       string                  // names this worker; unique to it
	Dead        func(owner string) bool // reports that another worker cannot be alive although its lease is
	Clock       clock.Clock             // default clock.System
	Halt        func() Halt             // asked before every call; default: go on
	Progress    func(Progress)          // told now and then, by one caller at a time; may be nil
}

func (o Options) filled() Options {
	o.Chunk = or(o.Chunk, DefaultChunk)
	o.Concurrency = or(o.Concurrency, DefaultConcurrency)
	o.RowLimit = or(o.RowLimit, DefaultRowLimit)
	o.StopAfter = or(o.StopAfter, o.Chunk)
	o.Lease = or(o.Lease, DefaultLease)
	if o.Clock == nil {
		o.Clock = clock.System{}
	}
	if o.Halt == nil {
		o.Halt = func() Halt { return GoOn }
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o
}

func or[T comparable](v, fallback T) T {
	var zero T
	if v == zero {
		return fallback
	}
	return v
}

// Job is one spreadsheet to deny.
type Job struct {
	Batch  string         // the same file version is always the same batch
	Name   string         // of the file, for people
	Source journal.Source // the exact object that Book reads
	Org    string
	Book   *sheet.Book
	State  objects.Store // where the journal lives
	Out    objects.Store // where the reports go
	Prefix string        // below which they go; empty or ending in a slash
	Kinds  []report.Kind // nil means all
	DryRun bool          // nothing is sent; every row that would be says would_send
	Reopen bool          // a batch that ended with unknown or not_sent rows starts its next run
	Next   int           // which run that must be, so that the same wish twice is one; 0 for whichever it is
	Due    *ledger.Index // where the batch will be found if it is left behind; nil: nowhere
}

// Progress is how far a batch has come.
type Progress struct {
	Rows    int // data rows of the file
	Settled int // of them
	Counts  verdict.Counts
	Calls   journal.Calls
}

// Outcome is how a run of a batch ended.
type Outcome struct {
	Summary    report.Summary // of the published report; zero when handed over
	Prefix     string         // below which the reports stand
	HandedOver bool
	Resumed    bool // another worker had begun
}

// Engine denies batches. It is safe for concurrent use.
type Engine struct {
	up  Upstream
	opt Options
}

// New makes an engine on top of upstream, which may be nil for dry runs.
func New(up Upstream, o Options) *Engine { return &Engine{up, o.filled()} }

// Run takes hold of the batch and brings it to its end, or as far as [Options.Halt] allows. Called again after a crash,
// or after an error, it goes on where the journal ends; called after the end it gives the same outcome again.
//
// Errors are a [*sheet.Fault] (the file cannot be read; nothing was sent), a [*journal.BusyError], [journal.ErrLost], the
// storage's, or ctx's. None of them costs a verdict.
func (e *Engine) Run(ctx context.Context, job Job) (Outcome, error) {
	p, s, err := e.read(job)
	if err != nil {
		return Outcome{}, err
	}
	if job.DryRun {
		return e.rehearse(ctx, job, p, s)
	}
	j, err := journal.Open(ctx, job.State, journal.Claim{
		Batch: job.Batch, Source: job.Source, Org: job.Org, Owner: e.opt.Owner,
		Lease: e.opt.Lease, Dead: e.opt.Dead, Reopen: job.Reopen, Next: job.Next, Due: job.Due, Clock: e.opt.Clock,
	})
	if err != nil {
		return Outcome{}, err
	}
	return e.work(ctx, job, p, s, j)
}

// read plans the whole file without sending anything.
func (e *Engine) read(job Job) (*plan, surveyed, error) {
	p, err := newPlan(job.Book)
	if err != nil {
		return nil, surveyed{}, err
	}
	s, err := survey(p, job.Name, e.opt.RowLimit)
	return p, s, err
}

// work brings an opened batch from wherever it stands to its end.
func (e *Engine) work(ctx context.Context, job Job, p *plan, s surveyed, j *journal.Journal) (Outcome, error) {
	resumed := j.Record().Workers > 1
	if j.Record().Status == journal.Running {
		r := newRun(e, p, s, j)
		if err := r.dispatch(ctx); err != nil {
			return Outcome{Resumed: resumed}, errors.Join(err, r.salvage(err))
		}
		if r.handingOver() {
			return Outcome{HandedOver: true, Resumed: resumed}, r.letGo(ctx)
		}
		if err := r.conclude(ctx); err != nil {
			return Outcome{Resumed: resumed}, err
		}
		if e.opt.Halt() == HandOver { // publishing takes time, too
			return Outcome{HandedOver: true, Resumed: resumed}, j.Release(ctx, nil, 0, j.Record().Trouble)
		}
	}
	out, err := e.publish(ctx, job, p, s, j)
	out.Resumed = resumed
	if err != nil || j.Record().Status.Over() {
		return out, err
	}
	return out, j.Finish(ctx, out.Prefix, verdict.Counts(out.Summary.Counts))
}

// surveyed is what one look at the whole file tells before anything is sent.
type surveyed struct {
	rows  int // data rows
	local int // of them settled without upstream
}

// survey reads the file to its end, so that one that breaks off in the middle, or is too long, is refused whole.
func survey(p *plan, name string, limit int) (surveyed, error) {
	var s surveyed
	for step, err := range p.steps() {
		if err != nil {
			return s, err
		}
		if s.rows++; s.rows > limit || step.Row > maxRow {
			return s, &sheet.Fault{File: name, Problem: fmt.Sprintf("has more than %d rows", limit),
				Remedy: "split it into smaller files"}
		}
		if step.verdict.Result != "" {
			s.local++
		}
	}
	return s, nil
}
