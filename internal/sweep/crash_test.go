package sweep_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest"
	"denybatch/internal/report"
	"denybatch/internal/request"
	"denybatch/internal/sweep"
	"denybatch/pkg/upstream/roit"
	"denybatch/pkg/upstream/upstreamtest"
)

// cutROIT counts asks among a cutter's operations.
type cutROIT struct {
	sweep.Reprocessor
	cutter *objectstest.Cutter
}

func (c cutROIT) Reprocess(ctx context.Context, integrationID, requestID string) (a roit.Answer, err error) {
	err = c.cutter.Step("reprocess", func() (err error) {
		a, err = c.Reprocessor.Reprocess(ctx, integrationID, requestID)
		return err
	})
	return a, err
}

// crashWorld has everything that a sweep can meet, small enough to be cut everywhere: files that share requests, requests
// that are due by themselves, one whose attempts are used up, one that is unknown and confirmed, refusals, lost answers and
// throttling.
func crashWorld(t *testing.T) *world {
	w := newWorld(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{CallbackAfter: -1}, Faults: "reprocess.lost@1"})
	w.exchange, w.state = objectstest.NewMemory(), objectstest.NewMemory() // thousands of them are made
	for _, id := range []string{"r1", "r2", "r3", "due1", "due2", "used-up", "lost", "late"} {
		w.sim.AddRequests(upstreamtest.ROITRequest{RequestID: id})
	}
	w.options.Policy.Attempts = 1
	w.options.Reports = []report.Kind{report.CSV}
	w.drop(t, "zero.csv", "requestId", "used-up", "lost")
	w.sweep(t)
	for i, id := range []string{"used-up", "due1", "due2"} {
		word := request.Word{Status: "ERROR", Mark: fmt.Sprint(i), Heard: time.Now()}
		if _, err := w.book(w.state).Hear(t.Context(), request.ID{Integration: integration, Request: id}, word); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Hour)
	w.drop(t, "a.csv", "requestId,confirm", "r1,", "r2,", "r1,", ",", "lost,", "due1,", "missing,")
	w.drop(t, "b.csv", "requestId,confirm", "r2,", "r3,", "late,")
	w.drop(t, "c.csv", "requestId,confirm", "lost,yes")
	w.drop(t, "d.csv", "nothing", "of ours")
	w.sim.SetFaults("reprocess.lost@6,reprocess.429@4:retry-after=2")
	w.options.Limit = 4
	return w
}

// cutRun sweeps until there is nothing left to do, with every operation counted, and dies with operation n.
func (w *world) cutRun(t *testing.T, n int, when objectstest.When) (operations int, err error) {
	t.Helper()
	ctx, die := context.WithCancel(t.Context())
	defer die()
	var cutter objectstest.Cutter
	cutter.CutAt(n, when)
	for range 10 {
		s := w.sweeper(cutROIT{w.client, &cutter}, cutter.Store(w.exchange), cutter.Store(w.state))
		s.Halt = func() bool {
			if cutter.Cut() != nil {
				die()
			}
			return false
		}
		end, err := s.Sweep(ctx)
		if err != nil {
			return cutter.Count(), err
		}
		if end.Summary == nil && end.Ignored == "" {
			return cutter.Count(), nil
		}
		time.Sleep(time.Hour)
	}
	return cutter.Count(), errors.New("it never ends")
}

var cutPoints atomic.Int64

// Sweeps are cut at every single operation on storage and at ROIT, before it and after it with the answer lost, and gone on
// with by a worker with fresh memory. Each time no request is asked for twice without a person's word, every row has one
// result, and it is the true one.
func TestNoCrashAsksTwice(t *testing.T) {
	var want []string
	operations := 0
	bubble(t, func(t *testing.T) {
		w := crashWorld(t)
		var err error
		if operations, err = w.cutRun(t, 0, objectstest.Before); err != nil {
			t.Fatal(err)
		}
		want = w.judge(t)
		t.Logf("undisturbed:\n  %s", strings.Join(want, "\n  "))
	})
	for _, when := range []objectstest.When{objectstest.Before, objectstest.After} {
		t.Run(when.String(), func(t *testing.T) {
			t.Parallel()
			for n := 1; n <= operations; n++ {
				bubble(t, func(t *testing.T) { crashAt(t, n, when, want) })
				if t.Failed() {
					t.Fatalf("cut at operation %d of %d", n, operations)
				}
			}
			cutPoints.Add(int64(operations))
		})
	}
	t.Cleanup(func() { t.Logf("evidence: %d cut points of sweeps survived", cutPoints.Load()) })
}

