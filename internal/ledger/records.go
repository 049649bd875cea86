package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/objects"
)

// ErrContended means that a record was changed by others each time before we could.
var ErrContended = errors.New("others change it all the time")

// ErrDamaged means that a record is there and cannot be read. Somebody has to look at it.
var ErrDamaged = errors.New("is damaged")

const (
	maxRecord = 1 << 20
	attempts  = 30

	// The pause before the next attempt is a random one, of up to firstPause, and up to twice as long each time.
	firstPause = 10 * time.Millisecond
	maxPause   = time.Second
)

// Records are objects that hold one T each, as JSON. They are safe for concurrent use, also by several processes.
type Records[T any] struct {
	Store objects.Store
	Clock clock.Clock
}

// Get returns the record at key. The error is [objects.ErrNotFound] when there is none.
func (r Records[T]) Get(ctx context.Context, key string) (T, error) {
	record, _, err := r.read(ctx, key)
	return record, err
}

// Update replaces the record at key by what change makes of it, and returns that. A record that is not there is the zero
// T to change, and is created. When change returns what it was given, nothing is written; when it fails, neither, and its
// error is returned as it is.
//
// change is called again when somebody else was faster. It must not have effects of its own, and it should be harmless
// to apply twice: when an answer of the store is lost and the record is then changed by others, it is. After another
// error it is unknown whether the record was changed.
func (r Records[T]) Update(ctx context.Context, key string, change func(T) (T, error)) (T, error) {
	pause := firstPause
	for range attempts {
		record, again, err := r.update(ctx, key, change)
		if !again {
			return record, err
		}
		if err := r.Clock.Sleep(ctx, rand.N(pause)); err != nil {
			return record, err
		}
		pause = min(2*pause, maxPause)
	}
	var none T
	return none, fmt.Errorf("update %s: %w", key, ErrContended)
}

// update is one attempt. When somebody else was faster, it is worth another.
func (r Records[T]) update(ctx context.Context, key string, change func(T) (T, error)) (record T, again bool, err error) {
	old, info, err := r.read(ctx, key)
	if err != nil && !errors.Is(err, objects.ErrNotFound) {
		return record, false, err
	}
	before, err := encode(key, old) // now, as change may touch what old points to
	if err != nil {
		return record, false, err
	}
	record, err = change(old)
	if err != nil {
		return record, false, err
	}
	after, err := encode(key, record)
	if err != nil || bytes.Equal(before, after) {
		return record, false, err
	}
	err = r.write(ctx, key, info.ETag, after)
	return record, errors.Is(err, objects.ErrExists) || errors.Is(err, objects.ErrChanged), err
}

// write puts b in place of the record whose ETag is etag, or of none.
func (r Records[T]) write(ctx context.Context, key, etag string, b []byte) error {
	var err error
	if etag == "" {
		_, err = objects.CreateBytes(ctx, r.Store, key, b)
	} else {
		_, err = objects.ReplaceBytes(ctx, r.Store, key, etag, b)
	}
	return err
}

func (r Records[T]) read(ctx context.Context, key string) (record T, info objects.Info, err error) {
	b, info, err := objects.Read(ctx, r.Store, key, maxRecord)
	if err != nil {
		return record, info, err
	}
	if err := json.Unmarshal(b, &record); err != nil {
		return record, info, fmt.Errorf("record %s %w: %w", key, ErrDamaged, err)
	}
	return record, info, nil
}

func encode(key string, record any) ([]byte, error) {
	b, err := json.MarshalIndent(record, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("record %s: %w", key, err)
	}
	return append(b, '\n'), nil
}
