package local

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"time"

	"denybatch/internal/callback"
	"denybatch/internal/objects"
	"denybatch/internal/request"
	"denybatch/internal/sweep"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/roit"
)

// SweepLock is the lock that sweeps hold on this machine, below the folder of locks.
const SweepLock = "sweep.lock"

// sweeps sweeps at once and then on schedule, until ctx ends. A sweep that takes longer makes the schedule wait.
func (s *system) sweeps(ctx context.Context) {
	for first := true; ctx.Err() == nil; first = false {
		next := time.Now().Add(s.Every)
		s.settle(ctx)
		s.sweep(context.WithoutCancel(ctx), first)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(next)):
		}
	}
}

// settle gives files that are being written a moment, so that a sweep does not miss what was dropped just before it.
func (s *system) settle(ctx context.Context) {
	for deadline := time.Now().Add(2 * quietFor); time.Now().Before(deadline) && s.stirring(ctx); {
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchEvery):
		}
	}
}

// stirring reports whether a file for the sweep is being written.
func (s *system) stirring(ctx context.Context) bool {
	for info, err := range s.Exchange.List(ctx, "inbox/reprocess/", "") {
		if err != nil {
			return false
		}
		if !beside(info.Key) && !s.watch.whole(info) {
			return true
		}
	}
	return false
}

// sweep makes one sweep.
func (s *system) sweep(ctx context.Context, first bool) {
	unlock, err := Lock(filepath.Join(s.Locks, SweepLock), "is sweeping")
	if _, busy := errors.AsType[*LockedError](err); busy {
		s.say("Sweep: none, because %v.", err)
		return
	}
	if err != nil {
		s.say("Sweep: failed: %v.", err)
		return
	}
	defer unlock()
	end, err := s.sweeper().Sweep(ctx)
	switch {
	case err != nil:
		s.say("Sweep: failed, and the next one goes on: %v.", err)
	case end.Ignored != "":
		s.say("Sweep: none, because %s.", end.Ignored)
	case end.HandedOver:
		s.say("Sweep %s: interrupted while it read files; the next one goes on.", end.Sweep)
	case end.Summary == nil && end.Stopped != "":
		s.say("Sweep: %s; what is due (%d) is for the next one.", end.Stopped, end.Waiting)
	case end.Summary == nil && first:
		s.say("Sweep: nothing is due. Sweeps that find nothing are not told of again.")
	}
}

func (s *system) sweeper() sweep.Sweeper {
	up := s.ROIT
	if up == nil {
		up = nobody{}
	}
	return sweep.Sweeper{
		ROIT:     up,
		Exchange: view{s.Exchange, s.readable},
		State:    view{s.State, s.askable},
		Batches:  s,
		Replay:   func(ctx context.Context, id string) error { return callback.Replay(ctx, s.State, s.book, id) },
		Announce: s.sweepEnded,
		Options: sweep.Options{
			Worker: s.Owner(), Limit: s.Limit, Policy: s.Policy, Clock: Hasty(s.over), Halt: s.ending, Dead: s.Dead, Log: s.Log,
		},
	}
}

// readable reports whether a sweep may read a file: it is whole, and there is somebody to ask for what it names.
func (s *system) readable(info objects.Info) bool {
	return !isRequests(info.Key) || s.ROIT != nil && s.watch.whole(info)
}

// askable hides from a sweep what is due while there is nobody to ask, so that it waits for somebody.
func (s *system) askable(info objects.Info) bool {
	parts := strings.SplitN(info.Key, "/", 4)
	return s.ROIT != nil || len(parts) < 4 || parts[0] != "due" || parts[2] != request.Kind
}

// nobody is a ROIT that is not configured. Only the end of a sweep that was begun when it was comes here.
type nobody struct{}

// Reprocess implements [sweep.Reprocessor].
func (nobody) Reprocess(context.Context, string, string) (roit.Answer, error) {
	return roit.Answer{}, &upstream.UnsentError{Op: "reprocess", Err: errUnconfigured}
}
