// Package request keeps what is known about each request that ROIT processes: what a person wanted, how often it was asked
// to be reprocessed, what came of that, and what ROIT has said since. The sweep and the callback both write these records,
// by compare-and-swap, and every rule about them stands here.
//
// To be asked twice may book an invoice twice, and ROIT does not promise otherwise (contracts/roit.md, sections 3.4 and 8).
// So an ask is noted before it is made, and its outcome after: an ask without an outcome is [Unknown] and never made again
// by itself. Only a callback or a person settles it.
package request

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"denybatch/internal/verdict"
)

// State is where a request stands.
type State string

// The states.
const (
	Noted     State = "noted"     // ROIT has spoken of it, and there is nothing to do
	Waiting   State = "waiting"   // a person wants it reprocessed; it is asked for when it is due
	Asking    State = "asking"    // ROIT is being asked; a worker that died meanwhile leaves it so
	Accepted  State = "accepted"  // ROIT took it and has not said yet how it went
	Failed    State = "failed"    // ROIT says that it failed; it is asked for again when it is due
	Done      State = "done"      // ROIT says that it is done
	Refused   State = "refused"   // ROIT would not reprocess it
	Unknown   State = "unknown"   // ROIT was asked, and nobody knows whether it heard
	Exhausted State = "exhausted" // it failed after as many asks as are allowed; somebody must look
)

// DataIntegration is the integration of requests that ROIT knows by a process id alone. They belong to a service that
// cannot reprocess, so they are only noted.
const DataIntegration = "data-integration"

const maxID = 128

// ID names a request.
type ID struct {
	Integration string `json:"integrationId"`
	Request     string `json:"requestId"`
}

func (id ID) String() string { return id.Integration + "/" + id.Request }

// Check says in one sentence why ROIT cannot know an id: it is empty, longer than 128 bytes, or holds white space or
// characters that cannot be seen (contracts/roit.md, section 8: they are not strict UUIDs).
func (id ID) Check() error {
	if err := checkPart("integration id", id.Integration); err != nil {
		return err
	}
	return checkPart("request id", id.Request)
}

func checkPart(what, s string) error {
	switch {
	case s == "":
		return fmt.Errorf("the %s is missing", what)
	case len(s) > maxID:
		return fmt.Errorf("the %s has %d bytes, and ROIT's have at most %d", what, len(s), maxID)
	case !utf8.ValidString(s):
		return fmt.Errorf("the %s is not UTF-8", what)
	case strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) || r == utf8.RuneError
	}):
		return fmt.Errorf("the %s holds white space or characters that cannot be seen", what)
	}
	return nil
}

// Key is where the record of a request stands.
func (id ID) Key() string { return "requests/" + id.Index() + ".json" }

// Index is the request's id in the due index.
func (id ID) Index() string { return segment(id.Integration) + "/" + segment(id.Request) }

// Same reports whether two ids name one request.
func (id ID) Same(other ID) bool { return id.Key() == other.Key() }

// segment makes a part of a key of an id. What looks like a UUID is compared as one, without regard to case.
func segment(id string) string {
	if uuidShaped(id) {
		id = strings.ToLower(id)
	}
	if strings.Trim(id, ".") == "" {
		return strings.ReplaceAll(id, ".", "%2E")
	}
	return url.PathEscape(id)
}

// ParseIndex gives back the id that [ID.Index] was made of, but for the case of a UUID.
func ParseIndex(text string) (ID, error) {
	integration, request, ok := strings.Cut(text, "/")
	a, err := url.PathUnescape(integration)
	if err != nil || !ok {
		return ID{}, fmt.Errorf("%q names no request", text)
	}
	b, err := url.PathUnescape(request)
	if err != nil {
		return ID{}, fmt.Errorf("%q names no request", text)
	}
	return ID{a, b}, nil
}

// uuidShaped reports whether id is written as a UUID is; ROIT's own examples hold letters beyond f.
func uuidShaped(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i, c := range []byte(id) {
		switch hyphen := i == 8 || i == 13 || i == 18 || i == 23; {
		case hyphen && c != '-', !hyphen && !('0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'):
			return false
		}
	}
	return true
}

