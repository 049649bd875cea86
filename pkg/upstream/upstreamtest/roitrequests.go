package upstreamtest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"
	"unicode"
)

// ROITRequest is one request to begin with.
type ROITRequest struct {
	IntegrationID string   // DefaultIntegration when empty
	RequestID     string   // told apart from others to the letter
	Status        string   // one of RequestStatuses; ERROR when empty
	Then          []string // what its runs end in, the last one again and again; ROIT.Then when empty. Unknown statuses are told as they are
	Entity        string   // DOCUMENT when empty
	Type          string   // NFE when empty
	Reference     string   // what status calls must name; any will do when empty
	Message       string   // of whoever brought it into that status
}

// Run is one reprocess that was carried out.
type Run struct {
	At   time.Time
	From string // status before it
	End  string // status it ended in; empty while it has not
}

// RequestTruth is what really happened to a request, whatever the answers said.
type RequestTruth struct {
	IntegrationID string
	RequestID     string
	Status        string // empty for a request that does not exist
	Applied       int    // how often reprocess was carried out
	Doubles       int    // how many of these found it in PROCESSING or DONE: it may have been booked twice
	Asked         int    // how often reprocess was called for it, whatever fault, token or state turned the call away
	Callbacks     int    // callbacks about it that were accepted (2xx), duplicates included
	Updates       int    // status calls carried out
	HandedOut     int    // how often pending returned it
	Message       string // of the last status call
	Runs          []Run  // every reprocess carried out, oldest first
}

// Entities are what a request can be about.
var Entities = []string{"DOCUMENT", "ACCOUNTS_PAYABLE", "PURCHASE_ORDER", "ERP_PARAMS", "SUPPLIER", "GENERIC",
	"TAX_VALIDATION", "DOCUMENT_REVERSE", "SERVICE_ENTRY_SHEET"}

// requestName is what tells requests apart.
type requestName struct {
	RequestID     string `json:"requestId"`
	IntegrationID string `json:"integrationId"`
}

// request is one request while the server runs; roit.mu guards it.
type request struct {
	ROITRequest        // as it began
	at          int    // its place in roit.order
	now         string // its status
	message     string
	luck        chance
	runs        []Run

	asked, doubles, callbacks, updates, handedOut int

	entryReference   *float64 // what the ERP reported last, and so on
	entryDate        string
	metadata, system map[string]any
}

// AddRequests brings requests into being, or into another state when they are known. What happened to a known one is
// forgotten, and its callbacks no longer come.
func (s *Server) AddRequests(requests ...ROITRequest) error {
	for _, one := range requests {
		if err := one.complete(s.roit.cfg); err != nil {
			return fmt.Errorf("request %q: %w", one.RequestID, err)
		}
		s.roit.place(one)
	}
	return nil
}

func (r *ROITRequest) complete(cfg ROIT) error {
	r.IntegrationID, r.Status = cmp.Or(r.IntegrationID, DefaultIntegration), cmp.Or(r.Status, isError)
	r.Entity, r.Type = cmp.Or(r.Entity, Entities[0]), cmp.Or(r.Type, "NFE")
	if r.Then = slices.Clone(r.Then); len(r.Then) == 0 {
		r.Then = cfg.Then
	}
	return cmp.Or(
		checkName("requestId", r.RequestID),
		checkName("integrationId", r.IntegrationID),
		known("status", r.Status, RequestStatuses),
		known("entity", r.Entity, Entities),
		checkThen(r.Then),
	)
}

// checkName wants a word: ids may hold any characters but spaces and controls.
func checkName(what, name string) error {
	switch {
	case name == "":
		return errors.New("it has no " + what)
	case strings.ContainsFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }):
		return fmt.Errorf("%s %q: want no spaces and no control characters", what, name)
	}
	return nil
}

func checkThen(then []string) error {
	for _, status := range then {
		if err := checkName("status to end in", status); err != nil {
			return err
		}
	}
	return nil
}

func known(what, got string, all []string) error {
	if slices.Contains(all, got) {
		return nil
	}
	return fmt.Errorf("%s %q is none of %s", what, got, strings.Join(all, ", "))
}

