// Package journal keeps what is already known about a batch, so that a new worker can go on where another one died.
//
// A batch has one record, batches/<batch>/batch.json, changed by compare-and-swap, and an append-only list of segments,
// batches/<batch>/verdicts/<n>.jsonl. A segment is created, never replaced: two workers that write the same number
// find out at once, and the one that lost stops. So a worker whose lease ran out unnoticed cannot do harm for long.
//
// Every segment also says how far the batch may have been sent ("sent_through"), and it says so before a row
// beyond that is sent. A worker that takes over therefore knows which rows are in doubt without one record per call.
package journal

import (
	"encoding/json"
	"fmt"
	"time"

	"denybatch/internal/verdict"
)

// Status is where a batch stands.
type Status string

// The states of a batch, in the order in which it passes them.
const (
	Running   Status = "running"   // rows are being settled
	Reporting Status = "reporting" // every row is settled; the report is being published
	Finished  Status = "finished"  // the report is out and every row was reached
	Stopped   Status = "stopped"   // the report is out, but the batch stopped before the end
	Refused   Status = "refused"   // nothing was sent: the file cannot be a batch; the report says why
	Failed    Status = "failed"    // workers failed until nobody tries any more; [Record.Failure] says why
)

// Over reports whether this run of the batch has ended with its report published.
func (s Status) Over() bool { return s == Finished || s == Stopped || s == Refused }

// Source is the file that a batch was made from.
type Source struct {
	Bucket  string `json:"bucket"`
	Key     string `json:"key"`
	Version string `json:"version,omitempty"` // the store's, or the ETag where it keeps none
	ETag    string `json:"etag,omitempty"`
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size"`
}

// Lease says who works on a batch and until when others keep their hands off.
type Lease struct {
	Owner string    `json:"owner,omitempty"`
	Until time.Time `json:"until,omitzero"`
}

// Calls counts requests to upstream over all workers of all runs, as far as they were journalled.
type Calls struct {
	Bulk  int `json:"bulk"`
	Reads int `json:"reads"`
}

// Record is batch.json.
type Record struct {
	Batch     string         `json:"batch"`
	Source    Source         `json:"source"`
	Org       string         `json:"org"`
	Status    Status         `json:"status"`
	Reason    string         `json:"reason,omitempty"`  // why it stopped before the end, or was refused
	Failure   string         `json:"failure,omitempty"` // what went wrong last, if the worker could not go on
	Was       Status         `json:"was,omitempty"`     // the status before Failed, to which a further attempt returns
	Run       int            `json:"run"`               // counted from 1; a reopened batch starts the next
	Began     time.Time      `json:"began"`             // of the first run: what "changed since the batch began" refers to
	Finished  time.Time      `json:"finished,omitzero"`
	Rows      int            `json:"rows"`
	Counts    verdict.Counts `json:"counts,omitempty"` // of the run that ended last
	Calls     Calls          `json:"calls"`
	Workers   int            `json:"workers"`             // how many workers have held the lease
	Advanced  string         `json:"advanced,omitempty"`  // the worker that journalled a verdict last
	Prefix    string         `json:"prefix,omitempty"`    // below which the report of the run that ended last stands
	Announced int            `json:"announced,omitempty"` // the run whose end was announced last
	Seen      time.Time      `json:"seen,omitzero"`       // the last sign of life of whoever works on it
	Ordered   *Order         `json:"ordered,omitempty"`   // the last time that a sweep had it gone on with
	Trouble   *Trouble       `json:"trouble,omitempty"`   // with upstream, when a worker handed over
	Told      int            `json:"told,omitempty"`      // the run after which a sweep said that it gives the batch up
	Lease     Lease          `json:"lease"`
}

// Unsettled reports whether another run of the batch has something to do.
func (r Record) Unsettled() bool {
	return r.Counts[verdict.Unknown]+r.Counts[verdict.NotSent] > 0
}

// standing is the status to which a further attempt returns.
func (r Record) standing() Status {
	if r.Status == Failed && r.Was != "" {
		return r.Was
	}
	return r.Status
}

// Reopens reports whether that run of the batch is the next, and has something to do.
func (r Record) Reopens(run int) bool {
	return run > 0 && (Claim{Reopen: true, Next: run}).reopens(r)
}

// Kind is what batches are called in the due index.
const Kind = "batch"

// Trouble is how upstream has treated a batch of late, so that a worker with little time does not begin to be patient anew.
type Trouble struct {
	Good     time.Time `json:"good"`               // when it last answered sensibly
	Failures int       `json:"failures,omitempty"` // since, in a row
	Refusals int       `json:"refusals,omitempty"` // since, for asking too much
}

// Order is a sweep's word that a batch be gone on with.
type Order struct {
	Run   int       `json:"run"`
	At    time.Time `json:"at"`
	Times int       `json:"times"` // in a row, for this run, without a sign of life since
}

// Again is the next word for a run; o is the one before, or nil, and seen the batch's last sign of life.
func (o *Order) Again(run int, at, seen time.Time) *Order {
	next := &Order{Run: run, At: at.UTC(), Times: 1}
	if o != nil && o.Run == run && seen.Before(o.At) {
		next.Times = o.Times + 1
	}
	return next
}

// Patience is how long batches are left alone.
type Patience struct {
	Lease  time.Duration // after the last sign of life of one that was handed over; longer than a message may wait in a queue
	Reopen time.Duration // after the second run of one with unknown or not_sent rows, doubling with each further run; after the first there is no need to wait
	Runs   int           // as often as this a batch is run, until somebody must look
}

// DefaultPatience is what sweeps have.
var DefaultPatience = Patience{Lease: 20 * time.Minute, Reopen: 15 * time.Minute, Runs: 5}

const longestRest = 24 * time.Hour

// Due is when a sweep should look after a batch; the zero time is never. One that has failed or was refused is somebody's to
// look at, and one whose rows are settled is nobody's.
func (r Record) Due(p Patience) time.Time {
	var at time.Time
	switch {
	case r.Status == Running || r.Status == Reporting:
		if at = r.Lease.Until; r.Lease.Owner == "" {
			at = r.Seen.Add(p.Lease)
		}
	case r.GivenUp(p) && r.Told >= r.Run, r.Status != Finished && r.Status != Stopped, !r.Unsettled():
		return time.Time{}
	case r.GivenUp(p):
		return r.Finished
	default:
		at = r.Finished
		if r.Run > 1 {
			at = at.Add(doubled(p.Reopen, r.Run-2))
		}
	}
	if r.Ordered != nil && r.Ordered.Run >= r.Run {
		at = later(at, r.Ordered.At.Add(doubled(p.Lease, r.Ordered.Times-1)))
	}
	return at
}

// GivenUp reports whether the batch has had as many runs as it may, and there are still unknown or not_sent rows.
func (r Record) GivenUp(p Patience) bool {
	return (r.Status == Finished || r.Status == Stopped) && r.Unsettled() && r.Run >= p.Runs
}

// doubled is d, doubled so many times, within a day.
func doubled(d time.Duration, times int) time.Duration {
	for range min(times, 30) {
		d = min(2*d, longestRest)
	}
	return d
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func recordKey(batch string) string     { return "batches/" + batch + "/batch.json" }
func segmentPrefix(batch string) string { return "batches/" + batch + "/verdicts/" }
func segmentKey(batch string, n int) string {
	return fmt.Sprintf("%s%08d.jsonl", segmentPrefix(batch), n)
}

func (r Record) bytes() []byte {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		panic(err) // nothing in a Record can fail to marshal
	}
	return append(b, '\n')
}
