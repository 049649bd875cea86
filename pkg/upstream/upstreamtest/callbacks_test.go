package upstreamtest

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// listener is a client that is called back.
type listener struct {
	*httptest.Server
	answers []int   // to its calls, in order; 202 then
	sim     *Server // who calls

	mu     sync.Mutex
	heard  []string
	header []http.Header
}

func listening(t *testing.T, answers ...int) *listener {
	t.Helper()
	l := &listener{answers: answers}
	l.Server = httptest.NewServer(l)
	t.Cleanup(l.Close)
	return l
}

func (l *listener) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	status := http.StatusAccepted
	if len(l.heard) < len(l.answers) {
		status = l.answers[len(l.heard)]
	}
	l.heard, l.header = append(l.heard, string(body)), append(l.header, r.Header)
	if status == 0 {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(status)
}

// all waits for that many calls and until they are written down, and a little longer for those that must not come.
func (l *listener) all(t *testing.T, n int) []string {
	t.Helper()
	for range 500 {
		l.mu.Lock()
		enough := len(l.heard) >= n && len(l.sim.CallbackDeliveries()) >= n
		l.mu.Unlock()
		if enough {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(30 * time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.heard) != n {
		t.Fatalf("called %d times, want %d: %q", len(l.heard), n, l.heard)
	}
	return append([]string(nil), l.heard...)
}

// callingBack is a server that calls a listener back soon.
func callingBack(t *testing.T, l *listener, cfg ROIT) *Server {
	t.Helper()
	cfg.Auto, cfg.CallbackURL, cfg.CallbackToken = true, l.URL+"/callback", "shared"
	cfg.CallbackAfter, cfg.CallbackPause = time.Millisecond, 5*time.Millisecond
	l.sim = Start(t, Config{Seed: 3, ROIT: cfg})
	return l.sim
}

func TestCallbackTellsHowARunEnded(t *testing.T) {
	l := listening(t)
	s := callingBack(t, l, ROIT{Then: []string{"ERROR", "WARNING"}})
	for i, want := range []string{"ERROR", "WARNING", "WARNING"} {
		reprocess(t, s, "a")
		heard := l.all(t, i+1)[i]
		var got struct{ RequestID, IntegrationID, Status, Entity string }
		answer{body: heard}.decode(t, &got)
		if got.RequestID != "a" || got.IntegrationID != DefaultIntegration || got.Status != want || got.Entity != "DOCUMENT" {
			t.Errorf("run %d: heard %s, want %s", i+1, heard, want)
		}
		if truth := s.RequestTruth("", "a"); truth.Status != want || truth.Callbacks != i+1 || truth.Runs[i].End != want || truth.Doubles != 0 {
			t.Errorf("run %d: %+v", i+1, truth)
		}
	}
	if got := l.header[0]; got.Get("Authorization") != "shared" || got.Get("Content-Type") != "application/json" {
		t.Errorf("header %v", got)
	}
	d := s.CallbackDeliveries()
	if len(d) != 3 || d[2].Answer != 202 || d[2].Told != "WARNING" || d[2].Run != 3 || d[2].Copy != 1 || d[2].Attempt != 1 || d[2].URL != l.URL+"/callback" {
		t.Errorf("deliveries %+v", d)
	}
	if n := s.Counters(); n.CallbackCalls != 3 || n.CallbacksAccepted != 3 {
		t.Errorf("counters %+v", n)
	}
}

func TestRunsEndWithoutAnybodyToTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Start(t, Config{Memory: true})
		s.AddRequests(ROITRequest{RequestID: "a", Then: []string{"ERROR"}})
		client := s.Client()
		defer client.CloseIdleConnections()
		postWith(t, client, s.ReprocessURL(), s.ROITToken(), names("a"))
		time.Sleep(49 * time.Millisecond)
		wantRequest(t, s, "a", "PROCESSING", 1, 1, 0)
		time.Sleep(2 * time.Millisecond)
		wantRequest(t, s, "a", "ERROR", 1, 1, 0)
		if got := s.CallbackDeliveries(); len(got) > 0 {
			t.Errorf("deliveries %+v", got)
		}
	})
}

