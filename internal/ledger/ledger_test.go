package ledger_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/objects/objectstest/s3server"
)

// start is when the tests begin.
var start = time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)

// world is what a ledger works with.
type world struct {
	store objects.Store
	clock clock.Clock
}

// rules is what ledgers promise.
var rules = map[string]func(*testing.T, world){
	"RecordIsCreatedAndChanged":    recordIsCreatedAndChanged,
	"NoChangeIsNoWrite":            noChangeIsNoWrite,
	"ChangeFails":                  changeFails,
	"UpdatesAreNotLost":            updatesAreNotLost,
	"DamagedRecord":                damagedRecord,
	"EntriesComeInOrder":           entriesComeInOrder,
	"EntriesAreWholeMinutes":       entriesAreWholeMinutes,
	"ForeignKeysAreNoEntries":      foreignKeysAreNoEntries,
	"ScheduleTwice":                scheduleTwice,
	"ReadyAsksTheRecord":           readyAsksTheRecord,
	"ReadyGoesOnAfterABadRecord":   readyGoesOnAfterABadRecord,
	"ReadyWaitsWithDropping":       readyWaitsWithDropping,
	"ReadyFindsWhatWasHandledLate": readyFindsWhatWasHandledLate,
	"LeaseHasOneHolder":            leaseHasOneHolder,
	"LeaseRunsOut":                 leaseRunsOut,
	"LeaseIsRenewed":               leaseIsRenewed,
	"LeaseIsReleased":              leaseIsReleased,
	"LeaseOfTheSameOwner":          leaseOfTheSameOwner,
	"LeaseRace":                    leaseRace,
}

// In a folder the rules are tested with the time of a bubble.
func TestInFolder(t *testing.T) {
	for name, rule := range rules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := newStore(t)
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(start.AddDate(1, 0, 0)).Truncate(time.Hour))
				rule(t, world{store, clock.System{}})
			})
		})
	}
}

// In a bucket they are tested with a clock that is turned by hand, for a network has no time of its own.
func TestInBucket(t *testing.T) {
	t.Parallel()
	for _, kind := range []s3server.Kind{s3server.Versity, s3server.Ministack} {
		t.Run(kind.Name, func(t *testing.T) {
			server := s3server.Start(t, kind)
			for name, rule := range rules {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					rule(t, world{server.Store(t), &hand{now: start}})
				})
			}
		})
	}
}

func newStore(t testing.TB) objects.Store {
	t.Helper()
	s, err := dir.New(t.TempDir(), dir.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// hand is a clock that goes forward by what is slept.
type hand struct {
	mu  sync.Mutex
	now time.Time
}

func (h *hand) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *hand) Sleep(ctx context.Context, d time.Duration) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
	return ctx.Err()
}

// pass lets time go by.
func (w world) pass(t *testing.T, d time.Duration) {
	t.Helper()
	if err := w.clock.Sleep(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// keys returns what is in the store.
func (w world) keys(t *testing.T) []string {
	t.Helper()
	keys := []string{}
	for info, err := range w.store.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}
