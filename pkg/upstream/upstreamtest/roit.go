// The ROIT half. Documented (contracts/roit.md, section 3) are: the paths, that all calls are POSTs of JSON with the token
// in Authorization, the members of their bodies, the envelope and the model of an answer to reprocess and status, the
// statuses, that pending switches what it returns to PROCESSING, and that a token lives 8 hours.
// Everything else is a guess and therefore an option: what reprocess does to a request, which states allow it and how it
// ends, the token endpoint and the words before a token, refusals, and all about callbacks except that there are some.

package upstreamtest

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// ROIT is what the ROIT half is like. The zero ROIT knows DefaultROITToken, holds no requests and calls nobody back.
type ROIT struct {
	Token        string            // a token that is always good; DefaultROITToken when there is no TokenBody either
	AuthPrefix   string            // the word before the token in Authorization, such as Bearer; none when empty
	TokenPath    string            // where tokens are made; /roit/token when empty
	TokenBody    map[string]string // members that a body must have to get a token; nobody gets one when empty
	TokenField   string            // where the token stands in the answer, such as data.token; token when empty
	TokenLife    time.Duration     // of the tokens made; 8 hours when zero
	Unauthorized int               // HTTP status for a token that is not good, 401 or 403; 401 when zero

	CSV  io.Reader // requests to begin with, as AddRequestsCSV reads them; nil for none
	Auto bool      // requests nobody added exist, and are in ERROR
	Then []string  // what the runs of requests end in that do not say it themselves; DONE when empty

	Answers          string    // status that reprocess answers and leaves the request in; PROCESSING when empty
	Data             DataShape // of answers to reprocess and status; FullData when empty
	NewRequestID     bool      // reprocess answers a new requestId, and callbacks are about that
	RetryAfter       int       // retryAfter of every answer; its unit is not documented
	RefuseDone       bool      // requests in DONE are not reprocessed
	RefuseProcessing bool      // requests in PROCESSING are not reprocessed
	RefuseStatus     int       // HTTP status for calls that a request's state forbids, 409 or 400; 409 when zero
	PendingLimit     int       // requests that one call of pending returns at most; 0 is no limit

	CallbackURL      string        // where it is told how runs end; on this machine only, and see SetCallback. Nowhere when empty
	CallbackToken    string        // what callbacks carry; nothing when empty
	CallbackHeader   string        // "Name" or "Name: Word <token>", such as X-Callback-Token; Authorization when empty
	CallbackForm     CallbackForm  // of their bodies; BareCallback when empty
	CallbackAfter    time.Duration // from a reprocess to the end of the run and its callback; 50ms when zero, negative is never
	CallbackTimes    int           // how often each callback is delivered; once when zero
	CallbackProgress bool          // a callback that says PROCESSING comes before the one that says how the run ended
	CallbackShuffle  bool          // the callbacks of one run come in any order
	CallbackPause    time.Duration // before a callback that was not accepted is sent again, doubling; 200ms when zero
	CallbackClient   *http.Client  // sends callbacks, such as into a synctest bubble; one for this machine only when nil
}

// Who may call a server, about what, when its Config does not say; and what a callback carries then at the command line.
const (
	DefaultIntegration   = "9f3d2c1b-7a60-4e58-b1d4-3c2a1f0e9d08"
	DefaultROITToken     = "simulated-roit-token"
	DefaultCallbackToken = "simulated-callback-token"
)

// DataShape is how much of the documented model stands in an answer's data.
type DataShape string

const (
	FullData   DataShape = "full"   // every field
	SparseData DataShape = "sparse" // only fields that are not optional, and no other field beside data
	NullData   DataShape = "null"   // data is null
	NoData     DataShape = "none"   // there is no data
)

// CallbackForm is the body of callbacks.
type CallbackForm string

const (
	BareCallback     CallbackForm = "bare"     // the model of the request
	EnvelopeCallback CallbackForm = "envelope" // the model inside {timestamp,status,message,data}
	ProcessCallback  CallbackForm = "process"  // processUniqueId and processStatus, as in the data integration
)

// RequestStatuses are all documented statuses of a request.
var RequestStatuses = []string{"PROCESSING", "RECEIVED", "PENDING", "ERROR", "DONE", "WARNING"}

const (
	isProcessing = "PROCESSING"
	isReceived   = "RECEIVED"
	isPending    = "PENDING"
	isError      = "ERROR"
	isDone       = "DONE"
	isWarning    = "WARNING"
)

const (
	roitPath         = "/ibs-core-entrypoint/api/v1/entrypoint/requests"
	tokenLife        = 8 * time.Hour
	largestROITBody  = 1 << 20
	defaultTokenPath = "/roit/token"
)

// roit is the ROIT half of a server.
type roit struct {
	server  *Server
	cfg     ROIT
	luck    chance
	tokens  sessions
	caller  caller
	errands *errands

	mu       sync.Mutex // guards what follows
	requests map[requestName]*request
	order    []*request // in which they came
}

