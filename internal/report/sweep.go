package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
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
	Sweep     string            `json:"sweep"`
	Status    string            `json:"status"`  // Finished or Stopped
	Stopped   string            `json:"stopped"` // why it stopped before the end, one sentence; empty when it did not
	Began     time.Time         `json:"began"`
	Finished  time.Time         `json:"finished"`
	Items     int               `json:"items"`     // lines of the report
	Counts    SweepCounts       `json:"counts"`    // as JSON and from PublishSweep, every result is named
	Invariant Invariant         `json:"invariant"` // filled in by PublishSweep
	Files     []SweptFile       `json:"files"`
	Calls     int               `json:"calls"`      // requests that ROIT was asked for
	Waiting   int               `json:"waiting"`    // requests that were due and are left to the next sweep, without a line here
	RetryRows int               `json:"retry_rows"` // filled in by PublishSweep
	Reports   map[string]string `json:"reports"`    // what was published: kind to key; filled in by PublishSweep
	Notes     []string          `json:"notes"`
}

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

// The columns before the result columns, and those of the retry file.
var (
	sweepColumns = []string{"kind", "integrationId", "requestId", "batch", "file", "attempt", "confirm"}
	retryColumns = []string{"integrationId", "requestId", "confirm"}
)

var sweepGenre = &genre{
	title: "Reprocess report", noun: "line", nouns: "Lines", results: verdict.RequestResults, lexicon: sweepLexicon,
	headline: sweepHeadline,
	chapters: func(s Summary) []chapter {
		return []chapter{{"The sweep", []fact{
			{"Sweep", s.Batch}, {"Began", moment(s.Began)}, {"Finished", moment(s.Finished)}, {"Asked", plural(s.Calls.Bulk, "request")},
		}}}
	},
	retry: retryItem,
}

// retryItem is what a person may want to drop in again. Confirm is left empty, so that it is written on purpose.
func retryItem(r Row) ([]string, bool) {
	if r.Cells[0] != "request" {
		return nil, false
	}
	switch r.Verdict.Result {
	case verdict.Refused, verdict.Invalid, verdict.Unknown, verdict.Exhausted:
		return []string{r.Cells[1], r.Cells[2], ""}, true
	}
	return nil, false
}

func sweepHeadline(s Summary) string {
	if s.Status == Stopped {
		return "Stopped before the end: " + s.Stopped
	}
	text := fmt.Sprintf("Finished: ROIT accepted %s", plural(s.Counts[verdict.Accepted], "request"))
	if s.RetryRows == 0 {
		return text + "."
	}
	return fmt.Sprintf("%s; %s somebody, see the retry file.", text, plural(s.RetryRows, "other")+needs(s.RetryRows))
}

func needs(n int) string {
	if n == 1 {
		return " needs"
	}
	return " need"
}

var sweepLexicon = map[verdict.Result]words{
	verdict.Accepted: {
		"ROIT took the request; result_status is what it answered.", "Nothing: ROIT calls back, and what fails is asked for again.",
		"C6EFCE", "006100", "43A047", false},
	verdict.AlreadyDone: {
		"ROIT has said that the request is done.", "Nothing.",
		"DCE6DA", "4A5F46", "9DB59A", false},
	verdict.Refused: {
		"ROIT would not reprocess the request; its code and message say why.", "Mend the cause and drop the request in again.",
		"FFC7CE", "9C0006", "D32F2F", false},
	verdict.Invalid: {
		"The row or the file has faults; the message names each.", "Correct it and drop it in again.",
		"FCD5B4", "974706", "EF6C00", false},
	verdict.Duplicate: {
		"The request stands on an earlier row, or waits already.", "Nothing.",
		"EDEDED", "595959", "9E9E9E", false},
	verdict.Unknown: {
		"ROIT was asked, and nobody knows whether it heard.", "Look at ROIT. If it is to be asked again, drop it in with confirm = yes.",
		"E4DFEC", "5B2C8A", "7B1FA2", true},
	verdict.NotSent: {
		"ROIT was not asked; the message says why.", "Nothing, unless the message says so: the next sweep asks.",
		"FFEB9C", "7F6000", "FBC02D", false},
	verdict.Exhausted: {
		"It failed after as many attempts as are allowed.", "Mend the cause, then drop it in with confirm = yes.",
		"F8CBAD", "833C0B", "BF360C", true},
}

