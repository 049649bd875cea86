package journal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/verdict"
)

// ErrLost means that another worker took the batch over: stop at once and leave it alone.
var ErrLost = errors.New("another worker took this batch over")

// BusyError means that another worker holds the batch.
type BusyError struct {
	Batch string
	Lease Lease
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("batch %s is being worked on by %s until %s", e.Batch, e.Lease.Owner, e.Lease.Until.Format(time.RFC3339))
}

// Claim is what a worker says to get hold of a batch.
type Claim struct {
	Batch  string
	Source Source
	Org    string
	Owner  string                  // unique to this worker: no two processes or invocations ever share one
	Lease  time.Duration           // how long others keep their hands off after each sign of life
	Dead   func(owner string) bool // reports that a holder cannot be alive although its lease is; nil means never
	Reopen bool                    // an ended batch with unknown or not_sent rows starts its next run
	Next   int                     // which run that must be; 0 for whichever it is
	Due    *ledger.Index           // where a batch that is left behind will be found; nil: nowhere
	Clock  clock.Clock
}

// Load reads a batch's record without taking hold of it. The error is [objects.ErrNotFound] when there is no such batch.
func Load(ctx context.Context, s objects.Store, batch string) (Record, error) {
	j := &Journal{claim: Claim{Batch: batch}, store: s}
	err := j.read(ctx)
	return j.record, err
}

// Journal is a worker's hold on one batch. It is safe for concurrent use.
type Journal struct {
	claim Claim
	store objects.Store

	flushing sync.Mutex // held while a segment or the record is being written
	record   Record
	etag     string
	segments []segment

	mu      sync.Mutex
	pending []verdict.Verdict
	calls   Calls
	settled rows  // rows that need nothing more in this run
	doubt   rows  // rows that an earlier run ended as unknown, or that a worker left in doubt
	foreign Doubt // what other workers of this run may have sent
	through int   // sent_through as we stored it
	until   time.Time
}

// Doubt is which rows a worker leaves behind that may have been sent and are not settled.
type Doubt struct {
	Rows    []int `json:"rows,omitempty"`    // these
	After   int   `json:"after,omitempty"`   // and those after this one,
	Through int   `json:"through,omitempty"` // up to this one
	Known   int   `json:"known,omitempty"`   // of the rows up to this one, whatever earlier workers and runs left in doubt, only Rows still are
}

// Open takes hold of a batch: of a new one, of one whose worker died, or of one that is over (then nothing may be
// flushed; see [Journal.Record]). A [BusyError] means that somebody else works on it.
func Open(ctx context.Context, s objects.Store, c Claim) (*Journal, error) {
	j := &Journal{claim: c, store: s}
	if err := j.acquire(ctx); err != nil {
		return nil, err
	}
	if err := j.loadSegments(ctx); err != nil {
		return nil, err
	}
	if j.record.Status.Over() {
		return j, nil
	}
	return j, j.fence(ctx)
}

// acquire reads the record and writes our lease into it. It goes round again when somebody else was faster.
func (j *Journal) acquire(ctx context.Context) error {
	for {
		err := j.read(ctx)
		switch {
		case errors.Is(err, objects.ErrNotFound):
			err = j.create(ctx)
		case err == nil && j.rests():
			j.record.Status, j.record.Was = j.record.standing(), ""
			return nil
		case err == nil:
			err = j.takeOver(ctx)
		}
		if !errors.Is(err, objects.ErrExists) && !errors.Is(err, objects.ErrChanged) {
			return err
		}
	}
}

// rests reports whether the batch is over and is to stay so.
func (j *Journal) rests() bool {
	return j.record.standing().Over() && !j.claim.reopens(j.record)
}

// reopens reports whether the claim starts the next run of a batch.
func (c Claim) reopens(r Record) bool {
	return r.standing().Over() && c.Reopen && r.Unsettled() && (c.Next == 0 || c.Next == r.Run+1)
}

// schedule makes sure that the batch is found when it is due, or if we leave it behind. That need not be exact: the index moves
// the entry along to where [Record.Due] says.
func (j *Journal) schedule(ctx context.Context, at time.Time) error {
	if j.claim.Due == nil {
		return nil
	}
	_, err := j.claim.Due.Schedule(ctx, at, Kind, j.claim.Batch)
	return err
}

func (j *Journal) create(ctx context.Context) error {
	now := j.claim.Clock.Now()
	if err := j.schedule(ctx, now.Add(j.claim.Lease)); err != nil {
		return err
	}
	j.record = Record{
		Batch: j.claim.Batch, Source: j.claim.Source, Org: j.claim.Org,
		Status: Running, Run: 1, Began: now, Seen: now, Workers: 1, Lease: j.lease(now),
	}
	info, err := objects.CreateBytes(ctx, j.store, recordKey(j.claim.Batch), j.record.bytes())
	j.etag, j.until = info.ETag, j.record.Lease.Until
	return err
}

