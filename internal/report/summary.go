package report

import (
	"cmp"
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
	summaryLimit = 256 << 20 // a sweep's names every file that the sweep has read
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

// summary is either kind of summary.json.
type summary interface {
	Summary | SweepSummary
	owner() owner
}

// owner is whose report a summary is.
type owner struct {
	Batch string `json:"batch"`
	Sweep string `json:"sweep"`
}

func (s Summary) owner() owner { return owner{Batch: s.Batch} }

func (o owner) id() string { return cmp.Or(o.Sweep, o.Batch) }

func (o owner) String() string {
	if o.Sweep != "" {
		return "sweep " + o.Sweep
	}
	return "batch " + o.Batch
}

// stored is the summary that an earlier attempt for the same owner published, if one did. Another owner's is an error,
// because nobody may take its reports for ours.
func stored[S summary](ctx context.Context, out objects.Store, prefix string, of owner) (s S, found bool, err error) {
	key := prefix + summaryFile
	b, _, err := objects.Read(ctx, out, key, summaryLimit)
	if errors.Is(err, objects.ErrNotFound) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	theirs, err := decode[owner](key, b)
	if err != nil {
		return s, false, err
	}
	if theirs != of {
		return s, false, fmt.Errorf("%s is the report of %s, not of %s", key, theirs, of.id())
	}
	s, err = decode[S](key, b)
	return s, err == nil, err
}

// seal stores summary.json and returns it as it was stored, by this publisher or by another that was first.
func seal[S summary](ctx context.Context, out objects.Store, prefix string, s S) (sealed S, err error) {
	key := prefix + summaryFile
	b, err := encode(s)
	if err != nil {
		return sealed, fmt.Errorf("encode %s: %w", key, err)
	}
	_, err = objects.CreateBytes(ctx, out, key, b)
	if errors.Is(err, objects.ErrExists) {
		return kept[S](ctx, out, prefix, s.owner())
	}
	if err != nil {
		return sealed, fmt.Errorf("publish %s: %w", key, err)
	}
	return decode[S](key, b)
}

// kept is the summary that another publisher stored first.
func kept[S summary](ctx context.Context, out objects.Store, prefix string, of owner) (S, error) {
	s, found, err := stored[S](ctx, out, prefix, of)
	if err == nil && !found {
		err = fmt.Errorf("%s stood in the way and is gone: %w", prefix+summaryFile, objects.ErrNotFound)
	}
	return s, err
}

func decode[T any](key string, b []byte) (t T, err error) {
	if err := json.Unmarshal(b, &t); err != nil {
		return t, fmt.Errorf("decode %s: %w", key, err)
	}
	return t, nil
}

func encode[S summary](s S) ([]byte, error) {
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}
