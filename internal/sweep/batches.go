package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"denybatch/internal/journal"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/request"
	"denybatch/internal/verdict"
)

// ahead is how much earlier than its entry in the index a record may be due: entries stand at full minutes.
const ahead = time.Minute

// mindBatches has batches gone on with whose worker left them behind, and others run again that left rows unknown or not_sent.
func (r *run) mindBatches(ctx context.Context) error {
	if r.Batches == nil {
		return nil
	}
	for e, err := range r.index.Due(ctx, r.Clock.Now().Add(ahead), journal.Kind) {
		if err != nil {
			return err
		}
		if r.Halt() {
			return nil
		}
		if err := r.alive(ctx); err != nil {
			return err
		}
		if err := r.mindBatch(ctx, e); err != nil {
			return fmt.Errorf("batch %s: %w", e.ID, err)
		}
	}
	return nil
}

// mindBatch looks after one batch. A record that cannot be read must not keep all others waiting.
func (r *run) mindBatch(ctx context.Context, e ledger.Entry) error {
	rec, err := journal.Load(ctx, r.State, e.ID)
	if err != nil && !errors.Is(err, objects.ErrNotFound) {
		r.Log.ErrorContext(ctx, "record of a batch", "sweep", r.me.Sweep, "batch", e.ID, "error", err)
		return ctx.Err()
	}
	if err == nil && (rec.Status == journal.Running || rec.Status == journal.Reporting) {
		r.oldest = max(r.oldest, r.Clock.Now().Sub(rec.Began))
	}
	ready, err := r.index.Settle(ctx, e, rec.Due(r.Patience))
	if err != nil || !ready {
		return err
	}
	if rec.GivenUp(r.Patience) {
		return r.giveUp(ctx, rec)
	}
	return r.goOn(ctx, rec)
}

// goOn has somebody work on a batch, and notes that, so that the next sweep does not have it done again at once.
func (r *run) goOn(ctx context.Context, rec journal.Record) error {
	run, reopen := rec.Run, 0
	message := "its worker left it behind, so another goes on with it"
	if rec.Status.Over() {
		run++
		reopen = run
		message = fmt.Sprintf("%d rows unknown and %d not_sent: run %d looks at them", rec.Counts[verdict.Unknown], rec.Counts[verdict.NotSent], run)
	}
	if err := r.write(ctx, rec, request.Ruling{Result: verdict.Accepted, Status: string(rec.Status), Code: "batch-goes-on", Message: message}); err != nil {
		return err
	}
	if err := r.Batches.Continue(ctx, rec, reopen); err != nil {
		return err
	}
	return r.amend(ctx, rec, func(b *journal.Record) {
		b.Ordered = rec.Ordered.Again(run, r.Clock.Now(), rec.Seen)
	})
}

// giveUp says that somebody must look after a batch.
func (r *run) giveUp(ctx context.Context, rec journal.Record) error {
	message := fmt.Sprintf("after %d runs there are still %d rows unknown and %d not_sent: look at its report, and send the retry file when the cause is mended",
		rec.Run, rec.Counts[verdict.Unknown], rec.Counts[verdict.NotSent])
	if err := r.write(ctx, rec, request.Ruling{Result: verdict.Exhausted, Status: string(rec.Status), Code: "batch-given-up", Message: message}); err != nil {
		return err
	}
	return r.amend(ctx, rec, func(b *journal.Record) { b.Told = max(b.Told, rec.Run) })
}

// write writes the line of a batch down, unless a worker before us has.
func (r *run) write(ctx context.Context, rec journal.Record, ruling request.Ruling) error {
	line := item{Kind: kindBatch, Batch: rec.Batch, File: rec.Source.Key, Fixed: &ruling}
	if r.diary.taken[line.key()] != none {
		return nil
	}
	r.diary.add(entry{Item: &line})
	return r.diary.flush(ctx)
}

// amend changes the record of a batch. One that somebody has taken up meanwhile is in good hands.
func (r *run) amend(ctx context.Context, rec journal.Record, change func(*journal.Record)) error {
	_, err := journal.Amend(ctx, r.State, rec, r.Worker, r.Clock.Now(), change)
	if _, busy := errors.AsType[*journal.BusyError](err); busy {
		return nil
	}
	return err
}
