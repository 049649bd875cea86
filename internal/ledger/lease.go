package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/objects"
)

// ErrLost means that a lease was released, or ran out and somebody else has it now: stop at once.
var ErrLost = errors.New("the lease is lost")

// BusyError means that somebody else holds a lease.
type BusyError struct {
	Key   string
	Owner string
	Until time.Time
}

func (e *BusyError) Error() string {
	return fmt.Sprintf("%s is held by %s until %s", e.Key, e.Owner, e.Until.Format(time.RFC3339))
}

// Lease is a hold on something that only one worker may have. It ends by itself when it is not renewed, so between
// two renewals nothing is certain but the clock: what must not happen twice needs a condition of its own.
// It is safe for concurrent use.
type Lease struct {
	records  Records[holder]
	key      string
	duration time.Duration

	mu  sync.Mutex
	own holder
}

// holder is what is stored at a lease's key. Without an owner it is free.
type holder struct {
	Owner string    `json:"owner,omitempty"`
	Token string    `json:"token,omitempty"` // of one Acquire
	Until time.Time `json:"until,omitzero"`
}

// Acquire takes the lease at key for duration: when it is free, when it ran out, or when owner has it already (a worker
// that came back after an answer was lost; an older [Lease] of the same owner is lost then). Otherwise the error is a
// [BusyError]. No two workers may share an owner.
func Acquire(ctx context.Context, s objects.Store, key, owner string, duration time.Duration, c clock.Clock) (*Lease, error) {
	return AcquireFrom(ctx, s, key, owner, duration, c, nil)
}

// AcquireFrom is [Acquire], but takes the lease also from a holder that dead reports cannot be alive; nil means nobody.
func AcquireFrom(ctx context.Context, s objects.Store, key, owner string, duration time.Duration, c clock.Clock, dead func(owner string) bool) (*Lease, error) {
	if owner == "" {
		return nil, fmt.Errorf("acquire %s: nobody does", key)
	}
	l := &Lease{records: Records[holder]{s, c}, key: key, duration: duration}
	token := rand.Text()
	own, err := l.records.Update(ctx, key, func(h holder) (holder, error) {
		now := c.Now()
		if h.Owner != "" && h.Owner != owner && now.Before(h.Until) && (dead == nil || !dead(h.Owner)) {
			return h, &BusyError{key, h.Owner, h.Until}
		}
		return holder{owner, token, now.Add(duration)}, nil
	})
	if err != nil {
		return nil, err
	}
	l.own = own
	return l, nil
}

// Until is when others may take the lease over.
func (l *Lease) Until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.own.Until
}

// Renew holds the lease for another duration from now on. One that ran out is renewed too, unless somebody has it: ErrLost.
func (l *Lease) Renew(ctx context.Context) error {
	return l.update(ctx, func(h holder) holder {
		h.Until = l.records.Clock.Now().Add(l.duration)
		return h
	})
}

// Release lets others have the lease at once. A lease that is lost, also to an earlier Release, is ErrLost.
func (l *Lease) Release(ctx context.Context) error {
	return l.update(ctx, func(holder) holder { return holder{} })
}

// update changes the lease as long as it is ours.
func (l *Lease) update(ctx context.Context, change func(holder) holder) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	own, err := l.records.Update(ctx, l.key, func(h holder) (holder, error) {
		if h.Token != l.own.Token {
			return h, ErrLost
		}
		return change(h), nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", l.key, err)
	}
	l.own.Until = own.Until
	return nil
}