func TestCallbackHeaders(t *testing.T) {
	for form, want := range map[string][2]string{
		"":                              {"Authorization", "shared"},
		"Authorization: <token>":        {"Authorization", "shared"},
		"Authorization: Bearer":         {"Authorization", "Bearer shared"},
		"Authorization: Bearer <token>": {"Authorization", "Bearer shared"},
		"X-Callback-Token":              {"X-Callback-Token", "shared"},
	} {
		l := listening(t)
		reprocess(t, callingBack(t, l, ROIT{CallbackHeader: form}), "a")
		l.all(t, 1)
		if got := l.header[0].Values(want[0]); len(got) != 1 || got[0] != want[1] {
			t.Errorf("%q: %s is %q, want %q", form, want[0], got, want[1])
		}
		if want[0] != "Authorization" && l.header[0].Get("Authorization") != "" {
			t.Errorf("%q: the token stands in Authorization, too", form)
		}
	}
}

func TestCallbackForms(t *testing.T) {
	for form, want := range map[CallbackForm][]string{
		BareCallback:     {`{"id":`, `"requestId":"a"`, `"status":"DONE"`},
		EnvelopeCallback: {`{"timestamp":`, `"status":"success"`, `"data":{"id":`, `"status":"DONE"`},
		ProcessCallback:  {`{"processUniqueId":"a","processStatus":"FINISHED"`, `"documentType":"NFE"`},
	} {
		l := listening(t)
		reprocess(t, callingBack(t, l, ROIT{CallbackForm: form}), "a")
		heard := l.all(t, 1)[0]
		for _, part := range want {
			if !strings.Contains(heard, part) {
				t.Errorf("%s: %s\nwant %s", form, heard, part)
			}
		}
	}
}

// told is what the attempts to deliver told, in order.
func told(s *Server) string {
	var all []string
	for _, d := range s.CallbackDeliveries() {
		all = append(all, fmt.Sprint(d.Told, d.Copy, "/", d.Attempt, " ", d.Answer))
	}
	return strings.Join(all, ", ")
}

func TestCallbacksComeAgainAndInOrder(t *testing.T) {
	l := listening(t)
	s := callingBack(t, l, ROIT{CallbackTimes: 2, CallbackProgress: true})
	reprocess(t, s, "a")
	heard := l.all(t, 4)
	if got := told(s); got != "PROCESSING1/1 202, PROCESSING2/1 202, DONE1/1 202, DONE2/1 202" || heard[2] != heard[3] {
		t.Errorf("told %s", got)
	}
	if truth := s.RequestTruth("", "a"); truth.Callbacks != 4 || truth.Status != "DONE" {
		t.Errorf("truth %+v", truth)
	}
}

func TestCallbacksComeOutOfOrder(t *testing.T) {
	run := func() (orders map[string]int, whole string) {
		orders = map[string]int{}
		l := listening(t)
		s := callingBack(t, l, ROIT{CallbackProgress: true, CallbackShuffle: true})
		for i := range 20 {
			reprocess(t, s, fmt.Sprint("r", i))
			l.all(t, 2*i+2)
			last := s.CallbackDeliveries()[2*i+1].Told
			orders[last]++
			whole += last
		}
		return orders, whole
	}
	orders, one := run()
	if orders["PROCESSING"] < 3 || orders["DONE"] < 3 {
		t.Errorf("what came last: %v", orders)
	}
	if _, two := run(); one != two {
		t.Errorf("the same seed told %s and %s", one, two)
	}
}

func TestCallbacksAreSentAgainAfterServerErrors(t *testing.T) {
	for _, test := range []struct {
		name    string
		answers []int
		want    string
	}{
		{"Broken", []int{500, 0, 503}, "DONE1/1 500, DONE1/2 0, DONE1/3 503, DONE1/4 202"},
		{"GivesUp", []int{500, 500, 500, 500}, "DONE1/1 500, DONE1/2 500, DONE1/3 500, DONE1/4 500"},
		{"Refused", []int{401}, "DONE1/1 401"},
		{"Redirected", []int{307}, "DONE1/1 307"},
		{"Slowed", []int{429}, "DONE1/1 429"},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := listening(t, test.answers...)
			s := callingBack(t, l, ROIT{})
			reprocess(t, s, "a")
			l.all(t, strings.Count(test.want, ",")+1)
			if got := told(s); got != test.want {
				t.Errorf("told %s, want %s", got, test.want)
			}
		})
	}
}

