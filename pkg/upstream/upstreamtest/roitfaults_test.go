package upstreamtest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// postWith asks ROIT with a client and a token of one's own.
func postWith(t rapid.TB, client *http.Client, url, token, body string) answer {
	t.Helper()
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", token)
	res, err := client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(got), err}
}

// A reprocess is one of three things to its caller: carried out and told so, turned away, or neither can be told.
func TestFaultsOfReprocess(t *testing.T) {
	for spec, want := range map[string]struct {
		applied, status int
		err             error
	}{
		"reprocess.429:retry-after=3":       {0, 429, nil},
		"reprocess.500":                     {0, 500, nil},
		"reprocess.502":                     {0, 502, nil},
		"reprocess.503:retry-after=3":       {0, 503, nil},
		"reprocess.504":                     {0, 504, nil},
		"reprocess.504:after":               {1, 504, nil},
		"reprocess.503:after:retry-after=3": {1, 503, nil},
		"reprocess.drop":                    {0, 0, io.EOF},
		"reprocess.lost":                    {1, 0, io.EOF},
		"reprocess.reset":                   {1, 0, syscall.ECONNRESET},
		"reprocess.cut":                     {1, 200, io.ErrUnexpectedEOF},
		"reprocess.truncated":               {1, 200, nil},
		"reprocess.foreign":                 {1, 200, nil},
		"reprocess.html":                    {1, 200, nil},
		"reprocess.expire":                  {0, 401, nil},
		"down":                              {0, 0, io.EOF},
		"lost,read.lost,status.lost":        {1, 200, nil}, // of other calls
	} {
		t.Run(spec, func(t *testing.T) {
			s := Start(t, Config{Faults: spec, ROIT: ROIT{Auto: true, CallbackAfter: -1}})
			got := reprocess(t, s, "a")
			if got.status != want.status || !errors.Is(got.err, want.err) {
				t.Errorf("HTTP %d, %v, want %d, %v", got.status, got.err, want.status, want.err)
			}
			if strings.Contains(spec, "retry-after") && got.header.Get("Retry-After") != "3" {
				t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
			}
			if whole := strings.Contains(got.body, `"requestId":"a"`) && strings.HasSuffix(got.body, "}}") && got.err == nil; whole != strings.HasPrefix(spec, "lost") {
				t.Errorf("answered %s", got.body)
			}
			if truth := s.RequestTruth("", "a"); truth.Applied != want.applied || truth.Asked != 1 {
				t.Errorf("truth %+v", truth)
			}
			wantNoViolations(t, s)
		})
	}
}

func TestSlowReprocess(t *testing.T) {
	s := Start(t, Config{Faults: "reprocess.slow:delay=30ms", ROIT: ROIT{Auto: true, CallbackAfter: -1}})
	start := time.Now()
	if got := reprocess(t, s, "a"); got.status != 200 || time.Since(start) < 30*time.Millisecond {
		t.Errorf("HTTP %d after %v", got.status, time.Since(start))
	}
}

func TestReprocessAfterAnOutage(t *testing.T) {
	s := Start(t, Config{Faults: "down@1:for=200ms", ROIT: ROIT{Auto: true, CallbackAfter: -1}})
	var got answer
	for tries := 0; got.status != 200 && tries < 200; tries++ {
		time.Sleep(10 * time.Millisecond)
		got = reprocess(t, s, "a")
	}
	if truth := s.RequestTruth("", "a"); truth.Applied != 1 || got.status != 200 {
		t.Errorf("HTTP %d, truth %+v", got.status, truth)
	}
}

func TestFaultsThatReprocessDoesNotKnow(t *testing.T) {
	for spec, want := range map[string]string{
		"reprocess.shuffle": "shuffle means nothing for a reprocess call", "reprocess.413": "413 means nothing", "token.expire": "expire means nothing",
		"callback.429": "429 means nothing for a callback call", "callback.down": "down means nothing", "bulk.lost": `unknown prefix "bulk."`,
	} {
		if _, err := ParseFaults(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", spec, err, want)
		}
	}
}

func TestSameSeedSameLuckAtROIT(t *testing.T) {
	run := func(seed uint64) string {
		s := Start(t, Config{Seed: seed, Memory: true, Faults: "reprocess.lost=0.3,reprocess.429=0.3", ROIT: ROIT{Auto: true, CallbackAfter: -1}})
		client := s.Client()
		var b strings.Builder
		for i := range 30 {
			got := postWith(t, client, s.ReprocessURL(), s.ROITToken(), names(fmt.Sprint("r", i)))
			b.WriteString(s.Calls()[i].String() + got.modelID(t))
		}
		return b.String()
	}
	if a, b := run(1), run(1); a != b {
		t.Errorf("two runs differ:\n%s\n%s", a, b)
	}
	if run(1) == run(2) {
		t.Error("another seed made no difference")
	}
}