func newROIT(s *Server, cfg ROIT) (*roit, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	x := &roit{server: s, cfg: cfg, luck: s.luck.ofText("roit"), requests: make(map[requestName]*request)}
	x.tokens = sessions{luck: x.luck.ofText("token"), staticToken: cfg.Token, most: math.MaxInt, write: x.writeToken}
	x.errands = newErrands()
	return x, x.caller.prepare(cfg, s.book.keep)
}

// complete fills in what was left out and refuses what means nothing.
func (c *ROIT) complete() error {
	if len(c.TokenBody) == 0 {
		c.Token = cmp.Or(c.Token, DefaultROITToken)
	}
	if len(c.Then) == 0 {
		c.Then = []string{isDone}
	}
	c.AuthPrefix = strings.TrimSpace(c.AuthPrefix)
	c.TokenPath, c.TokenField = cmp.Or(c.TokenPath, defaultTokenPath), cmp.Or(c.TokenField, "token")
	c.TokenLife, c.Unauthorized = cmp.Or(c.TokenLife, tokenLife), cmp.Or(c.Unauthorized, http.StatusUnauthorized)
	c.Answers, c.Data = cmp.Or(c.Answers, isProcessing), cmp.Or(c.Data, FullData)
	c.RefuseStatus = cmp.Or(c.RefuseStatus, http.StatusConflict)
	c.CallbackHeader, c.CallbackForm = cmp.Or(c.CallbackHeader, "Authorization"), cmp.Or(c.CallbackForm, BareCallback)
	c.CallbackAfter, c.CallbackPause = cmp.Or(c.CallbackAfter, 50*time.Millisecond), cmp.Or(c.CallbackPause, 200*time.Millisecond)
	c.CallbackTimes = cmp.Or(c.CallbackTimes, 1)
	return c.check()
}

func (c *ROIT) check() error {
	return cmp.Or(
		oneOf("roit data", c.Data, FullData, SparseData, NullData, NoData),
		oneOf("callback form", c.CallbackForm, BareCallback, EnvelopeCallback, ProcessCallback),
		oneOfStatuses("unauthorized", c.Unauthorized, http.StatusUnauthorized, http.StatusForbidden),
		oneOfStatuses("refuse status", c.RefuseStatus, http.StatusConflict, http.StatusBadRequest),
		checkThen(c.Then),
		checkName("roit answers", c.Answers),
		checkTokenPath(c.TokenPath),
		atLeast("callback times", c.CallbackTimes, 1),
		atLeast("pending limit", c.PendingLimit, 0),
		atLeast("token life", c.TokenLife, 1),
		atLeast("callback pause", c.CallbackPause, 1),
	)
}

func oneOfStatuses(what string, got int, want ...int) error {
	if slices.Contains(want, got) {
		return nil
	}
	return fmt.Errorf("%s %d: want one of %d", what, got, want)
}

func atLeast[T int | time.Duration](what string, got, least T) error {
	if got >= least {
		return nil
	}
	return fmt.Errorf("%s %v: want at least %v", what, got, least)
}

// checkTokenPath wants a path that the server does not serve otherwise.
func checkTokenPath(path string) error {
	for _, taken := range []string{roitPath, "/_sim", "/invx", "/theodore"} {
		if path == taken || strings.HasPrefix(path, taken+"/") {
			return fmt.Errorf("token path %q: something else is served there", path)
		}
	}
	if !strings.HasPrefix(path, "/") || path == "/" || strings.ContainsAny(path, "{} ?#") {
		return fmt.Errorf("token path %q: want a path such as %s", path, defaultTokenPath)
	}
	return nil
}

func (x *roit) routes(mux *http.ServeMux) {
	s := x.server
	mux.HandleFunc("POST "+roitPath+"/reprocess", s.serve(Reprocess, x.reprocess))
	mux.HandleFunc("POST "+roitPath+"/status", s.serve(Status, x.update))
	mux.HandleFunc("POST "+roitPath+"/pending", s.serve(Pending, x.handOut))
	mux.HandleFunc("POST "+roitPath+"/attachs", s.serve(Attachments, x.attachments))
	mux.HandleFunc("POST "+x.cfg.TokenPath, s.serve(ROITToken, x.makeToken))
}

// ROITToken is the token that is always good at ROIT, without AuthPrefix; empty when one has to ask for one.
func (s *Server) ROITToken() string { return s.roit.cfg.Token }

// ROITTokenURL is where tokens of ROIT are made.
func (s *Server) ROITTokenURL() string { return s.URL() + s.roit.cfg.TokenPath }

// ReprocessURL is where a request is reprocessed. Beside it lie status, pending and attachs.
func (s *Server) ReprocessURL() string { return s.URL() + roitPath + "/reprocess" }
