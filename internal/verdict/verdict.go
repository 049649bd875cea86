// Package verdict is what denybatch says about one row of a spreadsheet.
package verdict

import "time"

// Result is the one word that settles a row (design, section 3).
type Result string

// Every result a row of a denial batch can have.
const (
	Denied        Result = "denied"         // upstream confirmed status 220 in this batch
	AlreadyDenied Result = "already_denied" // it was denied before this batch reached it
	Rejected      Result = "rejected"       // upstream refused this document
	Invalid       Result = "invalid"        // failed local checks, never sent
	Duplicate     Result = "duplicate"      // the document stands on an earlier row of this file
	Skipped       Result = "skipped"        // a report dropped back in says this row is done
	Unknown       Result = "unknown"        // sent, and nothing tells what happened
	NotSent       Result = "not_sent"       // the batch stopped before this row
	WouldSend     Result = "would_send"     // dry run only
)

// Results lists every result in the order in which reports count them.
var Results = []Result{Denied, AlreadyDenied, Rejected, Invalid, Duplicate, Skipped, Unknown, NotSent, WouldSend}

// Every further result a request can have that ROIT is to reprocess.
const (
	Accepted    Result = "accepted"     // ROIT took the request; the status is the one that it answered
	AlreadyDone Result = "already_done" // ROIT said before that it is done
	Refused     Result = "refused"      // ROIT would not reprocess it
	Exhausted   Result = "exhausted"    // it failed after as many attempts as are allowed; somebody must look
)

// RequestResults lists every result that a line of a sweep's report can have, in the order in which reports count them.
var RequestResults = []Result{Accepted, AlreadyDone, Refused, Invalid, Duplicate, Unknown, NotSent, Exhausted}

// Settled reports whether a row with this result needs nothing more, by the batch or by a person.
func (r Result) Settled() bool {
	return r == Denied || r == AlreadyDenied || r == Skipped || r == Duplicate
}

// Provisional reports whether a later run of the same batch tries the row again by itself.
func (r Result) Provisional() bool { return r == Unknown || r == NotSent }

// Verdict is what is known about one row. The zero Result means that nothing is known yet.
type Verdict struct {
	Row     int       // the row's number in the source file, counted from 1 as a spreadsheet program shows it
	DocID   string    // the document it is about; empty where the row names none
	Result  Result    //
	Status  string    // the document's status code at upstream, such as "220"; empty when not known
	Code    string    // upstream's error code, such as "err-incorrect-update-action", or a local one; may be empty
	Message string    // one sentence for a person; may be empty
	At      time.Time // when it was settled, UTC; zero when it was never sent
}

// Counts is how many rows have each result. A result that no row has is absent or 0.
type Counts map[Result]int

// Total is the number of rows counted.
func (c Counts) Total() int {
	n := 0
	for _, k := range c {
		n += k
	}
	return n
}
