package ledger_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"denybatch/internal/clock"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"

	"golang.org/x/sync/errgroup"
)

type counter struct {
	N     int            `json:"n"`
	Notes map[string]int `json:"notes,omitempty"`
}

func (w world) counters() ledger.Records[counter] {
	return ledger.Records[counter]{Store: w.store, Clock: w.clock}
}

func increment(c counter) (counter, error) {
	c.N++
	return c, nil
}

func recordIsCreatedAndChanged(t *testing.T, w world) {
	r := w.counters()
	if _, err := r.Get(t.Context(), "c"); !errors.Is(err, objects.ErrNotFound) {
		t.Errorf("got error %v, want ErrNotFound", err)
	}
	for want := 1; want < 4; want++ {
		got, err := r.Update(t.Context(), "c", increment)
		if err != nil || got.N != want {
			t.Fatalf("got %+v, error %v, want %d", got, err, want)
		}
		if got, err := r.Get(t.Context(), "c"); err != nil || got.N != want {
			t.Fatalf("stored %+v, error %v, want %d", got, err, want)
		}
	}
}

func noChangeIsNoWrite(t *testing.T, w world) {
	r := w.counters()
	same := func(c counter) (counter, error) { return c, nil }
	if got, err := r.Update(t.Context(), "c", same); err != nil || got.N != 0 || len(w.keys(t)) != 0 {
		t.Errorf("got %+v, error %v, and %q is stored", got, err, w.keys(t))
	}
	foreign := `{"n": 7, "written by": "a later version"}`
	if _, err := objects.CreateBytes(t.Context(), w.store, "c", []byte(foreign)); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Update(t.Context(), "c", same); err != nil || got.N != 7 {
		t.Errorf("got %+v, error %v", got, err)
	}
	if b, _, err := objects.Read(t.Context(), w.store, "c", 1000); err != nil || string(b) != foreign {
		t.Errorf("stored %s, error %v", b, err)
	}
	noted, err := r.Update(t.Context(), "c", func(c counter) (counter, error) {
		c.Notes = map[string]int{"a": 1}
		return c, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.Update(t.Context(), "c", func(c counter) (counter, error) {
		c.Notes["a"]++ // in place
		return c, nil
	})
	if got, gerr := r.Get(t.Context(), "c"); err != nil || gerr != nil || got.Notes["a"] != 2 || noted.Notes["a"] != 1 {
		t.Errorf("stored %+v, errors %v, %v", got, err, gerr)
	}
}

func changeFails(t *testing.T, w world) {
	// Not even an error like the store's own is taken for a reason to try again.
	for _, refused := range []error{errors.New("no"), objects.ErrChanged} {
		calls := 0
		_, err := w.counters().Update(t.Context(), "c", func(c counter) (counter, error) {
			calls++
			c.N++
			return c, refused
		})
		if err != refused || calls != 1 || len(w.keys(t)) != 0 {
			t.Errorf("got error %v after %d calls, and %q is stored", err, calls, w.keys(t))
		}
	}
}

func updatesAreNotLost(t *testing.T, w world) {
	var group errgroup.Group
	for range 6 {
		group.Go(func() error {
			for range 5 {
				if _, err := w.counters().Update(t.Context(), "c", increment); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	if got, err := w.counters().Get(t.Context(), "c"); err != nil || got.N != 30 {
		t.Errorf("got %+v, error %v, want 30", got, err)
	}
}

func damagedRecord(t *testing.T, w world) {
	if _, err := objects.CreateBytes(t.Context(), w.store, "c", []byte(`{"n": `)); err != nil {
		t.Fatal(err)
	}
	_, gerr := w.counters().Get(t.Context(), "c")
	_, uerr := w.counters().Update(t.Context(), "c", increment)
	for _, err := range []error{gerr, uerr} {
		if err == nil || !strings.Contains(err.Error(), "record c is damaged") {
			t.Errorf("got error %v, want to hear that c is damaged", err)
		}
	}
}

// rival is a store in which somebody else is always faster.
type rival struct {
	objects.Store
	tries int
}

func (r *rival) Create(context.Context, string) (objects.Writer, error) {
	r.tries++
	return nil, objects.ErrExists
}

func TestUpdateGivesUp(t *testing.T) {
	store := &rival{Store: newStore(t)}
	synctest.Test(t, func(t *testing.T) {
		_, err := world{store, clock.System{}}.counters().Update(t.Context(), "c", increment)
		if !errors.Is(err, ledger.ErrContended) || store.tries != 30 {
			t.Errorf("got error %v after %d attempts, want ErrContended after 30", err, store.tries)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		store.tries = 0
		_, err = world{store, clock.System{}}.counters().Update(ctx, "c", increment)
		if !errors.Is(err, context.Canceled) || store.tries > 1 {
			t.Errorf("got error %v after %d attempts, want Canceled", err, store.tries)
		}
	})
}
