package upstreamtest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Kind is what a call asks for.
type Kind string

const (
	Bulk    Kind = "bulk"    // deny documents
	Read    Kind = "read"    // one document
	Login   Kind = "login"   // a new session
	Refresh Kind = "refresh" // a new token for a session; faults count it as a login
	Logout  Kind = "logout"
	Unknown Kind = "unknown" // anything else

	Reprocess   Kind = "reprocess"   // a request of ROIT
	Status      Kind = "status"      // move a request to another status
	Pending     Kind = "pending"     // hand out requests, which moves them to PROCESSING
	Attachments Kind = "attachments" // of a request
	ROITToken   Kind = "token"       // a new token of ROIT
	Callback    Kind = "callback"    // made by the server; it has no part in the count of all requests
)

// Call is one call and what became of it.
type Call struct {
	Kind      Kind
	Number    int // among the calls of its kind, from 1; refreshes and logins are counted together
	Documents int // named in it
	Applied   int // denials applied by it, or 1 for a reprocess that was carried out
	Status    int // HTTP status meant for it, before faults that took the answer's place; of a callback, what the client answered
	Code      string
	Faults    string // names of those that fired, joined with "+"
	At        time.Time

	Integration string `json:",omitzero"` // of a call to ROIT or a callback
	Request     string `json:",omitzero"` // named in it
	About       string `json:",omitzero"` // status that it asks for or tells, if it does
	Requests    int    `json:",omitzero"` // handed out by it
}

// String is one line for people.
func (c Call) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d: ", c.Kind, c.Number)
	b.WriteString(c.subject())
	if c.Status == 0 {
		b.WriteString("no answer")
	} else {
		fmt.Fprintf(&b, "HTTP %d", c.Status)
	}
	if c.Code != "" {
		b.WriteString(" " + c.Code)
	}
	if c.Faults != "" {
		b.WriteString(" [" + c.Faults + "]")
	}
	return b.String()
}

// subject is what it asked for and what was done about it.
func (c Call) subject() string {
	switch {
	case c.Kind == Bulk:
		return fmt.Sprintf("%d documents, %d denied, ", c.Documents, c.Applied)
	case c.Kind == Pending:
		return fmt.Sprintf("%d requests, ", c.Requests)
	case c.Kind == Reprocess && c.Applied > 0:
		return c.Request + " carried out, "
	case c.Request != "":
		return strings.TrimSpace(c.Request+" "+c.About) + ", "
	}
	return ""
}

// Counters are what the server was asked so far.
type Counters struct {
	BulkCalls     int // every one that arrived, refused ones included
	BulkDocuments int // documents in them
	Applied       int // denials applied
	DoubleDenials int // denials applied to a document that was denied already
	Reads         int
	Logins        int
	Refreshes     int
	Logouts       int
	Violations    int // requests that break the protocol

	ReprocessCalls    int // every one that arrived, refused ones included
	Reprocessed       int // those that were carried out
	DoubleReprocesses int // those that were carried out on a request in PROCESSING or DONE
	StatusCalls       int
	PendingCalls      int
	HandedOut         int // requests in their answers
	AttachmentCalls   int
	ROITTokenCalls    int
	CallbackCalls     int // made by the server, repeated ones included
	CallbacksAccepted int // answered 2xx
}

// book is the log of calls.
type book struct {
	mu         sync.Mutex
	counters   Counters
	numbers    map[Kind]int
	total      int
	calls      latest[Call]
	keep       int
	violations []string
}

// Counters tells what the server was asked so far.
func (s *Server) Counters() Counters {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	return s.book.counters
}

// Calls are the calls so far, oldest first; only the last Config.Keep of them.
func (s *Server) Calls() []Call {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	return s.book.calls.all()
}

// Violations say what in the requests broke the protocol, one sentence each; only the first Config.Keep of them.
func (s *Server) Violations() []string {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	return append([]string(nil), s.book.violations...)
}

// open numbers a call that arrives.
func (b *book) open(kind Kind) (number, total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.numbers == nil {
		b.numbers = make(map[Kind]int)
	}
	if kind != Callback {
		b.total++
	}
	if kind == Refresh {
		kind = Login
	}
	b.numbers[kind]++
	return b.numbers[kind], b.total
}

// enter writes a call into the log.
func (b *book) enter(c Call, doubles int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.counters.count(c, doubles)
	b.calls.add(c, b.keep)
}

// latest is the last of many things: the oldest is at next once it is full.
type latest[T any] struct {
	things []T
	next   int
}

// add keeps one more thing, of keep at most.
func (l *latest[T]) add(one T, keep int) {
	if len(l.things) < keep {
		l.things = append(l.things, one)
		return
	}
	l.things[l.next] = one
	l.next = (l.next + 1) % keep
}

// all is a copy of them, oldest first.
func (l *latest[T]) all() []T {
	return append(append([]T(nil), l.things[l.next:]...), l.things[:l.next]...)
}

func (n *Counters) count(c Call, doubles int) {
	switch c.Kind {
	case Bulk:
		n.BulkCalls++
		n.BulkDocuments += c.Documents
		n.Applied += c.Applied
		n.DoubleDenials += doubles
	case Read:
		n.Reads++
	case Login:
		n.Logins++
	case Refresh:
		n.Refreshes++
	case Logout:
		n.Logouts++
	default:
		n.countROIT(c, doubles)
	}
}

func (n *Counters) countROIT(c Call, doubles int) {
	switch c.Kind {
	case Reprocess:
		n.ReprocessCalls++
		n.Reprocessed += c.Applied
		n.DoubleReprocesses += doubles
	case Status:
		n.StatusCalls++
	case Pending:
		n.PendingCalls++
		n.HandedOut += c.Requests
	case Attachments:
		n.AttachmentCalls++
	case ROITToken:
		n.ROITTokenCalls++
	case Callback:
		n.CallbackCalls++
		if c.Status/100 == 2 {
			n.CallbacksAccepted++
		}
	}
}

// violation notes a request that breaks the protocol.
func (s *Server) violation(r *http.Request, what string) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	s.book.counters.Violations++
	if len(s.book.violations) < s.book.keep {
		s.book.violations = append(s.book.violations, r.Method+" "+r.URL.Path+": "+what)
	}
}
