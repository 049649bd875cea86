package upstreamtest

import (
	"errors"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// controlRoutes are what people and scripts look at and switch, under /_sim/. They need no token and are no calls.
func (s *Server) controlRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/state", s.showState)
	mux.HandleFunc("POST /_sim/state", s.addState)
	mux.HandleFunc("GET /_sim/calls", s.showCalls)
	mux.HandleFunc("GET /_sim/faults", s.showFaults)
	mux.HandleFunc("POST /_sim/faults", s.switchFaults)
	mux.HandleFunc("GET /_sim/callbacks", s.showCallbacks)
	mux.HandleFunc("POST /_sim/callbacks", s.aimCallbacks)
}

// stateLine is one document in /_sim/state.
type stateLine struct {
	DocID        string `json:"docId"`
	Org          string `json:"org"`
	Status       string `json:"status"`
	Applied      int    `json:"applied"`
	Asked        int    `json:"asked"`
	Reads        int    `json:"reads"`
	Comment      string `json:"comment"`
	LastUpdated  int64  `json:"lastUpdated"` // ms; 0 is never
	DeniedBefore bool   `json:"deniedBefore"`
}

// requestLine is one request of ROIT in /_sim/state. Unlike a document it has a requestId.
type requestLine struct {
	RequestID     string `json:"requestId"`
	IntegrationID string `json:"integrationId"`
	Status        string `json:"status"`
	Applied       int    `json:"applied"`
	Doubles       int    `json:"doubles"`
	Asked         int    `json:"asked"`
	Callbacks     int    `json:"callbacks"`
	Updates       int    `json:"updates"`
	HandedOut     int    `json:"handedOut"`
	Message       string `json:"message"`
}

// showState writes one JSON line per document, and then one per request.
func (s *Server) showState(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := jsontext.NewEncoder(w)
	for truth := range s.Truths() {
		if json.MarshalEncode(out, lineOf(truth)) != nil {
			return // the reader has gone
		}
	}
	for t := range s.RequestTruths() {
		line := requestLine{t.RequestID, t.IntegrationID, t.Status, t.Applied, t.Doubles, t.Asked, t.Callbacks, t.Updates, t.HandedOut, t.Message}
		if json.MarshalEncode(out, line) != nil {
			return
		}
	}
}

func lineOf(t Truth) stateLine {
	line := stateLine{t.DocID, t.Org, t.Status, t.Applied, t.Asked, t.Reads, t.Comment, 0, t.DeniedBefore}
	if !t.LastUpdated.IsZero() {
		line.LastUpdated = t.LastUpdated.UnixMilli()
	}
	return line
}

// addState takes documents as CSV, or requests when the heading says requestId.
func (s *Server) addState(w http.ResponseWriter, r *http.Request) {
	n, err := readCSV(r.Body, func(heading []string) (func(row []string) error, error) {
		if column(heading, "docId")(heading) == "" && column(heading, "requestId")(heading) != "" {
			return s.requestRows(heading)
		}
		return s.documentRows(heading)
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, map[string]int{"added": n})
}

// showCalls writes the counters; with ?log=1 the calls, too.
func (s *Server) showCalls(w http.ResponseWriter, r *http.Request) {
	answer := struct {
		Counters
		ViolationList []string `json:"ViolationList"`
		Calls         []Call   `json:"Calls,omitempty"`
	}{Counters: s.Counters(), ViolationList: s.Violations()}
	if r.URL.Query().Get("log") != "" {
		answer.Calls = s.Calls()
	}
	writeJSON(w, answer)
}

func (s *Server) showFaults(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, s.faults.Load().String()+"\n")
}

// switchFaults takes a fault text as the body; an empty one ends all faults.
func (s *Server) switchFaults(w http.ResponseWriter, r *http.Request) {
	spec, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err == nil {
		err = s.SetFaults(string(spec))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.showFaults(w, r)
}

// showCallbacks writes one JSON line per attempt to deliver a callback.
func (s *Server) showCallbacks(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := jsontext.NewEncoder(w)
	for _, one := range s.CallbackDeliveries() {
		if json.MarshalEncode(out, one) != nil {
			return // the reader has gone
		}
	}
}

// aimCallbacks takes {"url":…,"token":…} and sends callbacks there from now on. Without a token it stays as it is.
func (s *Server) aimCallbacks(w http.ResponseWriter, r *http.Request) {
	var to struct {
		URL   *string `json:"url"`
		Token *string `json:"token"`
	}
	err := json.UnmarshalRead(io.LimitReader(r.Body, 1<<16), &to, json.RejectUnknownMembers(true))
	if err == nil && to.URL == nil {
		err = errors.New(`want {"url":"…","token":"…"}; an empty url ends callbacks`)
	}
	if err == nil {
		_, present := s.roit.caller.target()
		if to.Token == nil {
			to.Token = &present
		}
		err = s.SetCallback(*to.URL, *to.Token)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	writeJSON(w, map[string]string{"url": *to.URL})
}

// unknownRoute refuses what upstream does not serve.
func (s *Server) unknownRoute(w http.ResponseWriter, r *http.Request) {
	s.serve(Unknown, func(c *call) reply {
		return s.invx.offend(c, badParameter("path"), "nothing is served here")
	})(w, r)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.MarshalWrite(w, v)
}
