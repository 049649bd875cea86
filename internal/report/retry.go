package report

import (
	"context"
	"errors"

	"golang.org/x/text/encoding"
)

// retryCSV is retry.csv: the rows that need somebody or a re-run, in the dress of the user's own file.
//
// Whether every character fits the input's encoding is known only after the last row. Where some might not, the rows
// are written a second time, in UTF-8, and in the end the better of the two copies is published.
type retryCSV struct {
	*dialect
	own    string      // the input's encoding
	copies []retryCopy // the best one first
	buf    []byte
	width  int
	of     *genre
}

// retryCopy is the file in one encoding.
type retryCopy struct {
	file
	name    string
	encoder *encoding.Encoder
}

func newRetryCSV(create func() (file, error), l Layout) (*retryCSV, error) {
	newline := l.Reading.Newline
	if newline == "" {
		newline = "\r\n"
	}
	r := &retryCSV{dialect: newDialect(delimiterOf(l.Reading), newline), own: l.Reading.Encoding, width: l.width(), of: l.genre()}
	for _, name := range encodings(r.own) {
		if err := r.open(create, name); err != nil {
			r.drop()
			return nil, err
		}
	}
	r.buf = r.heading(l)
	return r, nil
}

// encodings is which ones to try, the input's own first.
func encodings(own string) []string {
	_, known := encoder(own)
	switch {
	case !known:
		return []string{utf8BOM}
	case universal(own):
		return []string{own}
	}
	return []string{own, utf8BOM}
}

func (r *retryCSV) open(create func() (file, error), name string) error {
	f, err := create()
	if err != nil {
		return err
	}
	e, _ := encoder(name)
	r.copies = append(r.copies, retryCopy{f, name, e})
	if marked(name) {
		return write(f, e, []byte(bom))
	}
	return nil
}

func (r *retryCSV) heading(l Layout) (b []byte) {
	if l.Reading.SepLine {
		b = append(b, "sep="+r.delimiter+r.newline...)
	}
	return r.endLine(r.appendHeader(b, l.Header, r.width), len(b))
}

// endLine ends the line that began at start. An empty line would be no row to a reader, so it gets an empty cell.
func (r *retryCSV) endLine(b []byte, start int) []byte {
	if len(b) == start {
		b = append(b, `""`...)
	}
	return append(b, r.newline...)
}

func (r *retryCSV) add(row Row) error {
	cells, again := r.of.retry(row)
	if !again {
		return nil
	}
	start := len(r.buf)
	r.buf = r.endLine(r.appendCells(r.buf, cells, r.width), start)
	if len(r.buf) < flushSize {
		return nil
	}
	return r.flush()
}

// flush writes to every copy, and gives up one that cannot hold a character.
func (r *retryCSV) flush() error {
	var fit []retryCopy
	for _, c := range r.copies {
		switch err := write(c, c.encoder, r.buf); {
		case errors.Is(err, errUnencodable):
			c.drop()
		case err != nil:
			return err
		default:
			fit = append(fit, c)
		}
	}
	r.copies, r.buf = fit, r.buf[:0]
	return nil
}

func (r *retryCSV) finish(s *Summary) error {
	if err := r.flush(); err != nil {
		return err
	}
	s.RetryEncoding = r.copies[0].name
	if r.own != "" && r.own != s.RetryEncoding {
		s.note("retry.csv is in UTF-8, because it does not fit into %s, which the file was in.", r.own)
	}
	return nil
}

func (r *retryCSV) commit(ctx context.Context) error { return r.copies[0].commit(ctx) }

func (r *retryCSV) drop() {
	for _, c := range r.copies {
		c.drop()
	}
}
