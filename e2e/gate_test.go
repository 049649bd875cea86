package e2e

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// fate is what becomes of one call on its way: pass brings it to upstream. Its answer is lost in any case.
type fate func(pass func())

func lostOnTheWay(func())          {}
func lostOnTheWayBack(pass func()) { pass() }

// gate stands between the functions and upstream. Faults of upstreamtest befall calls by their number; these befall them by
// what they are about, so that tests do not get into each other's way.
type gate struct {
	*httptest.Server
	upstream http.Handler

	mu       sync.Mutex
	fates    map[string]fate // of the next ask for a request, by its id
	troubled map[string]int  // organisations that are being locked out, and how often each has been called
}

func newGate(upstream string) (*gate, error) {
	to, err := url.Parse(upstream)
	if err != nil {
		return nil, err
	}
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.Transport = &http.Transport{MaxIdleConnsPerHost: 64}
	g := &gate{upstream: proxy, fates: map[string]fate{}, troubled: map[string]int{}}
	g.Server = httptest.NewServer(g)
	return g, nil
}

// befall decides on the next ask for each of these requests.
func (g *gate) befall(f fate, requests ...string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, id := range requests {
		g.fates[id] = f
	}
}

// lockOut lets the next call for an organisation pass, and the one after it, whose answer is lost. All others are answered
// with 401, until it is let in again.
func (g *gate) lockOut(org string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.troubled[org] = 0
}

func (g *gate) letIn(org string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.troubled, org)
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f, locked := g.decide(r, body)
	switch {
	case locked:
		http.Error(w, `{"message":"nobody is let in"}`, http.StatusUnauthorized)
	case f != nil:
		f(func() { g.upstream.ServeHTTP(httptest.NewRecorder(), r) })
		panic(http.ErrAbortHandler)
	default:
		g.upstream.ServeHTTP(w, r)
	}
}

// decide gives the fate of a call, nil for most, and whether it is locked out.
func (g *gate) decide(r *http.Request, body []byte) (f fate, locked bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	org := r.Header.Get("X-FLYNN-N-ORG-ID")
	if calls, troubled := g.troubled[org]; troubled {
		g.troubled[org]++
		if calls == 1 {
			f = lostOnTheWayBack
		}
		return f, calls > 1
	}
	var about struct {
		RequestID string `json:"requestId"`
	}
	if strings.HasSuffix(r.URL.Path, "/reprocess") && json.Unmarshal(body, &about) == nil {
		f = g.fates[about.RequestID]
		delete(g.fates, about.RequestID)
	}
	return f, false
}
