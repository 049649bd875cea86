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
	Version string `json:"version,omitempty"`
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
	Lease     Lease          `json:"lease"`
}

// Unsettled reports whether another run of the batch has something to do.
func (r Record) Unsettled() bool {
	return r.Counts[verdict.Unknown]+r.Counts[verdict.NotSent] > 0
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
