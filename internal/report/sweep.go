package report

import (
	"context"
	"iter"
	"strings"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/verdict"
)

// Item is one line of a sweep's report.
type Item struct {
	Kind        string          `json:"kind"` // "request", "batch" or "file"
	Integration string          `json:"integration,omitempty"`
	Request     string          `json:"request,omitempty"`
	Batch       string          `json:"batch,omitempty"`   // that was taken over or reopened
	File        string          `json:"file,omitempty"`    // the key of the spreadsheet that asked for it; empty when it was due by itself
	Attempt     int             `json:"attempt,omitempty"` // which ask of this request it was, from 1; 0 when it was not asked for
	Confirm     string          `json:"confirm,omitempty"` // as the user wrote it
	Verdict     verdict.Verdict `json:"verdict"`           // Row: the row in File; 0 when there is none
}

// SweepSummary is summary.json of a sweep. It is an API: fields keep their meaning, and empty is [] or {}, never null.
type SweepSummary struct {
	Sweep        string                 `json:"sweep"`
	Status       string                 `json:"status"`  // Finished or Stopped
	Stopped      string                 `json:"stopped"` // why it stopped before the end, one sentence; empty when it did not
	Began        time.Time              `json:"began"`
	Finished     time.Time              `json:"finished"`
	Items        int                    `json:"items"`     // lines of the report
	Counts       SweepCounts            `json:"counts"`    // as JSON and from PublishSweep, every result is named
	Invariant    Invariant              `json:"invariant"` // filled in by PublishSweep
	Files        []SweptFile            `json:"files"`
	Integrations map[string]SweepCounts `json:"integrations"` // the lines of requests, by integration; filled in by PublishSweep
	Calls        int                    `json:"calls"`        // requests that ROIT was asked for
	Waiting      int                    `json:"waiting"`      // requests that were due and are left to the next sweep, without a line here
	RetryRows    int                    `json:"retry_rows"`   // filled in by PublishSweep
	Reports      map[string]string      `json:"reports"`      // what was published: kind to key; filled in by PublishSweep
	Notes        []string               `json:"notes"`
}

func (s SweepSummary) owner() owner { return owner{Sweep: s.Sweep} }

// SweptFile is a spreadsheet that a sweep has read.
type SweptFile struct {
	Key     string `json:"key"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	Rows    int    `json:"rows"`
	Refused string `json:"refused"` // why nothing in it was asked for; empty when it was read
}

// SweepCounts is how many lines have each result. As JSON it names every one of verdict.RequestResults.
type SweepCounts verdict.Counts

// MarshalJSON implements json.Marshaler.
func (c SweepCounts) MarshalJSON() ([]byte, error) {
	return Counts(c).naming(verdict.RequestResults), nil
}

// PublishSweep writes the reports of a sweep below prefix, which ends in a slash, and returns the summary as stored. It gives
// the same promises as [Publish]. s.Items must be known beforehand. Without kinds every kind is written.
func PublishSweep(ctx context.Context, out objects.Store, prefix string, s SweepSummary, items iter.Seq2[Item, error], kinds ...Kind) (SweepSummary, error) {
	if earlier, found, err := stored[SweepSummary](ctx, out, prefix, s.owner()); found || err != nil {
		return earlier, err
	}
	census := census{integrations: map[string]SweepCounts{}}
	layout := sweepLayout(s, &census)
	layout.Kinds = kinds
	set, err := open(ctx, out, prefix, layout)
	if err != nil {
		return SweepSummary{}, err
	}
	defer set.drop()
	tally := tally{counts: Counts{}, width: layout.width(), genre: layout.of}
	if err := feed(ctx, set, &tally, census.rows(items)); err != nil {
		return SweepSummary{}, err
	}
	sum := s.general()
	if err := tally.agrees(sum); err != nil {
		return SweepSummary{}, err
	}
	sum = tally.complete(sum)
	if err := set.publish(ctx, &sum); err != nil {
		return SweepSummary{}, err
	}
	return seal(ctx, out, prefix, s.completed(sum, census))
}

// general is what any report tells.
func (s SweepSummary) general() Summary {
	return Summary{
		Status: s.Status, Stopped: s.Stopped, Rows: s.Items, Counts: Counts(s.Counts),
		Began: s.Began, Finished: s.Finished, Notes: s.Notes,
	}
}

// completed is the summary with what the lines themselves tell.
func (s SweepSummary) completed(sum Summary, c census) SweepSummary {
	s.Counts, s.Invariant, s.RetryRows = SweepCounts(sum.Counts), sum.Invariant, sum.RetryRows
	s.Began, s.Finished, s.Reports, s.Notes = sum.Began, sum.Finished, sum.Reports, sum.Notes
	s.Files, s.Integrations = append([]SweptFile{}, s.Files...), c.integrations
	return s
}

// census is what the lines of a sweep come to beside their results.
type census struct {
	accepted     int // requests that ROIT took
	batches      int // that are gone on with
	open         int // lines that need somebody
	integrations map[string]SweepCounts
}

// rows is the items as rows of a report, counted as they go by.
func (c *census) rows(items iter.Seq2[Item, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for it, err := range items {
			c.add(it)
			if !yield(Row{it.cells(), it.Verdict}, err) {
				return
			}
		}
	}
}

func (c *census) add(it Item) {
	result := it.Verdict.Result
	if needsSomebody(result) {
		c.open++
	}
	if it.Kind == kindRequest {
		c.integration(it.Integration)[result]++
	}
	switch {
	case result != verdict.Accepted:
	case it.Kind == kindRequest:
		c.accepted++
	case it.Kind == kindBatch:
		c.batches++
	}
}

// integration is the counts of one integration, under its name as JSON can hold it.
func (c *census) integration(name string) SweepCounts {
	name = strings.ToValidUTF8(name, "\ufffd")
	counts := c.integrations[name]
	if counts == nil {
		counts = SweepCounts{}
		c.integrations[name] = counts
	}
	return counts
}
