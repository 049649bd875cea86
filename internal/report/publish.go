package report

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"

	"denybatch/internal/objects"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

// Publish writes a set of reports below prefix, which is empty or ends in a slash, and returns the summary as stored.
//
// Publishing is safe to repeat, and to do twice at once: every report is created under a free key or kept as it is, and
// summary.json goes last, as the mark that the set is complete. When it exists already, nothing is read or written and
// it is returned. Nothing is published when rows fails, or when the sums are not right: that is an [*InvariantError].
// s.Rows must be known beforehand; s.Counts may be nil, and is then what the rows say.
func Publish(ctx context.Context, out objects.Store, prefix string, s Summary, l Layout, rows iter.Seq2[Row, error]) (Summary, error) {
	if earlier, found, err := stored[Summary](ctx, out, prefix, s.owner()); found || err != nil {
		return earlier, err
	}
	set, err := open(ctx, out, prefix, l)
	if err != nil {
		return Summary{}, err
	}
	defer set.drop()
	tally := tally{counts: Counts{}, width: l.width(), genre: l.genre()}
	if err := feed(ctx, set, &tally, rows); err != nil {
		return Summary{}, err
	}
	if err := tally.agrees(s); err != nil {
		return Summary{}, err
	}
	s = tally.complete(s)
	if err := set.publish(ctx, &s); err != nil {
		return Summary{}, err
	}
	return seal(ctx, out, prefix, s)
}

// feed is the one pass. Now and then it listens to the context.
func feed(ctx context.Context, set *set, tally *tally, rows iter.Seq2[Row, error]) error {
	for row, err := range rows {
		if err != nil {
			return err
		}
		if err := tally.add(&row); err != nil {
			return err
		}
		if err := set.add(row); err != nil {
			return err
		}
		if tally.rows%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	return nil
}

// InvariantError is a set of verdicts that cannot be true, so that no report of it was published.
type InvariantError struct {
	Problem string
}

func (e *InvariantError) Error() string { return "report withheld: " + e.Problem }

func broken(format string, args ...any) error {
	return &InvariantError{Problem: fmt.Sprintf(format, args...)}
}

// tally watches the rows go by and knows whether they make a true report.
type tally struct {
	counts Counts
	rows   int
	again  int // rows in the retry file
	last   int // number of the row before
	width  int
	genre  *genre
}

// add counts the row. It drops trailing empty cells beyond the user's columns.
func (t *tally) add(r *Row) error {
	v := r.Verdict
	for len(r.Cells) > t.width && r.Cells[len(r.Cells)-1] == "" {
		r.Cells = r.Cells[:len(r.Cells)-1]
	}
	switch {
	case v.Row <= t.last && t.genre.ordered:
		return broken("row %d follows row %d", v.Row, t.last)
	case !slices.Contains(t.genre.results, v.Result):
		return broken("%s has the result %q", t.line(v), v.Result)
	case len(r.Cells) > t.width:
		return broken("%s has %d cells, its layout %d", t.line(v), len(r.Cells), t.width)
	}
	t.counts[v.Result]++
	if _, again := t.genre.retry(*r); again {
		t.again++
	}
	t.rows++
	t.last = v.Row
	return nil
}

// line is what a message calls the line with this verdict, which is not counted yet.
func (t *tally) line(v verdict.Verdict) string {
	if t.genre.ordered {
		return fmt.Sprint("row ", v.Row)
	}
	return fmt.Sprint("line ", t.rows+1)
}

// agrees reports how the rows differ from what the summary says of them.
func (t *tally) agrees(s Summary) error {
	noun, whole := t.genre.noun, t.genre.whole
	if t.rows != s.Rows {
		return broken("the summary has %s, the %s %s", plural(s.Rows, noun), whole, grouped(t.rows))
	}
	if s.Counts == nil {
		return nil // the rows alone know
	}
	for r, n := range s.Counts {
		if n != t.counts[r] {
			return broken("the summary has %s %s, the %s %s", grouped(n), r, whole, grouped(t.counts[r]))
		}
	}
	if total := verdict.Counts(s.Counts).Total(); total != t.rows {
		return broken("the summary has %s for %s", plural(total, "verdict"), plural(t.rows, noun))
	}
	return nil
}

// complete is the summary with what the rows themselves tell.
func (t *tally) complete(s Summary) Summary {
	s.Counts = maps.Clone(t.counts)
	s.Invariant = Invariant{Holds: true, Sums: t.genre.sums(t.rows, t.counts)}
	s.RetryRows = t.again
	s.Began, s.Finished = s.Began.UTC(), s.Finished.UTC()
	s.Notes = append([]string{}, s.Notes...)
	return s
}

// part writes one report.
type part interface {
	add(Row) error
	finish(*Summary) error // after the last row; may add to the summary
	commit(context.Context) error
	drop() // gives the report up; harmless after commit
}

// file is one object being written, with its key for messages.
type file struct {
	objects.Writer
	key string
}

// commit publishes the file, unless an earlier attempt did.
func (f file) commit(ctx context.Context) error {
	if _, err := f.Commit(ctx); err != nil && !errors.Is(err, objects.ErrExists) {
		return fmt.Errorf("publish %s: %w", f.key, err)
	}
	return nil
}

func (f file) drop() { f.Abort() }

// set is the reports that one pass feeds, in the order in which they are published.
type set struct {
	out    objects.Store
	prefix string
	keys   map[string]string // kind to key
	parts  []part
}

func open(ctx context.Context, out objects.Store, prefix string, l Layout) (*set, error) {
	p := &set{out: out, prefix: prefix, keys: map[string]string{"summary": prefix + summaryFile}}
	for _, k := range l.kinds() {
		if err := p.open(ctx, k, l); err != nil {
			p.drop()
			return nil, err
		}
	}
	return p, nil
}

func (p *set) open(ctx context.Context, k Kind, l Layout) error {
	key := p.prefix + l.file(k)
	part, err := newPart(k, l, func() (file, error) {
		w, err := p.out.Create(ctx, key)
		if err != nil {
			return file{}, fmt.Errorf("create %s: %w", key, err)
		}
		return file{w, key}, nil
	})
	if err != nil {
		return err
	}
	p.keys[string(k)] = key
	p.parts = append(p.parts, part)
	return nil
}

func newPart(k Kind, l Layout, create func() (file, error)) (part, error) {
	if k == Retry && l.retry != nil {
		l = *l.retry
	}
	if k == Retry && l.Reading.Format != sheet.XLSX {
		return newRetryCSV(create, l)
	}
	f, err := create()
	if err != nil {
		return nil, err
	}
	part, err := newFilePart(k, f, l)
	if err != nil {
		f.drop()
	}
	return part, err
}

func newFilePart(k Kind, f file, l Layout) (part, error) {
	switch k {
	case CSV:
		return newCSVReport(f, l), nil
	case XLSX:
		return newXLSXReport(f, l)
	}
	return newRetryXLSX(f, l)
}

func (p *set) add(r Row) error {
	for _, part := range p.parts {
		if err := part.add(r); err != nil {
			return err
		}
	}
	return nil
}

// publish finishes every report, the retry file before the workbook that tells of it, and then makes them visible.
func (p *set) publish(ctx context.Context, s *Summary) error {
	s.Reports = p.keys
	for _, part := range slices.Backward(p.parts) {
		if err := part.finish(s); err != nil {
			return err
		}
	}
	for _, part := range p.parts {
		if err := part.commit(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (p *set) drop() {
	for _, part := range p.parts {
		part.drop()
	}
}
