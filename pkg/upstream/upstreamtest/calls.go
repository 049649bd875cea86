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
)

// Call is one call and what became of it.
type Call struct {
	Kind      Kind
	Number    int // among the calls of its kind, from 1; refreshes and logins are counted together
	Documents int // named in it
	Applied   int // denials applied by it
	Status    int // HTTP status meant for it, before faults that took the answer's place
	Code      string
	Faults    string // names of those that fired, joined with "+"
	At        time.Time
}

// String is one line for people.
func (c Call) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %d: ", c.Kind, c.Number)
	if c.Kind == Bulk {
		fmt.Fprintf(&b, "%d documents, %d denied, ", c.Documents, c.Applied)
	}
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
}

// book is the log of calls.
type book struct {
	mu         sync.Mutex
	counters   Counters
	numbers    map[Kind]int
	total      int
	calls      []Call // the last keep of them, the oldest at next once it is full
	next       int
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
	at := s.book.next
	return append(append([]Call(nil), s.book.calls[at:]...), s.book.calls[:at]...)
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
	if b.total++; kind == Refresh {
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
	if len(b.calls) < b.keep {
		b.calls = append(b.calls, c)
		return
	}
	b.calls[b.next] = c
	b.next = (b.next + 1) % b.keep
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
