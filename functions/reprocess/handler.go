package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/cloud"
	"denybatch/internal/inbox"
	"denybatch/internal/journal"
	"denybatch/internal/report"
	"denybatch/internal/sweep"
	"denybatch/internal/verdict"
)

// handler makes one sweep of each invocation.
type handler struct {
	sweeper sweep.Sweeper
	clock   clock.Clock
	metrics io.Writer
	nextID  func() string
}

// Handle sweeps. Whatever the event says, it means now: the schedule's, another rule's, or one made by hand.
func (h *handler) Handle(ctx context.Context, _ json.RawMessage) (sweep.Ending, error) {
	s := h.sweeper
	s.Worker, s.Halt = h.nextID(), h.halt(ctx)
	end, err := s.Sweep(ctx)
	if err != nil {
		slog.ErrorContext(ctx, "sweep", "sweep", end.Sweep, "error", err)
		return end, err
	}
	if end.Ignored != "" {
		slog.InfoContext(ctx, "ignored", "sweep", end.Sweep, "why", end.Ignored)
		return end, nil
	}
	h.told(ctx, end)
	return brief(end), nil
}

// brief leaves out what grows with the work: an answer of Lambda has at most 6 MB, and the report says it all.
func brief(end sweep.Ending) sweep.Ending {
	if end.Summary != nil {
		s := *end.Summary
		s.Files, s.Integrations = []report.SweptFile{}, nil
		end.Summary = &s
	}
	return end
}

// How much of an invocation's time is kept back for the ask that is under way, which may take a minute, and for the report.
const (
	reservePart = 3
	reserveMost = 100 * time.Second
)

// halt says when to stop asking.
func (h *handler) halt(ctx context.Context) func() bool {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil
	}
	stop := deadline.Add(-min(deadline.Sub(h.clock.Now())/reservePart, reserveMost))
	return func() bool { return h.clock.Now().After(stop) }
}

// told logs and measures a sweep.
func (h *handler) told(ctx context.Context, end sweep.Ending) {
	s := report.SweepSummary{}
	if end.Summary != nil {
		s = *end.Summary
	}
	requests := map[verdict.Result]int{} // without batches and files, which have lines too
	for _, counts := range s.Integrations {
		for result, n := range counts {
			requests[result] += n
		}
	}
	slog.InfoContext(ctx, "sweep ended", "sweep", end.Sweep, "handed_over", end.HandedOver, "items", s.Items, "counts", s.Counts,
		"waiting", end.Waiting, "stopped", end.Stopped, "report", end.Prefix)
	err := cloud.WriteMetrics(h.metrics, h.clock.Now(), [][]string{{}}, map[string]string{"Sweep": end.Sweep}, map[string]int{
		"Sweeps": 1, "Asked": s.Calls, "Accepted": requests[verdict.Accepted], "RequestsRefused": requests[verdict.Refused],
		"UnknownRequests": requests[verdict.Unknown], "Exhausted": requests[verdict.Exhausted], "BatchesGivenUp": s.Counts[verdict.Exhausted] - requests[verdict.Exhausted], "Waiting": end.Waiting,
		"OldestBatchMinutes": int(end.Oldest / time.Minute),
	})
	if err != nil {
		slog.WarnContext(ctx, "metrics", "error", err)
	}
}

// announcer puts "Reprocess Sweep Completed" on the default event bus.
type announcer struct {
	bus      cloud.Bus
	exchange cloud.Place
}

// completed is the event's detail. It is an API: fields keep their meaning.
type completed struct {
	Sweep   string            `json:"sweep"`
	Status  string            `json:"status"`
	Reason  string            `json:"reason"`
	Items   int               `json:"items"`
	Counts  any               `json:"counts"`
	Waiting int               `json:"waiting"`
	Bucket  string            `json:"bucket"`
	Reports map[string]string `json:"reports"` // kind to key in the bucket
}

// Announce tells the world that a sweep has ended that had something to report.
func (a announcer) Announce(ctx context.Context, s report.SweepSummary) error {
	keys := map[string]string{}
	for kind, key := range s.Reports {
		keys[kind] = a.exchange.Prefix + key
	}
	return a.bus.Put(ctx, "Reprocess Sweep Completed", completed{
		Sweep: s.Sweep, Status: s.Status, Reason: s.Stopped, Items: s.Items, Counts: s.Counts, Waiting: s.Waiting,
		Bucket: a.exchange.Bucket, Reports: keys,
	})
}

// batches has deny-bulk go on with batches, by the message that it sends itself.
type batches struct {
	queue  cloud.Queue
	prefix string // of the exchange within its bucket
}

// Continue implements [sweep.Batches].
func (b batches) Continue(ctx context.Context, rec journal.Record, reopen int) error {
	o := inbox.ObjectOf(rec)
	o.Key, o.Reopen = b.prefix+o.Key, reopen
	return b.queue.Continue(ctx, o, 0)
}
