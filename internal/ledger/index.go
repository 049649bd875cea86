package ledger

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/objects"
)

// Grace is how long an entry stays in the index after it became due, whatever its record says. The package comment
// tells why.
const Grace = 20 * time.Minute

const (
	duePrefix = "due/"
	minute    = "2006-01-02T15:04Z"
)

// Index finds what is due: one empty object for each minute, kind and id. It is safe for concurrent use, also by several
// processes, whose clocks may differ by much less than [Grace].
type Index struct {
	Store objects.Store
	Clock clock.Clock
}

// Entry says that the record of a kind with an id is perhaps due since At, a full minute.
type Entry struct {
	At   time.Time
	Kind string
	ID   string
}

// key is where the entry is.
func (e Entry) key() string { return duePrefix + e.At.Format(minute) + "/" + e.Kind + "/" + e.ID }

// parse returns the entry at key, unless somebody else put something there.
func parse(key string) (e Entry, ok bool) {
	parts := strings.SplitN(strings.TrimPrefix(key, duePrefix), "/", 3)
	if len(parts) != 3 {
		return Entry{}, false
	}
	at, err := time.Parse(minute, parts[0])
	e = Entry{at, parts[1], parts[2]}
	return e, err == nil && e.key() == key
}

// Schedule makes sure that the record of kind and id is found when it is due: in the first full minute that is neither
// before at nor over. It must be called before the record says so. An id may contain slashes; a kind may not.
func (x Index) Schedule(ctx context.Context, at time.Time, kind, id string) (Entry, error) {
	if now := x.Clock.Now(); at.Before(now) {
		at = now
	}
	e := Entry{fullMinute(at), kind, id}
	if kind == "" || strings.Contains(kind, "/") {
		return Entry{}, fmt.Errorf("schedule %s: bad kind %q", id, kind)
	}
	_, err := objects.CreateBytes(ctx, x.Store, e.key(), nil)
	if err != nil && !errors.Is(err, objects.ErrExists) {
		return Entry{}, fmt.Errorf("schedule %s %s: %w", kind, id, err)
	}
	return e, nil
}

// fullMinute returns the first full minute, in UTC, that is not before t.
func fullMinute(t time.Time) time.Time {
	return t.UTC().Add(time.Minute - time.Nanosecond).Truncate(time.Minute)
}

// Due yields the entries that are due at now, the oldest first, as they stand in the index; kind "" is every kind.
// Entries may be scheduled and dropped meanwhile.
func (x Index) Due(ctx context.Context, now time.Time, kind string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for info, err := range x.Store.List(ctx, duePrefix, "") {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			e, ok := parse(info.Key)
			if ok && e.At.After(now) {
				return
			}
			if ok && (kind == "" || kind == e.Kind) && !yield(e, nil) {
				return
			}
		}
	}
}

// Ready yields the entries that are due now and whose records agree, the oldest first; kind "" is every kind. truth reads
// the record of an entry and returns when it is due; the zero time is never, and so is a record that is not there.
//
// Several entries may stand for one record. truth is asked just before each, so who handles an entry before taking the
// next one handles it once. An error with an entry is truth's, about this one alone; an error without ends the listing.
//
// On its way Ready drops the entries whose records do not agree, as soon as [Grace] is over. Callers need not drop
// anything: what they handled has a record that says so.
func (x Index) Ready(ctx context.Context, kind string, truth func(context.Context, Entry) (time.Time, error)) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for e, err := range x.Due(ctx, x.Clock.Now(), kind) {
			if err != nil {
				yield(Entry{}, err)
				return
			}
			at, err := truth(ctx, e)
			ready := false
			if err == nil {
				ready, err = x.Settle(ctx, e, at)
			}
			if (ready || err != nil) && !yield(e, err) {
				return
			}
		}
	}
}

// Settle reports whether the record of e, which is due at the time that it says, is due now; the zero time is never. If e
// stands for nothing, it is dropped as soon as [Grace] is over, or moved to where it belongs.
func (x Index) Settle(ctx context.Context, e Entry, at time.Time) (ready bool, err error) {
	now := x.Clock.Now()
	if !at.IsZero() && !at.After(now) {
		return true, nil
	}
	if now.Before(e.At.Add(Grace)) {
		return false, nil
	}
	if !at.IsZero() {
		if _, err := x.Schedule(ctx, at, e.Kind, e.ID); err != nil {
			return false, err
		}
	}
	return false, x.Drop(ctx, e)
}

// Drop removes an entry at once; one that is not there is no error. [Index.Ready] does it in time: who does it before
// [Grace] is over must know that nobody is about to make the record due in that minute.
func (x Index) Drop(ctx context.Context, e Entry) error {
	if err := x.Store.Delete(ctx, e.key()); err != nil {
		return fmt.Errorf("drop %s %s: %w", e.Kind, e.ID, err)
	}
	return nil
}
