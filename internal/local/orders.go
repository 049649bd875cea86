package local

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"denybatch/internal/inbox"
	"denybatch/internal/journal"
	"denybatch/internal/objects"
)

// How long to wait for others, and how often and how patiently a batch is tried that fails.
const (
	lookAgain = 5 * time.Second
	tries     = 5
	firstWait = time.Second
)

// arrived is told of each file in the inbox once it is quiet.
func (s *system) arrived(key string, atStart bool) {
	order, ok := inbox.ParseKey(key)
	switch {
	case ok:
		s.lane(order).put(func(ctx context.Context) { s.pickUp(ctx, order, key, atStart, 1) })
	case !isRequests(key):
		s.say("%s is in no folder of mine: put it into inbox/deny/<organisation>/, inbox/check/<organisation>/ or inbox/reprocess/<integration>/.", key)
	case s.ROIT == nil:
		s.say("%s is left alone, because ROIT is not configured.", key)
	case !atStart:
		s.say("%s is there; the next sweep reads it.", key)
	}
}

func (s *system) cannotLook(err error) { s.say("The inbox cannot be read: %v.", err) }

// isRequests reports whether a sweep reads a file: inbox/reprocess/<integration>/<name>.
func isRequests(key string) bool {
	rest, ok := strings.CutPrefix(key, "inbox/reprocess/")
	return ok && strings.Contains(rest, "/")
}

func (s *system) lane(o inbox.Order) *lane {
	if o.Kind == inbox.Check {
		return s.checks
	}
	return s.denials
}

// pickUp makes a batch of a file, unless it has been made one before.
func (s *system) pickUp(ctx context.Context, order inbox.Order, key string, atStart bool, try int) {
	o := inbox.Object{Bucket: FolderBucket, Key: key}
	file, prefix, begun, err := s.identify(ctx, order, &o)
	switch {
	case errors.Is(err, ErrStirred):
		s.watch.again(key)
	case errors.Is(err, inbox.ErrGone): // whoever took it away before it was read wants nothing
	case err != nil:
		s.failed(order, key, try, err, func(ctx context.Context) { s.pickUp(ctx, order, key, atStart, try+1) })
	case prefix != "":
		file.Close()
		if !atStart {
			s.say("%s was dealt with before, with this very content: its reports are below %s. Under another name it is a new batch.", key, prefix)
		}
	default:
		s.say("%s: %s, batch %s.", key, picked(begun), batchOf(o))
		s.work(ctx, errand{order: order, object: o, file: file, try: 1})
	}
}

// identify reads a file to its end, notes in o which content that is, and says what is known of its batch. Without an error
// the file is the caller's to close.
func (s *system) identify(ctx context.Context, order inbox.Order, o *inbox.Object) (file found, prefix string, begun bool, err error) {
	if file, err = s.find(ctx, o); err != nil {
		return nil, "", false, err
	}
	if prefix, begun, err = s.known(ctx, order, batchOf(*o)); err != nil {
		file.Close()
	}
	return file, prefix, begun, err
}

func picked(begun bool) string {
	if begun {
		return "goes on where it was left"
	}
	return "picked up"
}

func (s *system) find(ctx context.Context, o *inbox.Object) (found, error) {
	pinned, err := s.bench.Desk.Exchange.Pin(ctx, *o)
	if large, ok := errors.AsType[*largeError](err); ok {
		o.ETag = large.etag
		return large, nil
	}
	if err != nil {
		return nil, err
	}
	o.ETag = pinned.ETag
	return held{pinned}, nil
}