func (j *Journal) takeOver(ctx context.Context) error {
	now := j.claim.Clock.Now()
	held := j.record.Lease
	if held.Owner != "" && held.Owner != j.claim.Owner && now.Before(held.Until) && !j.dead(held.Owner) {
		return &BusyError{Batch: j.claim.Batch, Lease: held}
	}
	if err := j.schedule(ctx, now.Add(j.claim.Lease)); err != nil {
		return err
	}
	j.record.Status, j.record.Was = j.record.standing(), ""
	if j.record.Status.Over() {
		j.record.Run++
		j.record.Status, j.record.Reason, j.record.Trouble = Running, "", nil
	}
	j.record.Failure = ""
	j.record.Workers++
	j.record.Lease, j.record.Seen = j.lease(now), now
	return j.write(ctx)
}

func (j *Journal) dead(owner string) bool { return j.claim.Dead != nil && j.claim.Dead(owner) }

func (j *Journal) lease(now time.Time) Lease {
	return Lease{Owner: j.claim.Owner, Until: now.Add(j.claim.Lease)}
}

func (j *Journal) read(ctx context.Context) error {
	b, info, err := objects.Read(ctx, j.store, recordKey(j.claim.Batch), 1<<20)
	if err != nil {
		return err
	}
	j.record = Record{}
	if err := json.Unmarshal(b, &j.record); err != nil {
		return fmt.Errorf("batch record %s is damaged: %w", recordKey(j.claim.Batch), err)
	}
	j.etag = info.ETag
	return nil
}

// write replaces the record that was read with j.record.
func (j *Journal) write(ctx context.Context) error {
	info, err := objects.ReplaceBytes(ctx, j.store, recordKey(j.claim.Batch), j.etag, j.record.bytes())
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.etag, j.until = info.ETag, j.record.Lease.Until
	return nil
}

func (j *Journal) loadSegments(ctx context.Context) error {
	for info, err := range j.store.List(ctx, segmentPrefix(j.claim.Batch), "") {
		if err != nil {
			return err
		}
		if err := j.loadSegment(ctx, info.Key); err != nil {
			return err
		}
	}
	return nil
}

func (j *Journal) loadSegment(ctx context.Context, key string) error {
	h, verdicts, err := load(ctx, j.store, key)
	if err != nil {
		return err
	}
	if h.Run == j.record.Run {
		j.inherit(h)
	}
	for _, v := range verdicts {
		switch {
		case h.Run == j.record.Run || !v.Result.Provisional():
			j.settled.add(v.Row)
		case v.Result == verdict.Unknown:
			j.doubt.add(v.Row)
		}
	}
	j.segments = append(j.segments, summarize(h, verdicts))
	return nil
}

// inherit learns from a segment of this run which rows may have been sent.
func (j *Journal) inherit(h header) {
	switch {
	case h.Doubt != nil:
		j.foreign = *h.Doubt
		j.doubt.removeThrough(h.Doubt.Known)
		for _, row := range h.Doubt.Rows {
			j.doubt.add(row)
		}
	case h.SentThrough > 0:
		j.foreign.After, j.foreign.Through = 0, max(j.foreign.Through, h.SentThrough)
	}
}

// fence writes an empty segment, so that a worker that still believes in its old lease fails at its next one.
// What that worker wrote while we were reading is read now.
func (j *Journal) fence(ctx context.Context) error {
	for {
		err := j.append(ctx, header{}, nil)
		if !errors.Is(err, ErrLost) {
			return err
		}
		if err := j.loadSegment(ctx, segmentKey(j.claim.Batch, j.nextSegment())); err != nil {
			return err
		}
	}
}

func (j *Journal) nextSegment() int {
	if len(j.segments) == 0 {
		return 1
	}
	return j.segments[len(j.segments)-1].number + 1
}

// append creates the next segment. ErrLost means that somebody else created it.
func (j *Journal) append(ctx context.Context, h header, verdicts []verdict.Verdict) error {
	h.Segment, h.Run, h.Owner = j.nextSegment(), j.record.Run, j.claim.Owner
	key, b := segmentKey(j.claim.Batch, h.Segment), encode(h, verdicts)
	_, err := objects.CreateBytes(ctx, j.store, key, b)
	if errors.Is(err, objects.ErrExists) {
		// A store that retries by itself may meet its own first attempt.
		there, _, rerr := objects.Read(ctx, j.store, key, maxSegment)
		if rerr != nil {
			return rerr
		}
		if !bytes.Equal(there, b) {
			return ErrLost
		}
		err = nil
	}
	if err != nil {
		return err
	}
	j.segments = append(j.segments, summarize(h, verdicts))
	j.mu.Lock()
	defer j.mu.Unlock()
	j.through = max(j.through, h.SentThrough)
	return nil
}

// Record is the batch as this worker knows it.
func (j *Journal) Record() Record {
	j.flushing.Lock()
	defer j.flushing.Unlock()
	return j.record
}