func TestFaultsOfCallbacks(t *testing.T) {
	for spec, want := range map[string]struct{ told, body string }{
		"callback.drop":        {"DONE1/1 0", ""},
		"callback.lost@1":      {"DONE1/1 202, DONE1/2 202", `{"id":`},
		"callback.truncated":   {"DONE1/1 202", `{"id":`},
		"callback.foreign":     {"DONE1/1 202", `{"hello":"world"}`},
		"callback.html":        {"DONE1/1 202", "<!DOCTYPE html>"},
		"callback.slow,down@9": {"DONE1/1 202", `{"id":`},
	} {
		t.Run(spec, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, heard := bubble(t, Config{Faults: spec}, 202)
				start := time.Now()
				<-heard.ready
				time.Sleep(time.Minute)
				synctest.Wait()
				if strings.Contains(spec, "slow") && heard.at.Sub(start) < time.Second {
					t.Errorf("heard after %v", heard.at.Sub(start))
				}
				if got := told(s); got != want.told || !strings.HasPrefix(s.CallbackDeliveries()[0].Body, want.body) {
					t.Errorf("told %s (%+v), want %+v", got, s.CallbackDeliveries(), want)
				}
				if spec == "callback.drop" && s.RequestTruth("", "a").Status != "DONE" {
					t.Error("the run has not ended")
				}
			})
		})
	}
}

// hearing is what a client in a bubble heard.
type hearing struct {
	ready chan struct{} // closed once the reprocess was answered
	at    time.Time     // of the last call
}

// bubble asks for one reprocess; what calls back lives in the same bubble.
func bubble(t *testing.T, cfg Config, status int) (*Server, *hearing) {
	t.Helper()
	h := &hearing{ready: make(chan struct{})}
	port := newPipes()
	back := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.at = time.Now()
		w.WriteHeader(status)
	})}
	go back.Serve(port)
	transport := &http.Transport{DialContext: (&Server{pipes: port}).dialPipe}
	cfg.Memory, cfg.ROIT.Auto = true, true
	cfg.ROIT.CallbackURL, cfg.ROIT.CallbackClient = "http://callback.test/here", &http.Client{Transport: transport}
	s := Start(t, cfg)
	t.Cleanup(func() { transport.CloseIdleConnections(); back.Close() })
	client := s.Client()
	t.Cleanup(client.CloseIdleConnections)
	go func() {
		postWith(t, client, s.ReprocessURL(), s.ROITToken(), names("a"))
		close(h.ready)
	}()
	return s, h
}

func TestCallbacksKeepTheTimeOfTheirBubble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		s, h := bubble(t, Config{ROIT: ROIT{CallbackAfter: 3 * time.Hour, CallbackPause: time.Hour}}, 503)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if got := told(s); got != "DONE1/1 503, DONE1/2 503, DONE1/3 503, DONE1/4 503" {
			t.Errorf("told %s", got)
		}
		if took := h.at.Sub(start); took != (3+1+2+4)*time.Hour {
			t.Errorf("the last attempt came after %v, want 10h", took)
		}
	})
}

func TestCloseBreaksCallbacksOff(t *testing.T) {
	t.Run("Due", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s, h := bubble(t, Config{ROIT: ROIT{CallbackAfter: time.Hour}}, 202)
			<-h.ready
			s.Close()
			time.Sleep(2 * time.Hour)
			if got := told(s); got != "" || s.RequestTruth("", "a").Status != "PROCESSING" {
				t.Errorf("told %s", got)
			}
		})
	})
	t.Run("UnderWay", func(t *testing.T) {
		called, free := make(chan struct{}), make(chan struct{})
		back := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(called)
			<-free
		}))
		defer back.Close()
		defer close(free)
		s := callingBack(t, &listener{Server: back}, ROIT{})
		reprocess(t, s, "a")
		<-called
		closed := make(chan struct{})
		go func() { s.Close(); close(closed) }()
		select {
		case <-closed:
		case <-time.After(5 * time.Second):
			t.Fatal("Close waits for an answer")
		}
	})
}