// known says below which prefix the reports of a batch are that is over and was told of, or else whether it was begun.
func (s *system) known(ctx context.Context, order inbox.Order, batch string) (prefix string, begun bool, err error) {
	if order.Kind == inbox.Check { // a dry run leaves nothing behind but its report
		body, _, err := s.Exchange.Open(ctx, order.Reports(batch)+"summary.json")
		if err != nil {
			return "", false, ignoring(err, objects.ErrNotFound)
		}
		return order.Reports(batch), true, body.Close()
	}
	rec, err := journal.Load(ctx, s.State, batch)
	switch {
	case err != nil:
		return "", false, ignoring(err, objects.ErrNotFound)
	case rec.Status.Over() && rec.Announced >= rec.Run:
		return rec.Prefix, true, nil
	}
	return "", true, nil
}

func ignoring(err, harmless error) error {
	if errors.Is(err, harmless) {
		return nil
	}
	return err
}

// errand is work on one batch.
type errand struct {
	order  inbox.Order
	object inbox.Object
	file   found // for the first try; nil: the file is read anew
	try    int
	told   bool // that somebody else is on it
}

// work does an errand as far as it goes, and sees to it that the rest is done later.
func (s *system) work(ctx context.Context, e errand) {
	bench := s.bench
	progress := newProgress(s, e.object.Key)
	bench.Desk.Options.Progress = progress.show
	if e.file != nil {
		bench.Desk.Exchange = e.file
		defer e.file.Close() // the desk has done it, if it came to that
	}
	end, err := bench.Work(ctx, e.object, e.try >= tries)
	e.file = nil
	if busy, ok := errors.AsType[*journal.BusyError](err); ok {
		s.wait(e, max(lookAgain, time.Until(busy.Lease.Until)))
		return
	}
	if _, ok := errors.AsType[*LockedError](err); ok {
		s.wait(e, lookAgain)
		return
	}
	switch {
	case errors.Is(err, journal.ErrLost):
		s.wait(e, lookAgain)
	case err != nil:
		next := e
		next.try++
		s.failed(e.order, e.object.Key, e.try, err, func(ctx context.Context) { s.work(ctx, next) })
	case end.HandedOver:
		s.say("%s: handed over to the next start, batch %s.", e.object.Key, end.Batch)
	}
}

// wait comes back to a batch that another process works on.
func (s *system) wait(e errand, pause time.Duration) {
	if !e.told {
		e.told = true
		s.say("%s: another process works on it; I look again when it has ended.", e.object.Key)
	}
	s.later(pause, func() { s.lane(e.order).put(func(ctx context.Context) { s.work(ctx, e) }) })
}

// failed has something tried again, a few times.
func (s *system) failed(order inbox.Order, key string, try int, err error, next func(context.Context)) {
	if try >= tries {
		s.say("%s: failed, and is left alone after %d tries: %v. The next start tries it again.", key, tries, err)
		return
	}
	pause := firstWait << (try - 1)
	s.say("%s: failed, and is tried again in %v: %v.", key, pause, err)
	s.later(pause, func() { s.lane(order).put(next) })
}

// later does something after a pause, unless the end comes first.
func (s *system) later(pause time.Duration, do func()) {
	time.AfterFunc(pause, func() {
		if !s.ending() {
			do()
		}
	})
}

// Continue implements [denybatch/internal/sweep.Batches].
func (s *system) Continue(_ context.Context, rec journal.Record, reopen int) error {
	o := inbox.ObjectOf(rec)
	order, ok := inbox.ParseKey(o.Key)
	if !ok || o.Bucket != FolderBucket {
		return fmt.Errorf("batch %s was made of %s in bucket %s, which is not this exchange", rec.Batch, o.Key, o.Bucket)
	}
	o.Reopen = reopen
	s.denials.put(func(ctx context.Context) {
		s.say("%s: %s, batch %s.", o.Key, wanted(reopen), rec.Batch)
		s.work(ctx, errand{order: order, object: o, try: 1})
	})
	return nil
}

func wanted(reopen int) string {
	if reopen > 0 {
		return fmt.Sprintf("run %d begins, because rows were left unknown or not_sent", reopen)
	}
	return "goes on, because its worker left it behind"
}
