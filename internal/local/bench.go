package local

import (
	"cmp"
	"context"
	"path/filepath"

	"denybatch/internal/denial"
	"denybatch/internal/inbox"
)

// Bench works on orders in this process, exactly as deny-bulk does in the cloud. It may be used by several callers at once.
type Bench struct {
	Desk  inbox.Desk    // its Owner is completed for each order
	Locks string        // folder of the locks that keep the processes of this machine apart; empty: the leases alone do
	Owner func() string // names each piece of work, never twice the same
}

// Work brings an order to its end, or as far as the desk's Halt allows; see [inbox.Desk.Deny]. While another process of this
// machine works on the same batch, that is a [LockedError].
func (b Bench) Work(ctx context.Context, o inbox.Object, last bool) (inbox.Ending, error) {
	if b.Locks != "" {
		unlock, err := Lock(filepath.Join(b.Locks, batchOf(o)+".lock"), "is working on this batch")
		if err != nil {
			return inbox.Ending{Batch: batchOf(o), Object: o}, err
		}
		defer unlock()
	}
	desk := b.Desk
	desk.Options.Owner = b.Owner()
	return desk.Deny(ctx, o, last)
}

// batchOf is the batch that an object makes.
func batchOf(o inbox.Object) string {
	return denial.BatchID(o.Bucket, o.Key, cmp.Or(o.Version, o.ETag))
}
