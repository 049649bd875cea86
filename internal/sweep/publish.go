package sweep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/sync/errgroup"

	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/report"
	"denybatch/internal/request"
	"denybatch/internal/verdict"
)

const (
	readersAside = 8
	maxClosed    = 256 << 20
)

func (r *run) linesKey() string { return "sweeps/" + r.me.Sweep + "/lines.json" }

// closing is what a sweep says once it asks for nothing more. It is written down as a whole before it is published, so that
// whoever publishes it after a crash says the same.
type closing struct {
	Stopped  string        `json:"stopped,omitempty"`
	Waiting  int           `json:"waiting"`
	Finished time.Time     `json:"finished"`
	Lines    []report.Item `json:"lines"`
}

// close writes the lines of the report down.
func (r *run) close(ctx context.Context) error {
	if len(r.diary.items) == 0 {
		return nil
	}
	lines, err := r.resolve(ctx)
	if err != nil {
		return err
	}
	lines = r.worthTelling(lines)
	b, err := json.Marshal(closing{r.stopped, r.waiting, r.Clock.Now().UTC(), lines})
	if err != nil {
		return err
	}
	if err := r.alive(ctx); err != nil {
		return err
	}
	if _, err := objects.CreateBytes(ctx, r.State, r.linesKey(), b); err != nil && !errors.Is(err, objects.ErrExists) {
		return err
	}
	r.closed, err = r.readLines(ctx)
	return err
}

// readLines reads what was written down; nil when nothing was.
func (r *run) readLines(ctx context.Context) (*closing, error) {
	b, _, err := objects.Read(ctx, r.State, r.linesKey(), maxClosed)
	if errors.Is(err, objects.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var c closing
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&c); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", r.linesKey(), err)
	}
	return &c, nil
}

// resolve makes lines of the diary, with what became of each request.
func (r *run) resolve(ctx context.Context) ([]report.Item, error) {
	lines := make([]report.Item, len(r.diary.items))
	aside, inner := errgroup.WithContext(ctx)
	aside.SetLimit(readersAside)
	for i, it := range r.diary.items {
		lines[i] = report.Item{Kind: it.Kind, Integration: it.Integration, Request: it.Request, Batch: it.Batch, File: it.File, Confirm: it.Confirm}
		line := &lines[i]
		if it.Fixed != nil {
			line.Verdict = it.verdict(*it.Fixed, time.Time{})
			continue
		}
		aside.Go(func() error {
			rec, err := r.record(inner, it.id())
			l := rec.Line(r.me.Sweep, r.notAsked())
			if errors.Is(err, ledger.ErrDamaged) {
				l = request.Line{Ruling: damaged}
			} else if err != nil && !errors.Is(err, objects.ErrNotFound) {
				return err
			}
			line.Attempt, line.Verdict = l.Attempt, it.verdict(l.Ruling, l.At)
			return nil
		})
	}
	return lines, aside.Wait()
}

// worthTelling leaves out requests that were due by themselves and not asked for: they only wait on, and while ROIT is away every
// sweep would say so of all of them. An order's first report always has a line for it.
func (r *run) worthTelling(lines []report.Item) (told []report.Item) {
	for i, l := range lines {
		if r.diary.items[i].Due && l.Verdict.Result == verdict.NotSent {
			r.waiting++
			continue
		}
		told = append(told, l)
	}
	return told
}

// record is what is known of a request now. Callbacks may have changed it since this worker asked.
func (r *run) record(ctx context.Context, id request.ID) (request.Record, error) {
	if rec, ok := r.records[id.Index()]; ok && rec.State != request.Unknown {
		return rec, nil
	}
	return r.book.Get(ctx, id)
}

// notAsked is the ruling for requests that this sweep did not come to.
func (r *run) notAsked() request.Ruling {
	why := r.stopped
	if why == "" {
		why = "the sweep was interrupted"
	}
	return request.Ruling{Result: verdict.NotSent, Code: "waiting", Message: why + "; the next sweep asks for it"}
}

func (it item) verdict(r request.Ruling, at time.Time) verdict.Verdict {
	return verdict.Verdict{Row: it.Row, Result: r.Result, Status: r.Status, Code: r.Code, Message: r.Message, At: at}
}

// publish brings out the report of a sweep that had anything to report, tells of it once, and ends the sweep.
func (r *run) publish(ctx context.Context) (Ending, error) {
	end := Ending{Sweep: r.me.Sweep, Stopped: r.stopped, Waiting: r.waiting}
	if r.closed != nil {
		end.Stopped, end.Waiting = r.closed.Stopped, r.closed.Waiting
	}
	if r.closed == nil || len(r.closed.Lines) == 0 {
		return end, r.end(ctx)
	}
	if err := r.alive(ctx); err != nil {
		return end, err
	}
	end.Prefix = fmt.Sprintf("reports/reprocess/%s/%s/", r.me.Began.Format(time.DateOnly), r.me.Sweep)
	summary, err := report.PublishSweep(ctx, r.Exchange, end.Prefix, r.summary(), r.lines(), r.Reports...)
	if err != nil {
		return end, err
	}
	end.Summary = &summary
	if r.Announce != nil && !r.me.Announced {
		if err := r.Announce(ctx, summary); err != nil {
			return end, fmt.Errorf("announce sweep %s: %w", r.me.Sweep, err)
		}
	}
	r.me.Prefix, r.me.Announced = end.Prefix, true
	return end, r.end(ctx)
}

// end notes that nothing is left to do. A sweep that had nothing to do is nowhere noted at all.
func (r *run) end(ctx context.Context) error {
	if r.diary.segments == 0 && r.diary.first != nil {
		return nil
	}
	r.me.Ended = r.Clock.Now().UTC()
	_, err := r.current.Update(ctx, currentKey, func(c current) (current, error) {
		if c.Sweep != r.me.Sweep {
			return c, nil // somebody has gone on since
		}
		return r.me, nil
	})
	return err
}

func (r *run) summary() report.SweepSummary {
	s := report.SweepSummary{
		Sweep: r.me.Sweep, Status: report.Finished, Stopped: r.closed.Stopped, Began: r.me.Began, Finished: r.closed.Finished,
		Items: len(r.closed.Lines), Files: r.diary.files, Waiting: r.closed.Waiting,
	}
	if s.Stopped != "" {
		s.Status = report.Stopped
	}
	for _, l := range r.closed.Lines {
		if l.Attempt > 0 {
			s.Calls++
		}
	}
	return s
}

func (r *run) lines() iter.Seq2[report.Item, error] {
	return func(yield func(report.Item, error) bool) {
		for _, l := range r.closed.Lines {
			if !yield(l, nil) {
				return
			}
		}
	}
}
