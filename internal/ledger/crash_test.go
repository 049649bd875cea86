package ledger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest"
)

// request is a record as the sweep keeps them.
type request struct {
	Due  time.Time `json:"due,omitzero"`
	Done int       `json:"done"` // how often it was handled
}

// sweeper does what a worker does with requests.
type sweeper struct{ world }

func (s sweeper) requests() ledger.Records[request] {
	return ledger.Records[request]{Store: s.store, Clock: s.clock}
}

func requestKey(id string) string { return "requests/" + id + ".json" }

// ask makes a request due at at: first the entry, then the record.
func (s sweeper) ask(ctx context.Context, id string, at time.Time) error {
	if _, err := s.index().Schedule(ctx, at, "roit", id); err != nil {
		return err
	}
	return s.write(ctx, id, func(r request) request { r.Due = at; return r })
}

func (s sweeper) write(ctx context.Context, id string, change func(request) request) error {
	_, err := s.requests().Update(ctx, requestKey(id), func(r request) (request, error) { return change(r), nil })
	return err
}

// truth is when a request is due.
func (s sweeper) truth(ctx context.Context, e ledger.Entry) (time.Time, error) {
	r, err := s.requests().Get(ctx, requestKey(e.ID))
	if errors.Is(err, objects.ErrNotFound) {
		return time.Time{}, nil
	}
	return r.Due, err
}

// sweep handles what is due: the first time it comes back in an hour, then never.
func (s sweeper) sweep(ctx context.Context) error {
	for e, err := range s.index().Ready(ctx, "roit", s.truth) {
		if err != nil {
			return err
		}
		if err := s.handle(ctx, e.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s sweeper) handle(ctx context.Context, id string) error {
	r, err := s.requests().Get(ctx, requestKey(id))
	if err != nil {
		return err
	}
	if r.Done > 0 {
		return s.write(ctx, id, func(r request) request { return request{Done: r.Done + 1} })
	}
	again := s.clock.Now().Add(time.Hour)
	if _, err := s.index().Schedule(ctx, again, "roit", id); err != nil {
		return err
	}
	return s.write(ctx, id, func(r request) request { return request{again, r.Done + 1} })
}

// story is a run that asks for a request twice, sweeps it, and clears up.
func (s sweeper) story(ctx context.Context) error {
	lease, err := ledger.Acquire(ctx, s.store, "leases/sweep.json", "a", time.Minute, s.clock)
	if err != nil {
		return err
	}
	for range 2 {
		if err := s.ask(ctx, "x", start); err != nil {
			return err
		}
	}
	for range 4 {
		if err := errors.Join(s.sweep(ctx), lease.Renew(ctx)); err != nil {
			return err
		}
		if err := s.clock.Sleep(ctx, ledger.Grace); err != nil {
			return err
		}
	}
	return lease.Release(ctx)
}

// Wherever a worker dies, what its records say is due is found by the next one, its lease runs out, and in the end
// nothing is left in the index.
func TestNoCrashLosesWhatIsDue(t *testing.T) {
	count := new(objectstest.Cutter)
	cutStory(t, count)
	points := count.Count()
	if points < 30 {
		t.Fatalf("the story has only %d operations", points)
	}
	for n := 1; n <= points; n++ {
		for _, when := range []objectstest.When{objectstest.Before, objectstest.After} {
			t.Run(fmt.Sprint(when, n), func(t *testing.T) {
				t.Parallel()
				cutter := new(objectstest.Cutter)
				cutter.CutAt(n, when)
				resumed(t, cutStory(t, cutter))
			})
		}
	}
	t.Logf("%d cut points", 2*points)
}

// cutStory runs the story until it is cut, and returns the world it leaves behind.
func cutStory(t *testing.T, cutter *objectstest.Cutter) world {
	t.Helper()
	w := world{newStore(t), &hand{now: start}}
	err := sweeper{world{cutter.Store(w.store), w.clock}}.story(t.Context())
	if cutter.Cut() == nil && err != nil || cutter.Cut() != nil && !errors.Is(err, objectstest.ErrCut) {
		t.Fatalf("got error %v, cut %v", err, cutter.Cut())
	}
	return w
}

// resumed checks that a world goes on.
func resumed(t *testing.T, w world) {
	s := sweeper{w}
	before, err := s.requests().Get(t.Context(), requestKey("x"))
	if err != nil && !errors.Is(err, objects.ErrNotFound) {
		t.Fatal(err)
	}
	w.pass(t, time.Hour+time.Minute)
	if _, err := w.acquire(t, "b"); err != nil {
		t.Errorf("the dead worker's lease: %v", err)
	}
	for range 3 {
		if err := s.sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.pass(t, 2*time.Hour)
	}
	after, err := s.requests().Get(t.Context(), requestKey("x"))
	if !before.Due.IsZero() && (err != nil || after.Done != 2 || !after.Due.IsZero()) {
		t.Errorf("the request was %+v and is %+v, error %v, want it handled twice", before, after, err)
	}
	w.wantDue(t, 10000*time.Hour, "")
}
