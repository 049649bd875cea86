package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

const (
	summaryFile  = "summary.json"
	summaryLimit = 1 << 20
)

// How a batch ended.
const (
	Finished = "finished" // every row was tried
	Stopped  = "stopped"  // it ended early; Summary.Stopped says why
)

// Summary is summary.json. It is an API: fields keep their meaning, and empty is [] or {}, never null.
type Summary struct {
	Batch         string            `json:"batch"`
	Run           int               `json:"run"`
	DryRun        bool              `json:"dry_run"`
	Org           string            `json:"org"`
	Status        string            `json:"status"`  // Finished or Stopped
	Stopped       string            `json:"stopped"` // why it stopped before the end, one sentence; empty when it did not
	Source        Source            `json:"source"`
	Reading       Reading           `json:"reading"`
	Rows          int               `json:"rows"`           // data rows of the file, blank ones not counted
	Counts        Counts            `json:"counts"`         // as JSON and from Publish, every result is named
	Invariant     Invariant         `json:"invariant"`      // filled in by Publish
	RetryRows     int               `json:"retry_rows"`     // how many rows the retry file holds; filled in by Publish
	RetryEncoding string            `json:"retry_encoding"` // of retry.csv; empty for retry.xlsx; filled in by Publish
	Calls         Calls             `json:"calls"`
	Began         time.Time         `json:"began"`
	Finished      time.Time         `json:"finished"`
	Reports       map[string]string `json:"reports"` // what was published: kind to key; filled in by Publish
	Notes         []string          `json:"notes"`   // what a reader should know about the reports themselves
}

// Source is the exact file that was read.
type Source struct {
	Name    string `json:"name"`
	Key     string `json:"key"`
	Version string `json:"version"`
	SHA256  string `json:"sha256"`
	Size    int64  `json:"size"`
}

// Reading is how the file was read.
type Reading struct {
	sheet.Reading
	HeaderRow int `json:"header_row"` // counted from 1; 0 when there was no heading
}

// Calls is how often upstream was asked.
type Calls struct {
	Bulk  int `json:"bulk"`
	Reads int `json:"reads"`
}

// Invariant states that the reports are complete: nothing is published when it does not hold.
type Invariant struct {
	Holds bool   `json:"holds"`
	Sums  string `json:"sums"` // "3 rows = 3 verdicts: 2 denied + 1 rejected"
}

// Counts is how many rows have each result. As JSON it names every result, in the order of verdict.Results.
type Counts verdict.Counts

// MarshalJSON implements json.Marshaler.
func (c Counts) MarshalJSON() ([]byte, error) { return c.naming(verdict.Results), nil }

// naming is the counts as JSON that names every result.
func (c Counts) naming(results []verdict.Result) []byte {
	b := []byte{'{'}
	for i, r := range results {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "%q:%d", string(r), c[r])
	}
	return append(b, '}')
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// grouped writes n with commas between thousands.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// note adds a sentence to the notes.
func (s *Summary) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

// stored is the summary that an earlier attempt for the same batch published, if one did. Another batch's is an error,
// because nobody may take its reports for ours.
func stored(ctx context.Context, out objects.Store, prefix, batch string) (s Summary, found bool, err error) {
	b, _, err := objects.Read(ctx, out, prefix+summaryFile, summaryLimit)
	if errors.Is(err, objects.ErrNotFound) {
		return Summary{}, false, nil
	}
	if err != nil {
		return Summary{}, false, err
	}
	s, err = decode(prefix+summaryFile, b)
	if err == nil && s.Batch != batch {
		err = fmt.Errorf("%s is the report of batch %s, not of %s", prefix+summaryFile, s.Batch, batch)
	}
	return s, err == nil, err
}

func decode(key string, b []byte) (s Summary, err error) {
	if err := json.Unmarshal(b, &s); err != nil {
		return Summary{}, fmt.Errorf("decode %s: %w", key, err)
	}
	return s, nil
}

func (s Summary) encode() ([]byte, error) {
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}
