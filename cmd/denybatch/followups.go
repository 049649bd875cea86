package main

import (
	"context"
	"errors"
	"fmt"
	"path"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"denybatch/internal/clock"
	"denybatch/internal/cloud"
	"denybatch/internal/denial"
	"denybatch/internal/inbox"
	"denybatch/internal/journal"
	"denybatch/internal/ledger"
	"denybatch/internal/local"
	"denybatch/internal/objects"
	"denybatch/internal/objects/s3"
	"denybatch/internal/report"
	"denybatch/internal/sweep"
	"denybatch/internal/verdict"
)

// followUps is what becomes of batches that a sweep finds left behind.
type followUps interface {
	// batches has them gone on with; nil when nobody can.
	batches() sweep.Batches
	// finish does what is left to do once the sweep has ended. The result is an exit status.
	finish(ctx context.Context) int
}

// newFollowUps finds out who can go on with batches.
func (s *sweeping) newFollowUps(ctx context.Context) (followUps, error) {
	switch {
	case s.queueURL != "":
		queue, err := s.queue(ctx)
		return queued{queue, s.exchange.bucket.Prefix}, err
	case absent(s.invx):
		return leftAlone{s}, nil
	}
	return s.newAtOnce(ctx)
}

// queued has deny-bulk go on with batches.
type queued struct {
	queue  cloud.Queue
	prefix string // of the exchange within its bucket
}

func (q queued) batches() sweep.Batches     { return q }
func (q queued) finish(context.Context) int { return exitDone }

// Continue implements [sweep.Batches].
func (q queued) Continue(ctx context.Context, rec journal.Record, reopen int) error {
	o := inbox.ObjectOf(rec)
	o.Key, o.Reopen = q.prefix+o.Key, reopen
	return q.queue.Continue(ctx, o, 0)
}

// leftAlone says how many batches somebody should go on with.
type leftAlone struct{ s *sweeping }

func (leftAlone) batches() sweep.Batches { return nil }

func (l leftAlone) finish(ctx context.Context) int {
	n, err := l.due(context.WithoutCancel(ctx))
	switch {
	case err != nil:
		fmt.Fprintf(l.s.stderr, "denybatch: whether batches are left behind cannot be read: %v\n", err)
	case n > 0:
		fmt.Fprintf(l.s.stderr, "denybatch: %s that should be gone on with, left alone: set DENYBATCH_QUEUE_URL, or the settings of InvX\n", batches(n))
	}
	return exitDone
}

func batches(n int) string {
	if n == 1 {
		return "there is 1 batch"
	}
	return fmt.Sprintf("there are %d batches", n)
}

func (l leftAlone) due(ctx context.Context) (int, error) {
	due := map[string]bool{}
	index := ledger.Index{Store: l.s.objects, Clock: clock.System{}}
	now := index.Clock.Now()
	for e, err := range index.Due(ctx, now, journal.Kind) {
		if err != nil {
			return 0, err
		}
		rec, err := journal.Load(ctx, l.s.objects, e.ID)
		if errors.Is(err, objects.ErrNotFound) {
			continue
		}
		if err != nil {
			return 0, err
		}
		if at := rec.Due(journal.DefaultPatience); !at.IsZero() && !at.After(now) {
			due[e.ID] = true
		}
	}
	return len(due), nil
}

// atOnce goes on with batches in this process, after the sweep: a batch may take longer than a sweep may stand still.
type atOnce struct {
	s        *sweeping
	bucket   string // that batches of this exchange are of
	bench    local.Bench
	accounts *local.Accounts
	wanted   []inbox.Object
}

func (s *sweeping) newAtOnce(ctx context.Context) (*atOnce, error) {
	a := &atOnce{s: s, bucket: local.FolderBucket, accounts: &local.Accounts{Config: s.invx.Config, Orgs: orgs(s.invx.Org)}}
	var exchange inbox.Exchange = local.Folder{Store: s.files}
	if s.exchange.folder == "" {
		cfg, err := awsconfig.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, err
		}
		a.bucket, exchange = s.exchange.bucket.Bucket, cloud.Exchange{Client: s3.NewClient(cfg), Prefix: s.exchange.bucket.Prefix}
	}
	a.bench = local.Bench{Locks: s.state.locks(), Owner: owner, Desk: inbox.Desk{
		Exchange: exchange, Out: s.files, State: s.objects, Due: &ledger.Index{Store: s.objects, Clock: clock.System{}},
		Account: a.accounts.Get, Log: s.log,
		Announce: func(context.Context, inbox.Order, report.Summary) error { return nil },
		Options:  denial.Options{Chunk: s.invx.Chunk, Concurrency: s.invx.Concurrency, Dead: s.state.dead(), Clock: clock.System{}},
	}}
	return a, nil
}

func (a *atOnce) batches() sweep.Batches { return a }

// Continue implements [sweep.Batches].
func (a *atOnce) Continue(_ context.Context, rec journal.Record, reopen int) error {
	o := inbox.ObjectOf(rec)
	if o.Bucket != a.bucket {
		return fmt.Errorf("it was made of %s in bucket %s, and %s is another place: give the exchange that it was dropped into", o.Key, o.Bucket, a.s.exchange.text)
	}
	o.Reopen = reopen
	a.wanted = append(a.wanted, o)
	return nil
}

func (a *atOnce) finish(ctx context.Context) int {
	defer a.accounts.Close(context.WithoutCancel(ctx))
	a.bench.Desk.Options.Halt = func() denial.Halt {
		if ctx.Err() != nil {
			return denial.HandOver
		}
		return denial.GoOn
	}
	code := exitDone
	for _, o := range a.wanted {
		code = graver(code, a.batch(ctx, o))
	}
	return code
}

// batch goes on with one batch and tells how it went.
func (a *atOnce) batch(ctx context.Context, o inbox.Object) int {
	if ctx.Err() != nil {
		fmt.Fprintf(a.s.stderr, "denybatch: %s: not gone on with, because of the interruption; a later sweep does\n", o.Key)
		return exitStopped
	}
	end, err := a.bench.Work(context.WithoutCancel(ctx), o, false)
	switch {
	case err != nil:
		fmt.Fprintf(a.s.stderr, "denybatch: %s: %v; a later sweep goes on\n", o.Key, err)
		return exitStopped
	case end.HandedOver:
		fmt.Fprintf(a.s.stderr, "denybatch: %s: interrupted; a later sweep goes on\n", o.Key)
		return exitStopped
	}
	return a.tell(o, end)
}

func (a *atOnce) tell(o inbox.Object, end inbox.Ending) int {
	code := exitStatus(end.Summary)
	if end.Summary.Status == report.Refused {
		code = exitOpenRows
	}
	if a.s.flags.json {
		printJSON(a.s.stdout, success{Summary: end.Summary, File: o.Key, Folder: folderOf(a.s.exchange, end.Summary), ExitStatus: code})
		return code
	}
	fmt.Fprintf(a.s.stdout, "%s: batch %s, run %d\n", o.Key, end.Batch, end.Summary.Run)
	printCounts(a.s.stdout, verdict.Results, verdict.Counts(end.Summary.Counts), meaning)
	fmt.Fprintf(a.s.stdout, "  %s\n", end.Summary.Invariant.Sums)
	printStopped(a.s.stdout, end.Summary.Stopped)
	printReports(a.s.stdout, end.Summary.Reports, a.s.exchange.report)
	return code
}

// folderOf is where the reports of a batch stand.
func folderOf(exchange place, sum report.Summary) string {
	return exchange.report(path.Dir(sum.Reports["summary"]))
}
