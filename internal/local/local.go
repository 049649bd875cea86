// Package local is the whole system in one process on one machine: folders in place of buckets, and what the three functions
// do in place of the functions. A file that is dropped becomes a batch through the same desk as in deny-bulk, requests are
// asked for by the same sweep as in reprocess, and callbacks are heard by the same handler as in callback.
//
// Everything that must survive stands in the state before it counts, so the process may be killed at any moment: the next
// one looks through the inbox, goes on with batches that were left behind, and ends the sweep that was.
package local

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"denybatch/internal/callback"
	"denybatch/internal/clock"
	"denybatch/internal/denial"
	"denybatch/internal/inbox"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/request"
	"denybatch/internal/sweep"
)

// System is how the system is made up. The zero value of Limit, Policy and Denial's fields means their default; everything
// else must be given, but for ROIT and Ready.
type System struct {
	Exchange objects.Store // an objects/dir, for people
	State    objects.Store // an objects/dir, for the machine
	Locks    string        // folder of locks, on this machine

	Account  func(ctx context.Context, org string) (denial.Upstream, error) // [inbox.ErrUnknownOrg] where there are no credentials
	ROIT     sweep.Reprocessor                                              // nil: requests are left alone
	Tokens   []callback.Token                                               // whom the endpoint listens to
	Listener net.Listener                                                   // of the endpoint

	Every  time.Duration // from the beginning of one sweep to that of the next
	Limit  int           // requests that one sweep asks for
	Policy request.Policy
	Denial denial.Options // Chunk and Concurrency

	Owner func() string           // names each piece of work, never twice the same
	Dead  func(owner string) bool // reports that a holder is of this machine: those that live hold a lock besides
	Ready func()                  // is called once nobody else can be at work; may be nil
	Say   func(line string)       // is told of each thing that happens, by one caller at a time
	Log   *slog.Logger            // is told what is wrong
}

// system is a System at work.
type system struct {
	System
	bench   Bench
	book    request.Book
	watch   *watcher
	denials *lane // one at a time: two files that name the same document do not deny it at once
	checks  *lane
	over    <-chan struct{} // closed when an orderly end is asked for
	saying  sync.Mutex
}

// Run works until ctx ends, and then comes to an orderly end: calls under way are let finish, batches are handed over to the
// next start, and a sweep writes its report. The error is a [LockedError] when another process of this machine is at work
// on the same state.
func (s System) Run(ctx context.Context) error {
	unlock, err := Lock(filepath.Join(s.Locks, "local.lock"), "runs the system on this state: end it first, or give another folder")
	if err != nil {
		return err
	}
	defer unlock()
	if s.Ready != nil {
		s.Ready()
	}
	return s.system().run(ctx)
}

func (s System) system() *system {
	sys := &system{System: s, denials: newLane(), checks: newLane()}
	sys.book = request.NewBook(s.State, clock.System{}, s.Policy)
	options := s.Denial
	options.Clock, options.Dead, options.Halt = clock.System{}, s.Dead, sys.halt
	sys.bench = Bench{Locks: s.Locks, Owner: s.Owner, Desk: inbox.Desk{
		Exchange: Folder{s.Exchange}, Out: s.Exchange, State: s.State, Due: &ledger.Index{Store: s.State, Clock: clock.System{}},
		Account: s.Account, Announce: sys.batchEnded, Options: options, Log: s.Log,
	}}
	sys.watch = newWatcher(s.Exchange, sys)
	return sys
}

// run runs all parts. None ends before ctx does, unless the endpoint breaks.
func (s *system) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s.over = ctx.Done()
	var parts sync.WaitGroup
	for _, part := range []func(context.Context){s.watch.run, s.sweeps, s.denials.run, s.checks.run} {
		parts.Go(func() { part(ctx) })
	}
	end, broken := s.listen()
	select {
	case <-ctx.Done():
	case err := <-broken:
		stop()
		parts.Wait()
		return err
	}
	s.say("Ending: calls under way are let finish.")
	parts.Wait() // the endpoint listens to the last, because what was asked may be answered
	return end()
}

func (s *system) ending() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// halt has engines leave their batches to the next start.
func (s *system) halt() denial.Halt {
	if s.ending() {
		return denial.HandOver
	}
	return denial.GoOn
}

// errUnconfigured is why nothing is asked of a ROIT that is not there.
var errUnconfigured = errors.New("it is not configured")