func (a answer) modelID(t *testing.T) string {
	if a.status != 200 {
		return ""
	}
	return fmt.Sprint((*a.roit(t).Data)["id"])
}

// Whatever goes wrong, the truth counts every call and every reprocess that was carried out, no more and no fewer.
func TestTruthOfReprocessIsExact(t *testing.T) {
	turnedAway := []string{"drop", "429=0.3", "5xx", "503", "expire", "504:retry-after=1"}
	spoilt := []string{"lost", "reset", "cut", "truncated", "foreign", "html", "500:after", "slow:delay=1ms"}
	rapid.Check(t, func(t *rapid.T) {
		var rules []string
		for _, name := range rapid.SliceOfN(rapid.SampledFrom(append(turnedAway, spoilt...)), 0, 4).Draw(t, "faults") {
			name, params, _ := strings.Cut(name, ":")
			name, _, _ = strings.Cut(name, "=")
			rule := fmt.Sprintf("reprocess.%s=%.2f", name, rapid.Float64Range(0, 1).Draw(t, "share"))
			if params != "" {
				rule += ":" + params
			}
			rules = append(rules, rule)
		}
		cfg := ROIT{Auto: true, CallbackAfter: -1, RefuseProcessing: rapid.Bool().Draw(t, "refuse processing"), Answers: rapid.SampledFrom([]string{"PROCESSING", "PENDING", "DONE", "ODD"}).Draw(t, "answers")}
		s, err := New(Config{Memory: true, Seed: rapid.Uint64().Draw(t, "seed"), Faults: strings.Join(rules, ","), ROIT: cfg})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ids := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 1, 12).Draw(t, "calls")
		applied := hold(t, s, ids)
		for _, id := range []string{"a", "b", "c"} {
			asked := 0
			for _, one := range ids {
				if one == id {
					asked++
				}
			}
			truth := s.RequestTruth("", id)
			if truth.Asked != asked || truth.Applied != applied[id] || len(truth.Runs) != applied[id] {
				t.Errorf("%s with %v: %+v, want asked %d, applied %d", id, rules, truth, asked, applied[id])
			}
		}
	})
}

// hold makes the calls and tells how often each request was carried out, judged from without: by the faults that the log
// names, and by the state that the request must have had. Answers must not say anything else.
func hold(t *rapid.T, s *Server, ids []string) map[string]int {
	client := s.Client()
	defer client.CloseIdleConnections()
	applied := map[string]int{}
	for i, id := range ids {
		got := postWith(t, client, s.ReprocessURL(), s.ROITToken(), names(id))
		call := s.Calls()[i]
		away := false
		for _, name := range []string{"drop", "429", "5xx", "503", "504", "expire"} {
			away = away || strings.Contains("+"+call.Faults+"+", "+reprocess."+name+"+")
		}
		busy := applied[id] > 0 && (s.cfg.ROIT.Answers == "PROCESSING" || s.cfg.ROIT.Answers == "ODD")
		if !away && !(busy && s.cfg.ROIT.RefuseProcessing) {
			applied[id]++
		} else if got.status == 200 && strings.Contains(got.body, `"requestId"`) {
			t.Errorf("call %d of %s was turned away, but answered %s", i+1, id, got.body)
		}
	}
	return applied
}

func TestConcurrentReprocessesAreAllCounted(t *testing.T) {
	s := Start(t, Config{Faults: "reprocess.lost=0.2,reprocess.503=0.2", ROIT: ROIT{Auto: true, CallbackAfter: time.Microsecond, CallbackTimes: 2}})
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 20 {
				reprocess(t, s, fmt.Sprint("r", i))
			}
		})
	}
	all.Wait()
	asked, applied, doubles := 0, 0, 0
	for truth := range s.RequestTruths() {
		asked, applied, doubles = asked+truth.Asked, applied+truth.Applied, doubles+truth.Doubles
	}
	if n := s.Counters(); asked != 160 || n.ReprocessCalls != 160 || applied != n.Reprocessed || doubles != n.DoubleReprocesses || applied == 160 || applied == 0 {
		t.Errorf("asked %d, applied %d, doubles %d, counters %+v", asked, applied, doubles, n)
	}
}
