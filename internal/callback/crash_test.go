package callback_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"denybatch/internal/callback"
	"denybatch/internal/clock"
	"denybatch/internal/objects/objectstest"
	"denybatch/internal/request"
)

// crashBodies are callbacks of every kind: one word, several about one request, some of which only some is understood, and
// none that is.
var crashBodies = []string{
	enclosed(time.Now(), model("i1", "r1", "ERROR")),
	enclosed(time.Now(), `[`+model("i1", "r1", "DONE")+`,`+model("i1", "r1", "WARNING")+`]`),
	`[` + model("i1", "r2", "ERROR") + `,{"requestId":"r3"},` + `{"processUniqueId":"p1","processStatus":"FINISHED"}]`,
	`{"status":"went well"}`,
}

// settled checks what all callbacks together should lead to.
func (w *world) settled(t *testing.T) {
	t.Helper()
	for _, c := range []struct {
		integration, id string
		want            request.State
	}{{"i1", "r1", request.Done}, {"i1", "r2", request.Failed}, {request.DataIntegration, "p1", request.Done}} {
		if rec := w.record(t, c.integration, c.id); rec.State != c.want {
			t.Errorf("%s is %s, want %s", c.id, rec.State, c.want)
		}
	}
	good, unreadable := w.kept(t)
	slices.Sort(good)
	slices.Sort(unreadable)
	wantGood, wantUnreadable := slices.Sorted(slices.Values(crashBodies[:3])), slices.Sorted(slices.Values(crashBodies[2:]))
	if !slices.Equal(good, wantGood) || !slices.Equal(unreadable, wantUnreadable) {
		t.Errorf("kept %q and %q", good, unreadable)
	}
}

// cutRun receives all callbacks until operation n on storage, and returns those that were not answered for good.
func (w *world) cutRun(t *testing.T, n int, when objectstest.When) (operations int, unanswered []string) {
	t.Helper()
	var cutter objectstest.Cutter
	cutter.CutAt(n, when)
	dying := worldIn(cutter.Store(w.store))
	for _, body := range crashBodies {
		if a := dying.post(t, body); cutter.Cut() != nil && a.Status == 503 {
			unanswered = append(unanswered, body)
		} else if a.Status == 503 {
			t.Errorf("an undisturbed run answers %d: %s", a.Status, dying.logs)
		}
	}
	return cutter.Count(), unanswered
}

// sweep applies what a sweep finds.
func (w *world) sweep(t *testing.T) {
	t.Helper()
	for _, id := range w.backlog(t) {
		if err := callback.Replay(context.Background(), w.store, request.NewBook(w.store, clock.System{}, policy), id); err != nil {
			t.Error(err)
		}
	}
}

// The receiver dies at every single operation on storage, before it and after it with the answer lost. What ROIT got no answer
// for it delivers again, before or after a sweep, and in the end everything is recorded and kept.
func TestNoCrashLosesACallback(t *testing.T) {
	whole := newWorld(t)
	operations, _ := whole.cutRun(t, 0, objectstest.Before)
	whole.settled(t)
	for n := 1; n <= operations; n++ {
		for _, when := range []objectstest.When{objectstest.Before, objectstest.After} {
			for _, sweepFirst := range []bool{true, false} {
				w := newWorld(t)
				_, unanswered := w.cutRun(t, n, when)
				if sweepFirst {
					w.sweep(t)
				}
				for _, body := range unanswered {
					if a := w.post(t, body); a.Status == 503 {
						t.Errorf("delivered again: %d", a.Status)
					}
				}
				w.sweep(t)
				w.settled(t)
				if t.Failed() {
					t.Fatalf("cut at operation %d of %d, %v; sweep first: %v", n, operations, when, sweepFirst)
				}
			}
		}
	}
	t.Logf("evidence: %d cut points survived", 2*operations)
}

// What was stored is applied by the next sweep even if ROIT never delivers it again.
func TestStoredIsEnough(t *testing.T) {
	whole := newWorld(t)
	operations, _ := whole.cutRun(t, 0, objectstest.Before)
	for n := 1; n <= operations; n++ {
		for _, when := range []objectstest.When{objectstest.Before, objectstest.After} {
			w := newWorld(t)
			w.cutRun(t, n, when)
			good, _ := w.kept(t)
			w.sweep(t)
			for i, id := range []string{"r1", "r1", "r2"} {
				rec := w.record(t, "i1", id)
				if stored := slices.Contains(good, crashBodies[i]); stored && !slices.Contains([]request.State{request.Failed, request.Done}, rec.State) {
					t.Fatalf("cut at operation %d of %d, %v: callback %d is stored, and the record is %+v", n, operations, when, i, rec)
				}
			}
			if slices.Contains(good, crashBodies[1]) && w.record(t, "i1", "r1").State != request.Done {
				t.Fatalf("cut at operation %d of %d, %v: DONE is stored, and not done", n, operations, when)
			}
		}
	}
}
