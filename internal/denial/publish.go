package denial

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"denybatch/internal/journal"
	"denybatch/internal/report"
	"denybatch/internal/verdict"
)

// publish writes the reports of the batch's current run.
func (e *Engine) publish(ctx context.Context, job Job, p *plan, s surveyed, j *journal.Journal) (Outcome, error) {
	rec := j.Record()
	prefix := job.Prefix
	if rec.Run > 1 {
		prefix += fmt.Sprintf("run-%d/", rec.Run)
	}
	sum := summary(job, p, s)
	sum.Run, sum.Began, sum.Finished = rec.Run, rec.Began, rec.Finished
	sum.Calls = report.Calls{Bulk: rec.Calls.Bulk, Reads: rec.Calls.Reads}
	if rec.Reason != "" {
		sum.Status, sum.Stopped = report.Stopped, rec.Reason
	}
	sum, err := report.Publish(ctx, job.Out, prefix, sum, layout(job, p), merged(ctx, p, j, rec.Reason))
	return Outcome{Summary: sum, Prefix: prefix}, err
}

// rehearse is a dry run: the whole report, and nothing sent.
func (e *Engine) rehearse(ctx context.Context, job Job, p *plan, s surveyed) (Outcome, error) {
	sum := summary(job, p, s)
	sum.DryRun = true
	return e.publishUnsent(ctx, job, p, sum, verdict.Verdict{Result: verdict.WouldSend})
}

// Decline publishes the report of a batch that is not to be sent at all, for a reason that has nothing to do with its
// rows: those that would have been sent are not_sent.
func (e *Engine) Decline(ctx context.Context, job Job, reason string) (Outcome, error) {
	p, s, err := e.read(job)
	if err != nil {
		return Outcome{}, err
	}
	sum := summary(job, p, s)
	sum.Status, sum.Stopped = report.Stopped, reason
	return e.publishUnsent(ctx, job, p, sum, verdict.Verdict{Result: verdict.NotSent, Message: reason})
}

// publishUnsent reports every row that would be sent with the same verdict.
func (e *Engine) publishUnsent(ctx context.Context, job Job, p *plan, sum report.Summary, unsent verdict.Verdict) (Outcome, error) {
	sum.Run, sum.Began = 1, e.opt.Clock.Now()
	sum.Finished = sum.Began
	rows := func(yield func(report.Row, error) bool) {
		for step, err := range p.steps() {
			if err == nil && step.verdict.Result == "" {
				step.verdict = unsent
				step.verdict.Row, step.verdict.DocID = step.Row, step.DocID
			}
			if !yield(report.Row{Cells: step.cells, Verdict: step.verdict}, err) || err != nil {
				return
			}
		}
	}
	sum, err := report.Publish(ctx, job.Out, job.Prefix, sum, layout(job, p), rows)
	return Outcome{Summary: sum, Prefix: job.Prefix}, err
}

func summary(job Job, p *plan, s surveyed) report.Summary {
	return report.Summary{
		Batch: job.Batch, Org: job.Org, Status: report.Finished, Rows: s.rows,
		Source: report.Source{
			Name: job.Name, Key: job.Source.Key, Version: job.Source.Version,
			SHA256: job.Source.SHA256, Size: job.Source.Size,
		},
		Reading: report.Reading{Reading: job.Book.Reading(), HeaderRow: p.table.HeaderRow},
	}
}

func layout(job Job, p *plan) report.Layout {
	return report.Layout{
		Header: p.header, Width: p.width, Reading: job.Book.Reading(), Kinds: job.Kinds,
		TextColumns: map[int]bool{p.doc: true, p.comment: true},
	}
}

// merged walks the file and the journal side by side: each row gets the verdict that was journalled for it, or else the
// plan's. In a batch that stopped, a row that has neither was not sent.
func merged(ctx context.Context, p *plan, j *journal.Journal, stopped string) iter.Seq2[report.Row, error] {
	return func(yield func(report.Row, error) bool) {
		next, stop := iter.Pull2(j.Verdicts(ctx))
		defer stop()
		noted, err, more := next()
		for step, stepErr := range p.steps() {
			if stepErr != nil || err != nil {
				yield(report.Row{}, or(stepErr, err))
				return
			}
			row := report.Row{Cells: step.cells, Verdict: step.verdict}
			if more && noted.Row == step.Row {
				row.Verdict, err = confirmed(step, noted)
				if err == nil {
					noted, err, more = next()
				}
			} else if row.Verdict.Result == "" {
				row.Verdict, err = unsent(step, stopped)
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
		if more && err == nil {
			yield(report.Row{}, fmt.Errorf("the journal knows row %d, which the file does not have", noted.Row))
		}
	}
}

// confirmed is the journalled verdict, once it is certain that it speaks of this row's document.
func confirmed(s step, v verdict.Verdict) (verdict.Verdict, error) {
	if !strings.EqualFold(v.DocID, s.DocID) {
		return v, fmt.Errorf("row %d holds document %q, but the journal settled %q there", s.Row, s.DocID, v.DocID)
	}
	return v, nil
}

func unsent(s step, stopped string) (verdict.Verdict, error) {
	if stopped == "" {
		return verdict.Verdict{}, fmt.Errorf("row %d has no verdict", s.Row)
	}
	return verdict.Verdict{Row: s.Row, DocID: s.DocID, Result: verdict.NotSent,
		Message: "the batch stopped before this row: " + stopped}, nil
}