func crashAt(t *testing.T, n int, when objectstest.When, want []string) {
	w := crashWorld(t)
	_, err := w.cutRun(t, n, when)
	if err != nil && !errors.Is(err, objectstest.ErrCut) && !errors.Is(err, context.Canceled) {
		t.Errorf("cut %d: %v", n, err)
	}
	for i := 0; ; i++ {
		if end := w.sweep(t); end.Summary == nil {
			break
		}
		if i > 20 {
			t.Fatal("it never ends")
		}
		time.Sleep(time.Hour)
	}
	got := w.judge(t)
	if len(got) != len(want) {
		t.Errorf("%d lines\n  %s\nwant %d\n  %s", len(got), strings.Join(got, "\n  "), len(want), strings.Join(want, "\n  "))
		return
	}
	cost := 0
	for i := range got {
		if got[i] == want[i] {
			continue
		}
		if cost++; !strings.Contains(got[i], " unknown ") && !strings.Contains(want[i], " unknown ") || cost > 3 {
			t.Errorf("%s\nundisturbed %s", got[i], want[i])
		}
	}
}

// judge holds all reports against what really happened at ROIT, and returns the lines that settle something, sorted.
func (w *world) judge(t *testing.T) []string {
	t.Helper()
	mayRun := map[string]int{"lost": 2, "missing": 0}
	settled := map[string]int{}
	var lines []string
	for _, l := range w.reports(t) {
		if l["file"] != "" && strings.HasSuffix(l["file"], "zero.csv") || l["result"] == "not_sent" {
			continue
		}
		id := l["requestId"]
		lines = append(lines, fmt.Sprintf("%s:%s %s %s %s", l["file"], l["result_row"], id, l["result"], l["result_code"]))
		if l["result"] == "accepted" || l["result"] == "refused" || l["result"] == "unknown" && l["result_code"] != "needs-confirmation" {
			settled[id]++
		}
		truth := w.truth(id)
		switch {
		case l["result"] == "accepted" && truth.Applied == 0:
			t.Errorf("%s was never accepted", id)
		case l["result"] == "refused" && truth.Applied > 0:
			t.Errorf("%s was carried out", id)
		}
	}
	for truth := range w.sim.RequestTruths() {
		id := truth.RequestID
		most, special := mayRun[id]
		if !special {
			most = 1
		}
		if truth.Applied > most || truth.Asked > most+2 {
			t.Errorf("%s was asked for %d times and run %d times", id, truth.Asked, truth.Applied)
		}
		if settled[id] > 1 {
			t.Errorf("%s has %d results", id, settled[id])
		}
	}
	w.finished(t)
	slices.Sort(lines)
	return lines
}

// finished checks that every sweep that took anything up has published and announced its report, once.
func (w *world) finished(t *testing.T) {
	t.Helper()
	begun, published := map[string]bool{}, map[string]bool{}
	for info, err := range w.state.List(t.Context(), "sweeps/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if parts := strings.Split(info.Key, "/"); len(parts) > 2 && parts[2] == "lines.json" {
			begun[parts[1]] = w.hasLines(t, info.Key)
		}
	}
	for info, err := range w.exchange.List(t.Context(), "reports/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if parts := strings.Split(info.Key, "/"); parts[len(parts)-1] == "summary.json" {
			published[parts[3]] = true
		}
	}
	maps.DeleteFunc(begun, func(_ string, lines bool) bool { return !lines })
	for id := range begun {
		if !published[id] || !slices.Contains(w.told, id) {
			t.Errorf("sweep %s published %v, announced %v", id, published[id], slices.Contains(w.told, id))
		}
	}
	if len(published) != len(begun) {
		t.Errorf("%d sweeps and %d reports", len(begun), len(published))
	}
}

// hasLines reports whether a sweep had anything to tell.
func (w *world) hasLines(t *testing.T, key string) bool {
	t.Helper()
	b, _, err := objects.Read(t.Context(), w.state, key, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(b), `"kind"`)
}

// Crashes may come in a row.
func TestManyCrashesInARow(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := crashWorld(t)
		crashes := 0
		for n := 9; ; n += 3 {
			_, err := w.cutRun(t, n, objectstest.When(n%2))
			if err == nil {
				break
			}
			if crashes++; crashes > 200 {
				t.Fatal("it never ends")
			}
		}
		w.judge(t)
		t.Logf("it took %d crashes", crashes)
	})
}
