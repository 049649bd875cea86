package journal

import (
	"context"
	"errors"
	"time"

	"denybatch/internal/objects"
)

// Amend changes the record of a batch that nobody works on; seed is the record of a batch that has none yet. While
// somebody other than owner holds the batch it changes nothing, because only the holder may: that is a [BusyError].
func Amend(ctx context.Context, s objects.Store, seed Record, owner string, now time.Time, change func(*Record)) (Record, error) {
	for {
		j := &Journal{claim: Claim{Batch: seed.Batch}, store: s}
		err := j.read(ctx)
		fresh := errors.Is(err, objects.ErrNotFound)
		switch held := j.record.Lease; {
		case fresh:
			j.record = seed
		case err != nil:
			return Record{}, err
		case held.Owner != "" && held.Owner != owner && now.Before(held.Until):
			return j.record, &BusyError{Batch: seed.Batch, Lease: held}
		}
		change(&j.record)
		if fresh {
			_, err = objects.CreateBytes(ctx, s, recordKey(seed.Batch), j.record.bytes())
		} else {
			err = j.write(ctx)
		}
		if !errors.Is(err, objects.ErrExists) && !errors.Is(err, objects.ErrChanged) {
			return j.record, err
		}
	}
}

// Fail notes why a worker could not go on with a claim. When nobody will try again it is also the end of the batch, unless that
// had ended before and the claim was not to reopen it. Otherwise the batch will be found, should its message be lost too.
func Fail(ctx context.Context, s objects.Store, c Claim, why string, last bool) error {
	now := c.Clock.Now()
	if c.Due != nil && !last {
		if _, err := c.Due.Schedule(ctx, now, Kind, c.Batch); err != nil {
			return err
		}
	}
	seed := Record{Batch: c.Batch, Source: c.Source, Org: c.Org, Status: Running, Run: 1, Began: now}
	_, err := Amend(ctx, s, seed, c.Owner, now, func(r *Record) {
		r.Failure, r.Lease, r.Seen = why, Lease{}, now
		if last && r.Status != Failed && (!r.Status.Over() || c.reopens(*r)) {
			r.Was, r.Status = r.Status, Failed
		}
	})
	return err
}