func TestCallbacksAreAimedAnew(t *testing.T) {
	l := listening(t)
	s := Start(t, Config{ROIT: ROIT{Auto: true, CallbackAfter: time.Millisecond}})
	l.sim = s
	url := s.URL() + "/_sim/callbacks"
	if got := ask(t, s, "POST", url, `{"url":"`+l.URL+`/x","token":"fresh"}`); got.body != `{"url":"`+l.URL+`/x"}` {
		t.Fatalf("%+v", got)
	}
	reprocess(t, s, "a")
	l.all(t, 1)
	if got := l.header[0].Get("Authorization"); got != "fresh" {
		t.Errorf("token %q", got)
	}
	if got := ask(t, s, "GET", url, "").body; !strings.Contains(got, `"RequestID":"a","Run":1,"Told":"DONE","Copy":1,"Attempt":1,"Answer":202,"Error":""`) {
		t.Errorf("deliveries %s", got)
	}
	if got := ask(t, s, "GET", s.URL()+"/_sim/calls?log=1", "").body; !strings.Contains(got, `"CallbackCalls":1,"CallbacksAccepted":1`) ||
		!strings.Contains(got, `"Kind":"callback","Number":1`) {
		t.Errorf("calls %s", got)
	}
	ask(t, s, "POST", url, `{"url":"`+l.URL+`/y"}`)
	reprocess(t, s, "b")
	l.all(t, 2)
	if got := l.header[1].Get("Authorization"); got != "fresh" {
		t.Errorf("the token did not stay: %q", got)
	}
	for _, bad := range []string{"", "{}", `{"url":"http://example.com/"}`, `{"url":"` + l.URL + `","tokens":""}`} {
		if got := ask(t, s, "POST", url, bad); got.status != 400 {
			t.Errorf("%s: %+v", bad, got)
		}
	}
	if err := s.SetCallback("", ""); err != nil {
		t.Fatal(err)
	}
	reprocess(t, s, "c")
	l.all(t, 2)
	if got := s.Calls(); got[len(got)-2].String() != "callback 2: b DONE, HTTP 202" {
		t.Errorf("calls %v", got)
	}
}

func TestCallbacksReachThisMachineOnly(t *testing.T) {
	s := Start(t, Config{})
	for _, url := range []string{"http://192.0.2.1/x", "http://example.com", "http://[2001:db8::1]/", "http://0.0.0.0/", "//127.0.0.1/x", "http://callback.test/"} {
		if err := s.SetCallback(url, ""); err == nil {
			t.Errorf("%s was accepted", url)
		}
	}
	l := listening(t)
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(l.URL, "http://"))
	for _, url := range []string{l.URL, "http://localhost:" + port, "http://abc.execute-api.localhost:" + port + "/x"} {
		if err := s.SetCallback(url, ""); err != nil {
			t.Errorf("%s: %v", url, err)
		}
		if status, err := s.roit.caller.post(t.Context(), url, "", nil); status != 202 {
			t.Errorf("%s: HTTP %d, %v", url, status, err)
		}
	}
	if _, err := s.roit.caller.post(t.Context(), "http://192.0.2.1/", "", nil); err == nil || !strings.Contains(err.Error(), "not on this machine") {
		t.Errorf("dialled elsewhere: %v", err)
	}
}

func TestCallbacksAboutARequestAddedAgainNoLongerCome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, h := bubble(t, Config{}, 202)
		<-h.ready
		s.AddRequests(ROITRequest{RequestID: "a"})
		time.Sleep(time.Hour)
		if got := told(s); got != "" {
			t.Errorf("told %s", got)
		}
		wantRequest(t, s, "a", "ERROR", 0, 0, 0)
	})
}

func TestCallbacksNameTheNewRequest(t *testing.T) {
	l := listening(t)
	s := callingBack(t, l, ROIT{NewRequestID: true})
	answered := (*reprocess(t, s, "a").roit(t).Data)["requestId"]
	if heard := l.all(t, 1)[0]; answered == "a" || !strings.Contains(heard, fmt.Sprintf(`"requestId":"%v"`, answered)) {
		t.Errorf("answered %v, heard %s", answered, heard)
	}
	if truth := s.RequestTruth("", "a"); truth.Callbacks != 1 {
		t.Errorf("truth %+v", truth)
	}
}

func TestAnswersThatEndTheRunAreToldAsTheyAre(t *testing.T) {
	l := listening(t)
	s := callingBack(t, l, ROIT{Answers: "ERROR", Then: []string{"DONE"}})
	reprocess(t, s, "a")
	if heard := l.all(t, 1)[0]; !strings.Contains(heard, `"status":"ERROR"`) {
		t.Errorf("heard %s", heard)
	}
	wantRequest(t, s, "a", "ERROR", 1, 1, 0)
}