// Settled reports whether row needs nothing more in this run.
func (j *Journal) Settled(row int) bool { return j.settled.has(row) }

// InDoubt reports whether row may have been sent by somebody else, so that it must be read back before it is sent.
// It speaks of what was known when the journal was opened.
func (j *Journal) InDoubt(row int) bool {
	return (row > j.foreign.After && row <= j.foreign.Through) || j.doubt.has(row)
}

// Through is the last row that may be sent without flushing again.
func (j *Journal) Through() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.through
}

// LeaseUntil is when others may take the batch over.
func (j *Journal) LeaseUntil() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.until
}

// Settle notes verdicts; they are durable after the next Flush.
func (j *Journal) Settle(v ...verdict.Verdict) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.pending = append(j.pending, v...)
}

// Count adds to the calls that the record reports.
func (j *Journal) Count(c Calls) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls.Bulk += c.Bulk
	j.calls.Reads += c.Reads
}

// Pending is how many verdicts wait for the next Flush.
func (j *Journal) Pending() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.pending)
}

// Flush makes everything settled so far durable, permits rows up to through to be sent, and renews the lease.
// ErrLost means that the batch belongs to somebody else now.
func (j *Journal) Flush(ctx context.Context, through int) error {
	return j.flush(ctx, header{SentThrough: max(through, j.Through())}, func(*Record) {})
}

func (j *Journal) flush(ctx context.Context, h header, change func(*Record)) error {
	j.flushing.Lock()
	defer j.flushing.Unlock()
	verdicts := j.take()
	if err := j.append(ctx, h, verdicts); err != nil {
		return err
	}
	return j.update(ctx, func(r *Record) {
		if len(verdicts) > 0 {
			r.Advanced, r.Trouble = j.claim.Owner, nil
		}
		change(r)
	})
}

func (j *Journal) take() []verdict.Verdict {
	j.mu.Lock()
	defer j.mu.Unlock()
	v := j.pending
	j.pending = make([]verdict.Verdict, 0, len(v)) // the next are about as many
	return v
}

// update changes the record and renews the lease. Only the holder changes a record, so a record that changed under us
// has another holder.
func (j *Journal) update(ctx context.Context, change func(*Record)) error {
	j.mu.Lock()
	j.record.Calls.Bulk += j.calls.Bulk
	j.record.Calls.Reads += j.calls.Reads
	j.calls = Calls{}
	j.mu.Unlock()
	now := j.claim.Clock.Now()
	j.record.Lease, j.record.Seen = j.lease(now), now
	change(&j.record)
	want := j.record.bytes()
	err := j.write(ctx)
	if !errors.Is(err, objects.ErrChanged) {
		return err
	}
	there, info, rerr := objects.Read(ctx, j.store, recordKey(j.claim.Batch), 1<<20)
	if rerr != nil {
		return rerr
	}
	if !bytes.Equal(there, want) {
		return ErrLost
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.etag, j.until = info.ETag, j.record.Lease.Until
	return nil
}

// Report says that every row was reached, or why the batch stopped before the end. From here on the verdicts of this
// run do not change; only its report is missing.
func (j *Journal) Report(ctx context.Context, rows int, reason string) error {
	j.flushing.Lock()
	defer j.flushing.Unlock()
	return j.update(ctx, func(r *Record) {
		r.Status, r.Reason, r.Rows, r.Trouble = Reporting, reason, rows, nil
		r.Finished = j.claim.Clock.Now()
	})
}

// Finish says that the report is out, where it stands and what it counts, and lets the batch go.
func (j *Journal) Finish(ctx context.Context, prefix string, counts verdict.Counts) error {
	j.flushing.Lock()
	defer j.flushing.Unlock()
	if now := j.claim.Clock.Now(); (Record{Counts: counts}).Unsettled() {
		if err := j.schedule(ctx, now); err != nil {
			return err
		}
	}
	return j.update(ctx, func(r *Record) {
		r.Status, r.Prefix, r.Counts, r.Lease = Finished, prefix, counts, Lease{}
		if r.Reason != "" {
			r.Status = Stopped
		}
	})
}

// Release flushes and lets the batch go unfinished, so that the next worker need not wait for the lease to run out.
// The rows in doubt are those that this worker may have sent and not settled, of those up to the last one that it has
// taken up; beyond that it left everything as it was. trouble is what the next worker should know of upstream; nil: nothing.
func (j *Journal) Release(ctx context.Context, inDoubt []int, last int, trouble *Trouble) error {
	d := Doubt{Rows: inDoubt, After: max(last, j.foreign.After), Through: j.foreign.Through, Known: last}
	if d.Through <= d.After {
		d.After, d.Through = 0, 0
	}
	return j.flush(ctx, header{Doubt: &d}, func(r *Record) { r.Lease, r.Trouble = Lease{}, trouble })
}
