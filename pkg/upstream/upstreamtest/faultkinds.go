package upstreamtest

import (
	"slices"
	"time"
)

// FaultHelp is the grammar of fault texts and the list of faults, for people.
const FaultHelp = `A fault text is a list of rules: [KIND.]NAME[=SHARE][@CALLS][:PARAM[=VALUE]]... with commas between them.

  SHARE   of the calls it hits, from 0 to 1; 1 when left out
  CALLS   the calls it may hit, counted from 1: numbers, ranges 5-9 and open ranges 5-, with semicolons between them
  KIND    which calls: bulk ones without a prefix, read. for reads, login. for logins and refreshes, and of ROIT
          reprocess., status., pending., attachments., token. for its token, callback. for what it calls itself

All rules that fire on a call work together; of those that answer in its place, the first one does.

  instead of carrying out the call
    429                 too many requests; retry-after=SECONDS, and date to write that as an HTTP date
    500 502 503 504     an HTML error page; retry-after=SECONDS; with after, only once the call was carried out
    5xx                 one of the first three
    413                 too large, for calls above items=N documents or bytes=N of body
    drop                the connection is closed
    expire              the token has expired (403, at ROIT 401), for this call or, with calls=N, once it served N calls
    down                the connection is closed, whatever was asked: counts all requests together;
                        with for=DURATION the port is closed that long and connections are refused
  once the call was carried out
    lost                the connection is closed before the answer's first byte; reset does so with a TCP reset
    cut                 the connection is closed in the middle of the answer's body
    truncated           the answer's JSON ends in the middle
    foreign             200 {"hello":"world"}
    html                200 with an HTML page
    slow                the answer waits delay=DURATION or delay=DURATION-DURATION (1s when left out)
    missing             n=N items are missing from the answer (1 when left out)
    shuffle             the items stand in another order
    extra               n=N items about documents nobody asked for are added (1 when left out)

Of these, callbacks know drop (it never comes), lost (it comes, but its answer does not), truncated, foreign and html (of its
body) and slow (it comes late). The last three of the list befall bulk calls only.

Example: lost=0.05,429=0.02:retry-after=1,5xx@3;7,read.500@1-3,missing=0.01,shuffle,slow=0.1:delay=50ms-2s,reprocess.lost=0.05
`

// Faults are rules about what goes wrong. The zero Faults are none.
type Faults struct {
	spec  string
	rules []rule
}

// String is the text the faults were parsed from.
func (f Faults) String() string { return f.spec }

// rule is one fault and when it fires.
type rule struct {
	faultKind
	name       string // as written, prefix included
	kind       Kind
	share      float64
	calls      []span
	retryAfter int // seconds; -1 when not said
	date       bool
	n          int
	items      int
	bytes      int
	tokenCalls int
	delay      [2]time.Duration // from, to
	outage     time.Duration
}

// span is a range of call numbers, both ends included.
type span struct{ from, to int }

// faultKind is what all rules of one name have in common.
type faultKind struct {
	id     faultID
	stage  stage
	params []string
	only   []Kind // kinds of calls it makes sense for; all but callbacks when empty
	called bool   // callbacks know it, too
}

// befalls tells whether the fault makes sense for that kind of call.
func (k faultKind) befalls(kind Kind) bool {
	if kind == Callback {
		return k.called
	}
	return len(k.only) == 0 || slices.Contains(k.only, kind)
}

// faultPrefixes are the kinds of calls that faults can name; of the other calls, only those of bulk have any.
var faultPrefixes = []Kind{Read, Login, Reprocess, Status, Pending, Attachments, ROITToken, Callback}

type faultID string

const (
	tooMany   faultID = "429"
	anyError  faultID = "5xx"
	tooLarge  faultID = "413"
	drop      faultID = "drop"
	expire    faultID = "expire"
	down      faultID = "down"
	lost      faultID = "lost"
	reset     faultID = "reset"
	cut       faultID = "cut"
	truncated faultID = "truncated"
	foreign   faultID = "foreign"
	html      faultID = "html"
	slow      faultID = "slow"
	missed    faultID = "missing"
	shuffled  faultID = "shuffle"
	extra     faultID = "extra"
)

// stage is when a fault does its work.
type stage int

const (
	instead  stage = iota // of carrying out the call
	ending                // once the call was carried out, in place of its answer
	altering              // the answer, beside other faults
)

var serverError = faultKind{stage: instead, params: []string{"retry-after", "date", "after"}}

var faultKinds = map[faultID]faultKind{
	tooMany:   {stage: instead, params: []string{"retry-after", "date"}},
	anyError:  serverError,
	"500":     serverError,
	"502":     serverError,
	"503":     serverError,
	"504":     serverError,
	tooLarge:  {stage: instead, params: []string{"items", "bytes"}, only: []Kind{Bulk}},
	drop:      {stage: instead, called: true},
	expire:    {stage: instead, params: []string{"calls"}, only: []Kind{Bulk, Read, Reprocess, Status, Pending, Attachments}},
	down:      {stage: instead, params: []string{"for"}, only: []Kind{Bulk}},
	lost:      {stage: ending, called: true},
	reset:     {stage: ending},
	cut:       {stage: ending},
	truncated: {stage: ending, called: true},
	foreign:   {stage: ending, called: true},
	html:      {stage: ending, called: true},
	slow:      {stage: altering, params: []string{"delay"}, called: true},
	missed:    {stage: altering, params: []string{"n"}, only: []Kind{Bulk}},
	shuffled:  {stage: altering, only: []Kind{Bulk}},
	extra:     {stage: altering, params: []string{"n"}, only: []Kind{Bulk}},
}