func (x *roit) place(one ROITRequest) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.put(one)
}

// put lets a complete request take the place of the one of its name, or the last place.
func (x *roit) put(one ROITRequest) *request {
	name := requestName{one.RequestID, one.IntegrationID}
	fresh := &request{
		ROITRequest: one, at: len(x.order), now: one.Status, message: one.Message,
		luck: x.luck.ofText(one.IntegrationID).ofText(one.RequestID),
	}
	if old := x.requests[name]; old != nil {
		fresh.at = old.at
		x.order[old.at] = fresh
	} else {
		x.order = append(x.order, fresh)
	}
	x.requests[name] = fresh
	return fresh
}

// name is what calls call it.
func (r *request) name() requestName { return requestName{r.RequestID, r.IntegrationID} }

// meet is a request; one that nobody added comes into being in Auto mode and is nil otherwise.
func (x *roit) meet(name requestName) *request {
	if r := x.requests[name]; r != nil || !x.cfg.Auto {
		return r
	}
	one := ROITRequest{IntegrationID: name.IntegrationID, RequestID: name.RequestID}
	if one.complete(x.cfg) != nil {
		return nil
	}
	return x.put(one)
}

// AddRequestsCSV adds the requests of a CSV file with a heading row: requestId, and if present integrationId, status, then,
// entity, type, reference and message. Several statuses in then are joined with "+". It tells how many there were.
func (s *Server) AddRequestsCSV(file io.Reader) (int, error) {
	return readCSV(file, s.requestRows)
}

// requestRows reads a heading and gives a function that adds what the rows below it say.
func (s *Server) requestRows(heading []string) (func(row []string) error, error) {
	id, integration, status := column(heading, "requestId"), column(heading, "integrationId"), column(heading, "status")
	then, entity, kind := column(heading, "then"), column(heading, "entity"), column(heading, "type")
	reference, message := column(heading, "reference"), column(heading, "message")
	if id(heading) == "" {
		return nil, fmt.Errorf("seed file: no column requestId among %s", strings.Join(heading, ", "))
	}
	return func(row []string) error {
		return s.AddRequests(ROITRequest{
			RequestID: id(row), IntegrationID: integration(row), Status: status(row), Then: splitStatuses(then(row)),
			Entity: entity(row), Type: kind(row), Reference: reference(row), Message: message(row),
		})
	}, nil
}

func splitStatuses(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == '+' || unicode.IsSpace(r) })
}

// RequestTruth tells what really happened to a request; an empty integration is DefaultIntegration. Without Auto, a request
// nobody added has an empty Status.
func (s *Server) RequestTruth(integrationID, requestID string) RequestTruth {
	name := requestName{requestID, cmp.Or(integrationID, DefaultIntegration)}
	s.roit.mu.Lock()
	defer s.roit.mu.Unlock()
	r := s.roit.meet(name)
	if r == nil {
		return RequestTruth{IntegrationID: name.IntegrationID, RequestID: name.RequestID}
	}
	return r.truth()
}

// RequestTruths yields every request that was added or asked for, in the order in which they came. It may run beside calls.
func (s *Server) RequestTruths() iter.Seq[RequestTruth] {
	return func(yield func(RequestTruth) bool) {
		for n := 0; ; n++ {
			truth, ok := s.roit.truthAt(n)
			if !ok || !yield(truth) {
				return
			}
		}
	}
}

func (x *roit) truthAt(n int) (RequestTruth, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if n >= len(x.order) {
		return RequestTruth{}, false
	}
	return x.order[n].truth(), true
}

func (r *request) truth() RequestTruth {
	return RequestTruth{
		IntegrationID: r.IntegrationID, RequestID: r.RequestID, Status: r.now,
		Applied: len(r.runs), Doubles: r.doubles, Asked: r.asked, Callbacks: r.callbacks, Updates: r.updates,
		HandedOut: r.handedOut, Message: r.message, Runs: slices.Clone(r.runs),
	}
}
