package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"denybatch/internal/ledger"
	"denybatch/internal/objects"
)

func (w world) index() ledger.Index { return ledger.Index{Store: w.store, Clock: w.clock} }

// schedule makes something due in d.
func (w world) schedule(t *testing.T, d time.Duration, kind, id string) ledger.Entry {
	t.Helper()
	e, err := w.index().Schedule(t.Context(), w.clock.Now().Add(d), kind, id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// wantDue checks what the index holds for the time until d from now, as kind/id.
func (w world) wantDue(t *testing.T, d time.Duration, kind string, want ...string) {
	t.Helper()
	got := []string{}
	for e, err := range w.index().Due(t.Context(), w.clock.Now().Add(d), kind) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Kind+"/"+e.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("due in %s: got %q, want %q", d, got, want)
	}
}

// truths says when records are due, by their id.
type truths map[string]time.Time

func (r truths) of(_ context.Context, e ledger.Entry) (time.Time, error) {
	if strings.HasPrefix(e.ID, "bad") {
		return time.Time{}, errors.New("damaged")
	}
	return r[e.ID], nil
}

// wantReady checks which entries are ready, with an exclamation mark behind those with an error.
func (w world) wantReady(t *testing.T, r truths, want ...string) {
	t.Helper()
	got := []string{}
	for e, err := range w.index().Ready(t.Context(), "", r.of) {
		if err != nil {
			e.ID += "!"
		}
		got = append(got, e.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("ready: got %q, want %q", got, want)
	}
}

func entriesComeInOrder(t *testing.T, w world) {
	for i, d := range []time.Duration{90 * time.Minute, 0, 36 * time.Hour, time.Minute, 400 * 24 * time.Hour} {
		w.schedule(t, d, "roit", fmt.Sprint("r", i))
	}
	w.schedule(t, time.Minute, "batch", "b")
	w.wantDue(t, -time.Minute, "")
	w.wantDue(t, 0, "", "roit/r1")
	w.wantDue(t, time.Minute, "", "roit/r1", "batch/b", "roit/r3")
	w.wantDue(t, 10000*time.Hour, "", "roit/r1", "batch/b", "roit/r3", "roit/r0", "roit/r2", "roit/r4")
	w.wantDue(t, 10000*time.Hour, "batch", "batch/b")
	w.wantDue(t, 10000*time.Hour, "other")
}

func entriesAreWholeMinutes(t *testing.T, w world) {
	now := w.clock.Now()
	for at, want := range map[time.Time]time.Time{
		now:                                  now,
		now.Add(time.Nanosecond):             now.Add(time.Minute),
		now.Add(59 * time.Second):            now.Add(time.Minute),
		now.Add(time.Hour).Local():           now.Add(time.Hour),
		now.Add(-time.Hour):                  now, // never in the past, where Ready would drop it
		now.In(time.FixedZone("", 5400)):     now,
		now.Add(61 * time.Second).In(dublin): now.Add(2 * time.Minute),
	} {
		e, err := w.index().Schedule(t.Context(), at, "roit", "a/b")
		if err != nil || !e.At.Equal(want) || e.At.Location() != time.UTC {
			t.Errorf("%s: got %+v, error %v, want %s", at, e, err, want)
		}
	}
	w.pass(t, 30*time.Second)
	if e, err := w.index().Schedule(t.Context(), now, "roit", "c"); err != nil || !e.At.Equal(now.Add(time.Minute)) {
		t.Errorf("got %+v, error %v, want the next minute", e, err)
	}
	key := "due/" + now.Format("2006-01-02T15:04Z") + "/roit/a/b"
	if keys := w.keys(t); !slices.Contains(keys, key) {
		t.Errorf("%s is not among %q", key, keys)
	}
	for _, kind := range []string{"", "a/b", ".."} {
		if _, err := w.index().Schedule(t.Context(), now, kind, "x"); err == nil {
			t.Errorf("kind %q was accepted", kind)
		}
	}
}

var dublin = time.FixedZone("summer", 3600)

func foreignKeysAreNoEntries(t *testing.T, w world) {
	w.schedule(t, 0, "roit", "a")
	for _, key := range []string{"due/2020-01-01T00:00Z/x", "due/2020-01-01/a/b", "due/2020-1-1T00:00Z/a/b", "due/README", "due/later/a/b", "dues/2020-01-01T00:00Z/a/b"} {
		if _, err := objects.CreateBytes(t.Context(), w.store, key, nil); err != nil {
			t.Fatal(err)
		}
	}
	w.wantDue(t, 10000*time.Hour, "", "roit/a")
}

func scheduleTwice(t *testing.T, w world) {
	first, second := w.schedule(t, 0, "roit", "a"), w.schedule(t, 0, "roit", "a")
	if first != second {
		t.Errorf("got %+v, then %+v", first, second)
	}
	w.wantDue(t, 0, "", "roit/a")
	for range 2 {
		if err := w.index().Drop(t.Context(), first); err != nil {
			t.Error(err)
		}
	}
	w.wantDue(t, 0, "")
}

func readyAsksTheRecord(t *testing.T, w world) {
	now := w.clock.Now()
	for _, id := range []string{"due", "done", "later", "unknown", "exactly"} {
		w.schedule(t, 0, "roit", id)
	}
	w.schedule(t, time.Hour, "roit", "tomorrow")
	w.wantReady(t, truths{"due": now.Add(-time.Second), "exactly": now, "later": now.Add(time.Second), "tomorrow": now}, "due", "exactly")
}

func readyGoesOnAfterABadRecord(t *testing.T, w world) {
	for _, id := range []string{"a", "bad", "c"} {
		w.schedule(t, 0, "roit", id)
	}
	w.pass(t, 2*ledger.Grace)
	now := w.clock.Now()
	w.wantReady(t, truths{"a": now, "c": now}, "a", "bad!", "c")
	w.wantDue(t, 0, "", "roit/a", "roit/bad", "roit/c")
}

func readyWaitsWithDropping(t *testing.T, w world) {
	w.schedule(t, 0, "roit", "done")
	w.schedule(t, 0, "roit", "later")
	r := truths{"later": w.clock.Now().Add(time.Hour + time.Second)}
	w.pass(t, ledger.Grace-time.Second)
	w.wantReady(t, r)
	w.wantDue(t, 0, "", "roit/done", "roit/later")
	w.pass(t, time.Second)
	w.wantReady(t, r)
	w.wantDue(t, 0, "")
	w.wantDue(t, time.Hour, "", "roit/later") // it had no entry of its own
	w.pass(t, time.Hour)
	w.wantReady(t, r, "later")
}

// What is handled between two entries is not handled twice.
func readyFindsWhatWasHandledLate(t *testing.T, w world) {
	now := w.clock.Now()
	w.schedule(t, 0, "roit", "a")
	w.schedule(t, time.Minute, "roit", "a")
	w.pass(t, time.Minute)
	r, handled := truths{"a": now}, 0
	for e, err := range w.index().Ready(t.Context(), "roit", r.of) {
		if err != nil {
			t.Fatal(err)
		}
		handled++
		delete(r, e.ID)
	}
	if handled != 1 {
		t.Errorf("handled %d times, want 1", handled)
	}
	w.pass(t, ledger.Grace)
	w.wantReady(t, r)
	w.wantDue(t, 0, "")
}
