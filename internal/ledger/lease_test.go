package ledger_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"denybatch/internal/ledger"

	"golang.org/x/sync/errgroup"
)

const leaseKey = "leases/sweep.json"

func (w world) acquire(t *testing.T, owner string) (*ledger.Lease, error) {
	return ledger.Acquire(t.Context(), w.store, leaseKey, owner, time.Minute, w.clock)
}

func (w world) mustAcquire(t *testing.T, owner string) *ledger.Lease {
	t.Helper()
	l, err := w.acquire(t, owner)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func wantBusy(t *testing.T, err error, owner string, until time.Time) {
	t.Helper()
	var busy *ledger.BusyError
	if !errors.As(err, &busy) || busy.Owner != owner || !busy.Until.Equal(until) || busy.Key != leaseKey {
		t.Errorf("got error %v, want BusyError of %s until %s", err, owner, until)
	}
}

func wantLost(t *testing.T, what string, err error) {
	t.Helper()
	if !errors.Is(err, ledger.ErrLost) {
		t.Errorf("%s: got error %v, want ErrLost", what, err)
	}
}

func leaseHasOneHolder(t *testing.T, w world) {
	until := w.clock.Now().Add(time.Minute)
	a := w.mustAcquire(t, "a")
	if !a.Until().Equal(until) {
		t.Errorf("until %s, want %s", a.Until(), until)
	}
	w.pass(t, time.Minute-time.Nanosecond)
	_, err := w.acquire(t, "b")
	wantBusy(t, err, "a", until)
	if _, err := w.acquire(t, ""); err == nil {
		t.Error("nobody acquired it")
	}
}

func leaseRunsOut(t *testing.T, w world) {
	a := w.mustAcquire(t, "a")
	w.pass(t, time.Minute)
	b := w.mustAcquire(t, "b")
	wantLost(t, "renew", a.Renew(t.Context()))
	wantLost(t, "release", a.Release(t.Context()))
	_, err := w.acquire(t, "c")
	wantBusy(t, err, "b", b.Until())
	if err := b.Renew(t.Context()); err != nil {
		t.Error(err)
	}
}

func leaseIsRenewed(t *testing.T, w world) {
	a := w.mustAcquire(t, "a")
	for range 3 {
		w.pass(t, 59*time.Second)
		if err := a.Renew(t.Context()); err != nil {
			t.Fatal(err)
		}
		if want := w.clock.Now().Add(time.Minute); !a.Until().Equal(want) {
			t.Errorf("until %s, want %s", a.Until(), want)
		}
	}
	w.pass(t, 2*time.Minute) // it ran out, but nobody took it
	if err := a.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := w.acquire(t, "b")
	wantBusy(t, err, "a", a.Until())
}

func leaseIsReleased(t *testing.T, w world) {
	a := w.mustAcquire(t, "a")
	if err := a.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantLost(t, "release again", a.Release(t.Context()))
	wantLost(t, "renew", a.Renew(t.Context()))
	w.mustAcquire(t, "b")
}

func leaseOfTheSameOwner(t *testing.T, w world) {
	before := w.mustAcquire(t, "a")
	after := w.mustAcquire(t, "a")
	wantLost(t, "renew the older", before.Renew(t.Context()))
	if err := after.Renew(t.Context()); err != nil {
		t.Error(err)
	}
}

// leaseRace has many want the same lease, again and again.
func leaseRace(t *testing.T, w world) {
	var holders, turns atomic.Int32
	var group errgroup.Group
	for i := range 5 {
		group.Go(func() error {
			for range 4 {
				l, err := w.acquire(t, fmt.Sprint("worker", i))
				var busy *ledger.BusyError
				if errors.As(err, &busy) || errors.Is(err, ledger.ErrContended) {
					continue
				}
				if err != nil {
					return err
				}
				turns.Add(1)
				if n := holders.Add(1); n != 1 {
					return fmt.Errorf("%d hold it", n)
				}
				holders.Add(-1)
				if err := l.Release(t.Context()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if turns.Load() == 0 {
		t.Error("nobody got it")
	}
}
