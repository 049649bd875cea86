package upstreamtest

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
)

// Documented: there are callbacks, to an address and with a token that the client chose. Options: when they come, how often
// and in which order, how they carry the token, and the form of their bodies. A guess: that they are sent again after a server
// error or a broken connection.

// CallbackDelivery is one attempt to deliver a callback, and how the client took it.
type CallbackDelivery struct {
	Number        int // among all attempts, from 1; by it faults find it
	At            time.Time
	URL           string
	IntegrationID string
	RequestID     string // of the request that was reprocessed, even if the body names another
	Run           int    // of that request, from 1
	Told          string // status in the body, before faults
	Copy          int    // 1 for a first delivery, 2 and more for duplicates
	Attempt       int    // from 1
	Answer        int    // HTTP status of the client; 0 when there was none
	Error         string // why there was none
	Faults        string // names of those that fired, joined with "+"
	Body          string // as sent
}

const (
	callbackTries   = 4
	callbackTimeout = 10 * time.Second
	callbacksAtOnce = 16
)

// notice is one callback that is due.
type notice struct {
	of     *request
	run    int
	told   string
	copies int // 1 for the first
	body   []byte
}

// follow lets a run end in its time and tells how it did. The caller holds the lock.
func (x *roit) follow(r *request, run int) {
	if x.cfg.CallbackAfter < 0 {
		return
	}
	x.errands.run(func(ctx context.Context) {
		if !pause(ctx, x.cfg.CallbackAfter) {
			return
		}
		for _, n := range x.end(r, run) {
			x.deliver(ctx, n)
		}
	})
}

// end ends a run and gives what is to be told about it, in order. A request that was added again has no runs.
func (x *roit) end(r *request, run int) []notice {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.requests[r.name()] != r {
		return nil
	}
	if one := &r.runs[run-1]; one.End == "" {
		one.End = r.Then[min(run, len(r.Then))-1]
		r.now, r.message = one.End, ""
		if one.End == isError {
			r.message = "The document could not be integrated"
		}
	}
	return x.notices(r, run)
}

func (x *roit) notices(r *request, run int) []notice {
	told := []string{r.runs[run-1].End}
	if x.cfg.CallbackProgress {
		told = []string{isProcessing, told[0]}
	}
	var all []notice
	for _, status := range told {
		body := x.callbackBody(x.renamed(r, run, x.model(r, status)))
		for n := range x.cfg.CallbackTimes {
			all = append(all, notice{r, run, status, n + 1, body})
		}
	}
	if x.cfg.CallbackShuffle {
		r.luck.ofText("callbacks").of(uint64(run)).shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	}
	return all
}

// process is a callback in the form of the data integration.
type process struct {
	ProcessUniqueID string         `json:"processUniqueId"`
	ProcessStatus   string         `json:"processStatus"`
	OperationType   string         `json:"operationType"`
	DocumentType    string         `json:"documentType"`
	Metadata        map[string]any `json:"metadata"`
}

// processStatuses are what the data integration would call the statuses of requests. A status without a name there is told
// as it is.
var processStatuses = map[string]string{isProcessing: "PROCESSING", isReceived: "START", isPending: "PENDING",
	isError: "FAILED", isDone: "FINISHED", isWarning: "AUDIT"}

func (x *roit) callbackBody(m model) []byte {
	if x.cfg.Data == SparseData {
		m = m.sparse()
	}
	var whole any = m
	switch x.cfg.CallbackForm {
	case EnvelopeCallback:
		whole = x.success("Request "+m.Status, m)
	case ProcessCallback:
		status, ok := processStatuses[m.Status]
		if !ok {
			status = m.Status
		}
		whole = process{m.RequestID, status, "entrada", m.Type, m.Metadata}
	}
	body, _ := json.Marshal(whole, json.Deterministic(true)) // of texts and numbers only: it cannot fail
	return body
}

// deliver sends a callback until the client has taken it, or refused it, or enough was tried.
func (x *roit) deliver(ctx context.Context, n notice) {
	wait := x.cfg.CallbackPause
	for attempt := 1; x.attempt(ctx, n, attempt) && attempt < callbackTries; attempt++ {
		if !pause(ctx, wait) {
			return
		}
		wait *= 2
	}
}

// attempt sends a callback once, and tells whether it is worth another attempt.
func (x *roit) attempt(ctx context.Context, n notice, attempt int) (again bool) {
	if url, _ := x.caller.target(); url == "" {
		return false
	}
	number, _ := x.server.book.open(Callback)
	fx := x.server.faults.Load().decide(Callback, facts{number: number, items: 1}, x.server.luck.ofText("fault"))
	if !pause(ctx, fx.delay) || !x.caller.enter(ctx) {
		return false
	}
	defer x.caller.leave()
	d := CallbackDelivery{
		Number: number, At: time.Now(), IntegrationID: n.of.IntegrationID, RequestID: n.of.RequestID,
		Run: n.run, Told: n.told, Copy: n.copies, Attempt: attempt, Faults: fx.fired,
	}
	if fx.instead != nil {
		d.Error = "not sent"
	} else {
		d.send(ctx, &x.caller, spoilCallback(n.body, fx.ending))
	}
	x.record(n.of, d)
	return fx.instead == nil && (d.Answer == 0 || d.Answer >= http.StatusInternalServerError || fx.ending.is(lost))
}

// spoilCallback gives what is sent instead of a body.
func spoilCallback(body []byte, by *rule) []byte {
	switch {
	case by.is(truncated):
		return body[:len(body)/2]
	case by.is(foreign):
		return []byte(`{"hello":"world"}`)
	case by.is(html):
		return []byte(loginPage)
	}
	return body
}

func (d *CallbackDelivery) send(ctx context.Context, by *caller, body []byte) {
	var token string
	var err error
	d.URL, token = by.target()
	d.Body = string(body)
	if d.Answer, err = by.post(ctx, d.URL, token, body); err != nil {
		d.Error = err.Error()
	}
}

// record writes an attempt down wherever one may look for it.
func (x *roit) record(r *request, d CallbackDelivery) {
	x.mu.Lock()
	if d.Answer/100 == 2 {
		r.callbacks++
	}
	x.mu.Unlock()
	x.server.enterCall(Call{
		Kind: Callback, Number: d.Number, Status: d.Answer, Faults: d.Faults, At: d.At,
		Integration: d.IntegrationID, Request: d.RequestID, About: d.Told,
	}, 0)
	x.caller.keepOne(d)
}

// SetCallback changes where callbacks go from the next one on; nowhere, when the URL is empty. It must be on this machine.
func (s *Server) SetCallback(url, token string) error {
	if err := s.roit.caller.aim(url, token); err != nil {
		return fmt.Errorf("callback: %w", err)
	}
	return nil
}

// CallbackDeliveries are the attempts to deliver callbacks so far, in the order in which they ended; only the last
// Config.Keep of them.
func (s *Server) CallbackDeliveries() []CallbackDelivery { return s.roit.caller.deliveries() }
