package report

import (
	"strconv"
	"strings"
	"time"

	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

const (
	bom       = "\ufeff"
	flushSize = 64 << 10
)

// dialect is how fields become lines.
type dialect struct {
	delimiter string
	newline   string
	quoted    [256]bool // bytes for whose sake a field is quoted
}

func newDialect(delimiter, newline string) *dialect {
	d := &dialect{delimiter: delimiter, newline: newline}
	for _, b := range []byte{delimiter[0], '"', '\r', '\n'} {
		d.quoted[b] = true
	}
	return d
}

// reportDialect is the dialect of report.csv: the input's, as far as spreadsheet programs agree on it.
func reportDialect(r sheet.Reading) *dialect {
	newline := "\r\n"
	if r.Format == sheet.CSV && r.Newline == "\n" {
		newline = "\n"
	}
	return newDialect(delimiterOf(r), newline)
}

func delimiterOf(r sheet.Reading) string {
	if r.Format == sheet.CSV && r.Delimiter != "" {
		return r.Delimiter
	}
	return ","
}

// appendCell appends a user's cell or a message, escaped.
func (d *dialect) appendCell(b []byte, cell string) []byte {
	return d.appendField(b, Escape(cell))
}

func (d *dialect) appendField(b []byte, field string) []byte {
	if !d.mustQuote(field) {
		return append(b, field...)
	}
	return appendQuoted(b, field)
}

func (d *dialect) mustQuote(field string) bool {
	if field == "" {
		return false
	}
	if field[0] == ' ' || field[len(field)-1] == ' ' {
		return true
	}
	for i := range len(field) {
		if d.quoted[field[i]] {
			return true
		}
	}
	return false
}

func appendQuoted(b []byte, field string) []byte {
	b = append(b, '"')
	for {
		i := strings.IndexByte(field, '"')
		if i < 0 {
			break
		}
		b = append(b, field[:i]...)
		b = append(b, `""`...)
		field = field[i+1:]
	}
	b = append(b, field...)
	return append(b, '"')
}

// appendCells appends exactly width fields, padded with empty ones.
func (d *dialect) appendCells(b []byte, cells []string, width int) []byte {
	for i := range width {
		if i > 0 {
			b = append(b, d.delimiter...)
		}
		if i < len(cells) {
			b = d.appendCell(b, cells[i])
		}
	}
	return b
}

// appendHeader is appendCells for the first line. Its first field is quoted where a program would otherwise take the
// file for something else: Excel reads "ID" as the mark of a SYLK file and "sep=" as an instruction.
func (d *dialect) appendHeader(b []byte, header []string, width int) []byte {
	if width == 0 || len(header) == 0 || !misread(header[0]) {
		return d.appendCells(b, header, width)
	}
	b = appendQuoted(b, Escape(header[0]))
	if width == 1 {
		return b
	}
	b = append(b, d.delimiter...)
	return d.appendCells(b, header[1:], width-1)
}

func misread(first string) bool {
	return strings.HasPrefix(first, "ID") || strings.HasPrefix(first, bom) || strings.HasPrefix(strings.ToLower(first), "sep=")
}

// csvReport is report.csv.
type csvReport struct {
	*dialect
	file
	buf   []byte
	width int
	clock clock
}

func newCSVReport(f file, l Layout) *csvReport {
	c := &csvReport{dialect: reportDialect(l.Reading), file: f, width: l.width()}
	if l.Reading.Format != sheet.CSV || l.Reading.Encoding != utf8Plain {
		c.buf = append(c.buf, bom...)
	}
	c.buf = c.appendHeader(c.buf, l.Header, c.width)
	for i, name := range Columns() {
		if i > 0 || c.width > 0 {
			c.buf = append(c.buf, c.delimiter...)
		}
		c.buf = append(c.buf, name...)
	}
	c.buf = append(c.buf, c.newline...)
	return c
}

func (c *csvReport) add(r Row) error {
	c.buf = c.appendCells(c.buf, r.Cells, c.width)
	if c.width > 0 {
		c.buf = append(c.buf, c.delimiter...)
	}
	c.buf = c.appendVerdict(c.buf, r.Verdict)
	c.buf = append(c.buf, c.newline...)
	if len(c.buf) < flushSize {
		return nil
	}
	return c.flush()
}

func (c *csvReport) appendVerdict(b []byte, v verdict.Verdict) []byte {
	b = append(b, v.Result...)
	b = append(b, c.delimiter...)
	b = c.appendCell(b, v.Status)
	b = append(b, c.delimiter...)
	b = c.appendCell(b, v.Code)
	b = append(b, c.delimiter...)
	b = c.appendCell(b, v.Message)
	b = append(b, c.delimiter...)
	if v.Row > 0 {
		b = strconv.AppendInt(b, int64(v.Row), 10)
	}
	b = append(b, c.delimiter...)
	return append(b, c.clock.text(v.At)...)
}

func (c *csvReport) flush() error {
	_, err := c.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}

func (c *csvReport) finish(*Summary) error { return c.flush() }

// clock writes moments as result_at shows them. Rows of one call share theirs, so it remembers the last.
type clock struct {
	at  time.Time
	buf []byte
}

// text is empty for the zero time. It is valid until the next call.
func (c *clock) text(t time.Time) []byte {
	if t.IsZero() {
		return nil
	}
	if len(c.buf) == 0 || !t.Equal(c.at) {
		c.at, c.buf = t, t.UTC().AppendFormat(c.buf[:0], "2006-01-02T15:04:05.000Z")
	}
	return c.buf
}
