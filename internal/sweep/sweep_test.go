package sweep_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/request"
	"denybatch/internal/sweep"
	"denybatch/pkg/upstream/upstreamtest"
)

// bubble runs a test in which time is free.
func bubble(t *testing.T, body func(*testing.T)) {
	t.Helper()
	synctest.Test(t, body)
}

// The whole circle: a file, the sweep, ROIT's callbacks, and the sweeps after it.
func TestCircle(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, CallbackTimes: 2, CallbackProgress: true}})
		w.sim.AddRequests(
			upstreamtest.ROITRequest{RequestID: "fails-once", Then: []string{"ERROR", "DONE"}},
			upstreamtest.ROITRequest{RequestID: "fails", Then: []string{"ERROR"}},
		)
		w.drop(t, "fix.csv", "Request ID,Note", "good,a", "fails-once,b", "fails,c", "GOOD,not the same", "good,d", ",e")
		end := w.sweep(t)
		shows(t, w.report(t, end.Prefix),
			"good accepted PROCESSING", "fails-once accepted PROCESSING", "fails accepted PROCESSING", "GOOD accepted PROCESSING",
			"good duplicate  duplicate-request", " invalid  missing-request-id")
		if len(w.told) != 1 || w.told[0] != end.Sweep {
			t.Errorf("announced %v, want %s", w.told, end.Sweep)
		}
		time.Sleep(time.Minute)
		if got := w.state1(t, "good"); got.State != request.Done {
			t.Errorf("good is %s", got.State)
		}
		if end = w.sweep(t); end.Summary != nil {
			t.Errorf("the second sweep has something to report: %+v", end.Summary)
		}
		time.Sleep(20 * time.Minute)
		end = w.sweep(t)
		if lines := w.report(t, end.Prefix); len(lines) != 2 || lines[0]["attempt"] != "2" || lines[0]["result"] != "accepted" {
			t.Errorf("after the backoff: %v", lines)
		}
		time.Sleep(time.Hour)
		shows(t, w.report(t, w.sweep(t).Prefix), "fails accepted PROCESSING")
		time.Sleep(time.Hour)
		shows(t, w.report(t, w.sweep(t).Prefix), "fails exhausted ERROR attempts-used-up")
		time.Sleep(100 * time.Hour)
		if end = w.sweep(t); end.Summary != nil {
			t.Errorf("it never ends: %+v", end.Summary)
		}
		for id, want := range map[string]int{"good": 1, "fails-once": 2, "fails": 3, "GOOD": 1} {
			if got := w.truth(id); got.Applied != want || got.Doubles != 0 {
				t.Errorf("%s: %+v, want %d runs", id, got, want)
			}
		}
		w.drop(t, "again.csv", "requestId;confirm", "good;", "fails;", "fails-once;yes")
		shows(t, w.report(t, w.sweep(t).Prefix), "good already_done DONE done", "fails exhausted ERROR attempts-used-up", "fails-once accepted PROCESSING")
	})
}

// What ROIT answers decides what the report says.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  upstreamtest.ROIT
		fail string
		want string
		then string // of the next sweep
		runs int    // at ROIT
	}{
		"done":             {cfg: upstreamtest.ROIT{Answers: "DONE"}, want: "r accepted DONE", runs: 1},
		"error":            {cfg: upstreamtest.ROIT{Answers: "ERROR"}, want: "r accepted ERROR", then: "r accepted ERROR", runs: 2},
		"odd status":       {cfg: upstreamtest.ROIT{Answers: "FROZEN"}, want: "r unknown  answer-lost", runs: 1},
		"no data":          {cfg: upstreamtest.ROIT{Data: upstreamtest.NullData}, want: "r unknown  answer-lost", runs: 1},
		"other request":    {cfg: upstreamtest.ROIT{NewRequestID: true}, want: "r unknown  answer-lost", runs: 1},
		"lost":             {fail: "reprocess.lost@1", want: "r unknown  answer-lost", runs: 1},
		"500":              {fail: "reprocess.500@1", want: "r unknown  answer-lost"},
		"dropped":          {fail: "reprocess.drop@1", want: "r unknown  answer-lost"},
		"html":             {fail: "reprocess.html@1", want: "r unknown  answer-lost", runs: 1},
		"throttled once":   {fail: "reprocess.429@1:retry-after=5", want: "r accepted PROCESSING", runs: 1},
		"throttled":        {fail: "reprocess.429=1:retry-after=3600", want: "r not_sent  waiting", then: "r not_sent  waiting"},
		"unknown there":    {cfg: upstreamtest.ROIT{Then: []string{"missing"}}, want: "r refused  "},
		"token is refused": {fail: "reprocess.expire=1", want: "r not_sent  waiting", then: "r not_sent  waiting"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				c.cfg.CallbackAfter = -1
				c.cfg.Auto = name != "unknown there"
				if name == "unknown there" {
					c.cfg.Then = nil
				}
				w := newWorld(t, upstreamtest.Config{ROIT: c.cfg, Faults: c.fail})
				w.drop(t, "fix.csv", "requestId", "r")
				lines := w.report(t, w.sweep(t).Prefix)
				if len(lines) != 1 || !strings.HasPrefix(lines[0].String(), c.want) {
					t.Errorf("the report says %v, want %s", lines, c.want)
				}
				time.Sleep(2 * time.Hour)
				end := w.sweep(t)
				if end.Summary == nil {
					if waits := strings.Contains(c.then, "not_sent"); waits != (end.Stopped != "" && end.Waiting == 1) || c.then != "" && !waits {
						t.Errorf("the next sweep is silent (%q, %d wait), want %s", end.Stopped, end.Waiting, c.then)
					}
				} else if lines := w.report(t, end.Prefix); len(lines) != 1 || !strings.HasPrefix(lines[0].String(), c.then) || c.then == "" {
					t.Errorf("the next sweep says %v, want %s", lines, c.then)
				}
				if got := w.truth("r"); got.Applied != c.runs {
					t.Errorf("ROIT has run it %d times, want %d", got.Applied, c.runs)
				}
			})
		})
	}
}