// Record is requests/<integration>/<request>.json.
type Record struct {
	ID
	State   State     `json:"state"`
	Due     time.Time `json:"due,omitzero"`     // when a sweep must look at it; zero for never
	Asks    int       `json:"asks"`             // since the last word of a person
	Asked   int       `json:"asked"`            // in all
	Order   *Order    `json:"order,omitempty"`  // the last word of a person
	Ask     *Ask      `json:"ask,omitempty"`    // the last one
	Word    *Word     `json:"word,omitempty"`   // the one of ROIT's since the last ask that counts most
	Before  *Before   `json:"before,omitempty"` // what an ask that turns out not to have been made gives back
	Marks   []Mark    `json:"marks,omitempty"`  // the callbacks heard last
	History []Event   `json:"history"`          // the latest events, oldest first
}

// Order is a person's wish: a row of a spreadsheet.
type Order struct {
	File      string    `json:"file"` // tells one content of one file from every other
	Key       string    `json:"key"`  // of the file in the exchange
	Row       int       `json:"row"`
	Confirmed bool      `json:"confirmed,omitempty"` // ask, whatever is known
	At        time.Time `json:"at"`
}

// same reports whether two orders are one and the same row.
func (o *Order) same(other Order) bool {
	return o != nil && o.File == other.File && o.Row == other.Row
}

// Ask is one request to reprocess.
type Ask struct {
	Number  int            `json:"number"` // of all asks of this request, from 1
	Attempt int            `json:"attempt"`
	Sweep   string         `json:"sweep"`
	Worker  string         `json:"worker"`
	At      time.Time      `json:"at"`
	Ended   time.Time      `json:"ended,omitzero"`
	Result  verdict.Result `json:"result,omitempty"` // empty while nothing is known
	Status  string         `json:"status,omitempty"`
	Code    string         `json:"code,omitempty"`
	Message string         `json:"message,omitempty"`
}

// Before is what was known before an ask.
type Before struct {
	State State `json:"state"`
	Word  *Word `json:"word,omitempty"`
	Ask   *Ask  `json:"ask,omitempty"`
}

// Word is what ROIT says about a request, in a callback.
type Word struct {
	Status  string    `json:"status"` // as ROIT wrote it: DONE, ERROR, WARNING, PROCESSING, … or something unknown
	Message string    `json:"message,omitempty"`
	Said    time.Time `json:"said,omitzero"`     // by the envelope's timestamp; zero when it does not say or the number makes no sense
	Heard   time.Time `json:"heard"`             // when the callback arrived
	Mark    string    `json:"mark,omitempty"`    // identifies the callback: the same callback again has the same mark
	Stamped bool      `json:"stamped,omitempty"` // it carries something that tells two callbacks of different occasions apart
	Replay  bool      `json:"-"`                 // it was stored before and may have been applied already
}

// Mark says that a callback was heard after how many asks.
type Mark struct {
	Mark  string `json:"mark"`
	Asked int    `json:"asked"`
}

// Event is something that happened to a request.
type Event struct {
	At     time.Time `json:"at"`
	What   string    `json:"what"`
	Detail string    `json:"detail,omitempty"`
}

// How much a record remembers.
const (
	maxMarks   = 64
	maxHistory = 100
	maxText    = 500
)

func (r *Record) note(at time.Time, what, detail string) {
	r.History = append(r.History[max(0, len(r.History)-maxHistory+1):len(r.History):len(r.History)], Event{at.UTC(), what, short(detail)})
}

// short bounds a text from outside.
func short(s string) string {
	if len(s) <= maxText {
		return s
	}
	return strings.ToValidUTF8(s[:maxText], "") + "…"
}

// Policy is how patiently requests are asked for.
type Policy struct {
	Attempts int           // asks until somebody must look
	Backoff  time.Duration // from a failure to the second ask; doubling
}

const longestBackoff = 24 * time.Hour

// wait is how long a request rests after it failed for the asks-th time: up to a quarter more than its share, always the
// same for the same request, so that those which failed together do not all come back at once.
func (p Policy) wait(id ID, asks int) time.Duration {
	d := p.Backoff
	for range min(max(asks, 1)-1, 30) {
		d = min(2*d, longestBackoff)
	}
	h := fnv.New32a()
	fmt.Fprint(h, id.Key(), asks)
	return d + time.Duration(float64(d/4)*float64(h.Sum32())/(1<<32))
}