// cells are an item's own columns.
func (it Item) cells() []string {
	attempt := ""
	if it.Attempt > 0 {
		attempt = strconv.Itoa(it.Attempt)
	}
	return []string{it.Kind, it.Integration, it.Request, it.Batch, it.File, attempt, it.Confirm}
}

func sweepLayout() Layout {
	ids := map[int]bool{1: true, 2: true, 3: true}
	return Layout{
		Header: sweepColumns, TextColumns: ids, of: sweepGenre,
		retry: &Layout{Header: retryColumns, TextColumns: map[int]bool{0: true, 1: true}, of: sweepGenre},
	}
}

// PublishSweep writes the reports of a sweep below prefix, which ends in a slash, and returns the summary as stored. It gives
// the same promises as [Publish]. s.Items must be known beforehand.
func PublishSweep(ctx context.Context, out objects.Store, prefix string, s SweepSummary, items iter.Seq2[Item, error]) (SweepSummary, error) {
	if earlier, found, err := storedSweep(ctx, out, prefix, s.Sweep); found || err != nil {
		return earlier, err
	}
	layout := sweepLayout()
	set, err := open(ctx, out, prefix, layout)
	if err != nil {
		return SweepSummary{}, err
	}
	defer set.drop()
	tally := tally{counts: Counts{}, width: layout.width(), genre: sweepGenre}
	if err := feed(ctx, set, &tally, rowsOf(items)); err != nil {
		return SweepSummary{}, err
	}
	sum := Summary{
		Batch: s.Sweep, Status: s.Status, Stopped: s.Stopped, Rows: s.Items, Counts: Counts(s.Counts),
		Began: s.Began, Finished: s.Finished, Notes: s.Notes, Calls: Calls{Bulk: s.Calls},
	}
	if err := tally.agrees(sum); err != nil {
		return SweepSummary{}, err
	}
	sum = tally.complete(sum)
	if err := set.publish(ctx, &sum); err != nil {
		return SweepSummary{}, err
	}
	s.Counts, s.Invariant, s.RetryRows, s.Reports, s.Notes = SweepCounts(sum.Counts), sum.Invariant, sum.RetryRows, sum.Reports, sum.Notes
	s.Began, s.Finished, s.Files = sum.Began, sum.Finished, append([]SweptFile{}, slices.Clone(s.Files)...)
	return sealSweep(ctx, out, prefix, s)
}

func rowsOf(items iter.Seq2[Item, error]) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		for it, err := range items {
			if !yield(Row{it.cells(), it.Verdict}, err) {
				return
			}
		}
	}
}

// sealSweep stores summary.json and returns it as it was stored, by this publisher or by another that was first.
func sealSweep(ctx context.Context, out objects.Store, prefix string, s SweepSummary) (SweepSummary, error) {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return SweepSummary{}, err
	}
	_, err = objects.CreateBytes(ctx, out, prefix+summaryFile, append(b, '\n'))
	if err == nil {
		return s, nil
	}
	if !errors.Is(err, objects.ErrExists) {
		return SweepSummary{}, fmt.Errorf("publish %s: %w", prefix+summaryFile, err)
	}
	s, _, err = storedSweep(ctx, out, prefix, s.Sweep)
	return s, err
}

// storedSweep is the summary that an earlier attempt for the same sweep published, if one did.
func storedSweep(ctx context.Context, out objects.Store, prefix, sweep string) (s SweepSummary, found bool, err error) {
	b, _, err := objects.Read(ctx, out, prefix+summaryFile, summaryLimit)
	if errors.Is(err, objects.ErrNotFound) {
		return SweepSummary{}, false, nil
	}
	if err != nil {
		return SweepSummary{}, false, err
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return SweepSummary{}, false, fmt.Errorf("decode %s: %w", prefix+summaryFile, err)
	}
	if s.Sweep != sweep {
		return SweepSummary{}, false, fmt.Errorf("%s is the report of sweep %q, not of %s", prefix+summaryFile, s.Sweep, sweep)
	}
	return s, true, nil
}
