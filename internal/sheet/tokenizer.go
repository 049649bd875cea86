package sheet

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Bounds of one row, so that a file of any size is read in little memory.
const (
	maxCell    = 1 << 20
	maxRecord  = 8 << 20
	maxColumns = 16384
)

// tokenizer cuts UTF-8 text into rows of cells.
//
// encoding/csv is not used: it knows no lone CR as a line end, refuses stray quotes, skips blank lines without counting
// them, and turns CRLF inside quotes into LF. Where text breaks the rules of RFC 4180, this reads what Excel, Python's
// csv and PapaParse agree on: a quote opens a cell only at its beginning and is text elsewhere. On text behind a closing
// quote they disagree, so that is refused rather than guessed.
type tokenizer struct {
	src       io.Reader
	delimiter byte
	buf       []byte
	at        int  // where the next record begins in buf
	noLF      int  // up to here buf is known to hold no line feed after at
	eof       bool // src has nothing more

	row       int
	cells     []string
	err       error
	lineEnded bool // the last record was ended by a line end rather than the end of the text
	strays    int  // quotes in places where no writer puts them
	lenient   bool // read on behind text that cannot be read in one way only

	text []byte // the cells of a quoted record, unquoted, one after the other
	ends []int  // where each ends in text
}

func newTokenizer(src io.Reader, delimiter byte) *tokenizer {
	return &tokenizer{src: src, delimiter: delimiter, buf: make([]byte, 0, 64<<10)}
}

// skip leaves n bytes of the text out. It is called before the first row is read.
func (t *tokenizer) skip(n int) {
	for t.err == nil && !t.eof && len(t.buf) < n {
		t.fill()
	}
	t.at = min(n, len(t.buf))
	t.noLF = t.at
}

// next reads a row into cells; it returns false at the end, or when err says why not.
func (t *tokenizer) next() bool {
	for t.err == nil {
		if t.at == len(t.buf) && t.eof {
			return false
		}
		if t.record() {
			return t.err == nil
		}
		t.fill()
	}
	return false
}

// record reads the record at t.at. It returns false when buf does not hold all of it.
func (t *tokenizer) record() bool {
	line, size, ok := t.line()
	if !ok {
		return false
	}
	if bytes.IndexByte(line, '"') >= 0 {
		return t.quoted()
	}
	t.at += size
	t.row++
	t.lineEnded = size > len(line)
	t.split(string(line))
	return true
}

// line is the text up to the next line end: LF, CRLF or a lone CR. size includes the line end.
func (t *tokenizer) line() (line []byte, size int, ok bool) {
	rest := t.buf[t.at:]
	from := max(t.noLF-t.at, 0)
	end := bytes.IndexByte(rest[from:], '\n')
	if end >= 0 {
		end += from
		size = end + 1
	} else {
		t.noLF = len(t.buf)
		end, size = len(rest), len(rest)
	}
	cr := bytes.IndexByte(rest[:end], '\r')
	switch {
	case cr < 0:
		return rest[:end], size, size > end || t.eof
	case cr == end-1 && size > end: // CRLF
		return rest[:cr], size, true
	case cr < len(rest)-1 || t.eof:
		return rest[:cr], cr + 1, true
	}
	return nil, 0, false // whether a LF follows the CR is not known yet
}

// split cuts a line without quotes. The cells share the one string.
func (t *tokenizer) split(line string) {
	t.cells = t.cells[:0]
	if line == "" {
		return
	}
	for {
		i := strings.IndexByte(line, t.delimiter)
		if i < 0 {
			break
		}
		t.cells = append(t.cells, line[:i])
		line = line[i+1:]
	}
	t.cells = append(t.cells, line)
	t.bound()
}

// bound refuses a row that is too wide or has a cell that is too long.
func (t *tokenizer) bound() {
	if len(t.cells) > maxColumns {
		t.fail(fmt.Sprintf("has more than %d columns", maxColumns), "check the delimiter, or save the file as XLSX, and try again")
	}
	for i, cell := range t.cells {
		if len(cell) > maxCell {
			t.fail("holds a text of more than 1 MiB", "shorten it and try again")
			t.err.(*Fault).Column = letter(i)
			return
		}
	}
}

func (t *tokenizer) fail(problem, remedy string) {
	t.err = &Fault{Row: t.row, Problem: problem, Remedy: remedy}
}

// quoted reads a record that has a quote in it.
func (t *tokenizer) quoted() bool {
	q := quoteReader{in: t.buf[t.at:], delimiter: t.delimiter, eof: t.eof, text: t.text[:0], ends: t.ends[:0]}
	state := q.record()
	t.text, t.ends = q.text, q.ends
	if state == incomplete {
		return false
	}
	t.row++
	if state == unclosed {
		t.fail("opens a quote that is never closed", "close it, or double it if it belongs to the text, and try again")
		t.err.(*Fault).Column = letter(len(q.ends))
		return true
	}
	t.at += q.at
	t.strays += q.strays
	t.lineEnded = q.lineEnded
	t.cut()
	if len(q.tails) > 0 && !t.lenient {
		t.fail("has text behind a closing quote", "double the quotes that belong to the text and try again")
		t.err.(*Fault).Column = letter(q.tails[0])
	}
	return true
}

// cut makes cells of the unquoted text.
func (t *tokenizer) cut() {
	t.cells = t.cells[:0]
	line, from := string(t.text), 0
	for _, end := range t.ends {
		t.cells = append(t.cells, line[from:end])
		from = end
	}
	t.bound()
}

// fill reads more text behind the record at t.at, and makes room for it first.
func (t *tokenizer) fill() {
	if t.eof {
		return
	}
	kept := copy(t.buf, t.buf[t.at:])
	t.buf, t.noLF, t.at = t.buf[:kept], max(t.noLF-t.at, 0), 0
	if kept > maxRecord {
		t.row++
		t.fail("is longer than 8 MiB", "look for a quote that is not closed, then try again")
		return
	}
	if cap(t.buf)-kept < cap(t.buf)/2 {
		t.buf = slices.Grow(t.buf, cap(t.buf))
	}
	n, err := io.ReadAtLeast(t.src, t.buf[kept:cap(t.buf)], 1)
	t.buf = t.buf[:kept+n]
	switch {
	case err == io.EOF:
		t.eof = true
	case err != nil:
		t.err = err
	}
}