// Answers that get lost one after the other stop a sweep, because each of them costs a person a look.
func TestAnOutageDoesNotMakeEverythingUnknown(t *testing.T) {
	for name, fault := range map[string]string{"lost": "reprocess.lost=1", "refused": ""} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}, Faults: fault})
				rows := []string{"requestId"}
				for i := range 40 {
					rows = append(rows, fmt.Sprint("r", i))
				}
				w.drop(t, "fix.csv", rows...)
				if fault == "" {
					w.sim.Stop()
				}
				end := w.sweep(t)
				if n := end.Summary.Counts["unknown"]; n > 3 {
					t.Errorf("%d requests are unknown", n)
				}
				if end.Summary.Status != "stopped" || end.Summary.Stopped == "" {
					t.Errorf("the summary says %s (%s)", end.Summary.Status, end.Summary.Stopped)
				}
				w.sim.SetFaults("")
				w.sim.Start()
				time.Sleep(time.Hour)
				if end = w.sweep(t); end.Summary.Counts["accepted"] < 37 {
					t.Errorf("afterwards: %v", end.Summary.Counts)
				}
			})
		})
	}
}

// One integration with a long queue does not keep another one waiting, and no sweep exceeds its limit.
func TestFairness(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
		w.options.Limit = 10
		rows := []string{"requestId,integrationId"}
		for i := range 100 {
			rows = append(rows, fmt.Sprintf("a%d,many", i))
		}
		w.drop(t, "a.csv", rows...)
		w.drop(t, "b.csv", "requestId,integrationId", "b0,few", "b1,few", "b2,few")
		end := w.sweep(t)
		if end.Summary.Calls != 10 || end.Summary.Counts["accepted"] != 10 || end.Summary.Counts["not_sent"] != 93 {
			t.Errorf("%d calls, %v", end.Summary.Calls, end.Summary.Counts)
		}
		for _, id := range []string{"b0", "b1", "b2"} {
			if w.sim.RequestTruth("few", id).Applied != 1 {
				t.Errorf("%s had to wait", id)
			}
		}
		for range 10 {
			time.Sleep(15 * time.Minute)
			w.sweep(t)
		}
		accepted := 0
		for _, l := range w.reports(t) {
			if l["result"] == "accepted" {
				accepted++
			}
		}
		if accepted != 103 {
			t.Errorf("%d were accepted in the end, want 103", accepted)
		}
	})
}

// Only one sweep runs at a time.
func TestTwoSweepsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{Latency: time.Second, ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
		w.drop(t, "fix.csv", "requestId", "a", "b", "c", "d")
		ignored := make(chan string)
		go func() {
			time.Sleep(2 * time.Second)
			second := w.sweeper(w.client, w.exchange, w.state)
			second.Dead = nil
			end, err := second.Sweep(context.Background())
			if err != nil {
				t.Error(err)
			}
			ignored <- end.Ignored
		}()
		w.sweep(t)
		if why := <-ignored; why == "" {
			t.Error("the second sweep was not ignored")
		}
		for _, id := range []string{"a", "b", "c", "d"} {
			if got := w.truth(id); got.Asked != 1 {
				t.Errorf("%s was asked for %d times", id, got.Asked)
			}
		}
	})
}

