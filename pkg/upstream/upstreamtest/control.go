package upstreamtest

import (
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

// showState writes one JSON line per document.
func (s *Server) showState(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := jsontext.NewEncoder(w)
	for truth := range s.Truths() {
		if json.MarshalEncode(out, lineOf(truth)) != nil {
			return // the reader has gone
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

// addState takes documents as CSV.
func (s *Server) addState(w http.ResponseWriter, r *http.Request) {
	n, err := s.AddCSV(r.Body)
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
