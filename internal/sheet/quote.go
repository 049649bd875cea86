package sheet

import "bytes"

// How reading a quoted record may end.
const (
	complete   = iota
	incomplete // the text so far does not hold all of it
	unclosed   // the text ends inside quotes
)

// quoteReader reads one record that has quotes in it from the beginning of in.
type quoteReader struct {
	in        []byte
	at        int
	delimiter byte
	eof       bool // nothing comes behind in

	text      []byte
	ends      []int
	strays    int
	tails     []int // cells in which text follows the closing quote
	lineEnded bool
}

func (q *quoteReader) record() int {
	for {
		if q.at < len(q.in) && q.in[q.at] == '"' {
			if state := q.inQuotes(); state != complete {
				return state
			}
			q.tail()
		} else {
			q.outside()
		}
		q.ends = append(q.ends, len(q.text))
		if q.at == len(q.in) {
			return q.atEnd()
		}
		if q.in[q.at] == q.delimiter {
			q.at++
			continue
		}
		return q.lineEnd()
	}
}

// inQuotes reads from an opening quote to behind the closing one.
func (q *quoteReader) inQuotes() int {
	q.at++
	for {
		end := bytes.IndexByte(q.in[q.at:], '"')
		if end < 0 {
			if q.eof {
				return unclosed
			}
			return incomplete
		}
		q.text = append(q.text, q.in[q.at:q.at+end]...)
		q.at += end + 1
		if q.at == len(q.in) {
			return q.atEnd()
		}
		if q.in[q.at] != '"' {
			return complete
		}
		q.text = append(q.text, '"')
		q.at++
	}
}

// outside takes text as it stands up to the end of the cell.
func (q *quoteReader) outside() {
	from := q.at
	for ; q.at < len(q.in); q.at++ {
		b := q.in[q.at]
		if b == q.delimiter || b == '\n' || b == '\r' {
			break
		}
		if b == '"' {
			q.strays++
		}
	}
	q.text = append(q.text, q.in[from:q.at]...)
}

// tail takes what stands between a closing quote and the end of the cell: nothing, in text that keeps the rules.
func (q *quoteReader) tail() {
	from := len(q.text)
	q.outside()
	if len(bytes.TrimLeft(q.text[from:], " \t")) > 0 {
		q.strays++
		q.tails = append(q.tails, len(q.ends))
	}
}

func (q *quoteReader) atEnd() int {
	if q.eof {
		return complete
	}
	return incomplete
}

// lineEnd steps over LF, CRLF or CR.
func (q *quoteReader) lineEnd() int {
	q.lineEnded = true
	cr := q.in[q.at] == '\r'
	q.at++
	if !cr {
		return complete
	}
	if q.at == len(q.in) {
		return q.atEnd()
	}
	if q.in[q.at] == '\n' {
		q.at++
	}
	return complete
}