// Files that cannot be read are refused whole, in a sentence, once.
func TestUnreadableFiles(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
		w.options.RowLimit = 3
		w.drop(t, "1 headings.csv", "colour,size", "red,9")
		w.drop(t, "2 empty.csv", "requestId")
		w.drop(t, "3 long.csv", "requestId", "a", "b", "c", "d")
		w.drop(t, "4 picture.csv", "\x89PNG\r\n\x1a\n\x00\x00")
		w.drop(t, "~$lock.xlsx", "x")
		w.drop(t, ".hidden.csv", "requestId", "h")
		w.drop(t, "5 good.csv", "requestId", "good")
		lines := w.report(t, w.sweep(t).Prefix)
		shows(t, lines, " invalid  unreadable-file", " invalid  unreadable-file", " invalid  unreadable-file", " invalid  unreadable-file", "good accepted PROCESSING")
		for i, want := range []string{"1 headings.csv", "2 empty.csv", "3 long.csv", "4 picture.csv"} {
			if !strings.Contains(lines[i]["result_message"], want) {
				t.Errorf("%q does not name %s", lines[i]["result_message"], want)
			}
		}
		if end := w.sweep(t); end.Summary != nil {
			t.Error("they are told of again")
		}
	})
}

// The same file with another content is another order; a file that was merely left there is not.
func TestAFileIsTakenUpOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
		w.drop(t, "fix.csv", "requestId", "a")
		w.sweep(t)
		if end := w.sweep(t); end.Summary != nil {
			t.Error("it was taken up again")
		}
		w.exchange.Delete(t.Context(), "inbox/reprocess/"+integration+"/fix.csv")
		time.Sleep(time.Second)
		w.drop(t, "fix.csv", "requestId", "a")
		shows(t, w.report(t, w.sweep(t).Prefix), "a not_sent PROCESSING in-progress")
	})
}

// A worker whose time is up in the middle of a file hands it over, and no row is ordered twice.
func TestALongFileIsHandedOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
		rows := []string{"requestId"}
		for i := range 450 {
			rows = append(rows, fmt.Sprint("r", i))
		}
		w.drop(t, "long.csv", rows...)
		lives, end := 0, sweep.Ending{HandedOver: true}
		for ; end.HandedOver; lives++ {
			s, asked := w.sweeper(w.client, w.exchange, w.state), 0
			s.Halt = func() bool { asked++; return asked == 3 }
			var err error
			if end, err = s.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			if lives > 10 {
				t.Fatal("it never ends")
			}
		}
		if lines := w.report(t, end.Prefix); len(lines) != 450 || lives < 3 {
			t.Errorf("%d lines after %d lives", len(lines), lives)
		}
		for range 3 {
			time.Sleep(time.Hour)
			w.sweep(t)
		}
		for truth := range w.sim.RequestTruths() {
			if truth.Asked != 1 {
				t.Errorf("%s was asked for %d times", truth.RequestID, truth.Asked)
			}
		}
	})
}

// A callback that was stored and not applied, because its receiver died, is applied by the sweep, before it asks.
func TestCallbacksThatWereNotApplied(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
		w.drop(t, "fix.csv", "requestId", "r")
		w.sweep(t)
		body := `{"requestId":"r","integrationId":"` + integration + `","status":"DONE"}`
		if _, err := (ledger.Index{Store: w.state, Clock: clock.System{}}).Schedule(t.Context(), time.Now(), "callback", "2026-11-21/abc"); err != nil {
			t.Fatal(err)
		}
		if _, err := objects.CreateBytes(t.Context(), w.state, "callbacks/2026-11-21/abc.json", []byte(body)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.sweep(t)
		if got := w.state1(t, "r"); got.State != request.Done {
			t.Errorf("r is %s", got.State)
		}
	})
}

// One record that cannot be read keeps nobody else waiting.
func TestADamagedRecord(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
		if _, err := objects.CreateBytes(t.Context(), w.state, request.ID{Integration: integration, Request: "bad"}.Key(), []byte("{")); err != nil {
			t.Fatal(err)
		}
		w.drop(t, "fix.csv", "requestId", "bad", "good")
		shows(t, w.report(t, w.sweep(t).Prefix), "bad unknown  record-damaged", "good accepted PROCESSING")
		if w.truth("bad").Asked > 0 {
			t.Error("it was asked for")
		}
	})
}

// A row may name another integration than its folder, in whatever words the headings say so.
func TestColumns(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
		w.drop(t, "fix.csv", "Obs;ID da Integração;ID DA REQUISIÇÃO;Confirma", "x;other;a;não", "y;;b;talvez", "z;;1,5E+12;", ";;#N/A;", "w;;c d;", ";;"+strings.Repeat("x", 129)+";sim")
		lines := w.report(t, w.sweep(t).Prefix)
		shows(t, lines, "a accepted PROCESSING", "b invalid  unclear-confirm", "1,5E+12 invalid  digits-lost", "#N/A invalid  formula-error",
			"c d invalid  malformed-request-id", strings.Repeat("x", 129)+" invalid  malformed-request-id")
		if w.sim.RequestTruth("other", "a").Applied != 1 {
			t.Error("the row's own integration was not asked")
		}
		if lines[1]["integrationId"] != integration {
			t.Errorf("the folder's integration is missing: %v", lines[1])
		}
	})
}
