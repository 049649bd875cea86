package sheet

import (
	"bytes"
	"errors"
	"io"
)

// xmlScanner gives the elements and texts of an XML part one by one, in bounded memory.
//
// encoding/xml is not used: it is five times slower and allocates for every name. This knows what spreadsheet writers
// write, checks that elements nest, and refuses what can harm: document types, entities of their own, control
// characters, texts without end. Names are without their prefix.
type xmlScanner struct {
	src io.Reader
	buf []byte
	at  int
	eof bool

	kind  xmlKind
	name  []byte    // of a start or end, valid until the next token
	attrs []xmlAttr // of a start, valid until the next token
	empty bool      // the start was "<x/>"; its end follows as a token of its own

	open   []byte // names of the open elements, one after the other
	starts []int  // where each begins in open
	rooted bool   // the root element was seen
	raw    []byte // a text as it is written
	cdata  bool   // raw stands for itself
}

type xmlKind int

const (
	xmlStart xmlKind = iota + 1
	xmlEnd
	xmlText
)

var (
	errTruncated = errors.New("ends too early")
	errMalformed = errors.New("is not well-formed XML")
	errDoctype   = errors.New("declares a document type")
)

func newXMLScanner(src io.Reader) *xmlScanner {
	return &xmlScanner{src: src, buf: make([]byte, 0, 64<<10)}
}

// depth is how many elements are open; a start counts itself, and an end too.
func (x *xmlScanner) depth() int { return len(x.starts) }

// next reads a token. The error is io.EOF after the root element's end.
func (x *xmlScanner) next() error {
	if x.kind == xmlEnd {
		x.pop()
	}
	if x.empty {
		x.empty = false
		x.kind = xmlEnd
		return nil
	}
	for {
		done, err := x.token()
		if err != nil || done {
			return err
		}
	}
}

func (x *xmlScanner) pop() {
	last := len(x.starts) - 1
	x.open = x.open[:x.starts[last]]
	x.starts = x.starts[:last]
}

// token reads one construct and reports whether it is one that callers see.
func (x *xmlScanner) token() (bool, error) {
	first, err := x.peek(1)
	switch {
	case err == io.EOF && len(x.starts) == 0 && x.rooted:
		return false, io.EOF
	case err == io.EOF:
		return false, errTruncated
	case err != nil:
		return false, err
	case first[0] != '<':
		return x.text()
	}
	if first, err = x.peek(2); err != nil {
		return false, early(err)
	}
	switch first[1] {
	case '/':
		return true, x.end()
	case '?':
		_, err := x.until(0, "?>")
		return false, err
	case '!':
		return x.declaration()
	}
	return true, x.start()
}

// text takes what stands before the next tag. Outside the root only white space may.
func (x *xmlScanner) text() (bool, error) {
	size, err := x.find(0, "<")
	if err == io.EOF {
		size, err = len(x.buf)-x.at, nil
	}
	if err != nil {
		return false, err
	}
	x.raw, x.cdata, x.kind = x.buf[x.at:x.at+size], false, xmlText
	x.at += size
	if len(x.starts) > 0 {
		return true, nil
	}
	if len(bytes.TrimLeft(bytes.TrimPrefix(x.raw, []byte("\uFEFF")), " \t\r\n\x00")) > 0 {
		return false, errMalformed
	}
	return false, nil
}

func (x *xmlScanner) declaration() (bool, error) {
	if x.begins("<!--") {
		_, err := x.until(4, "-->")
		return false, err
	}
	if x.begins("<![CDATA[") {
		raw, err := x.until(9, "]]>")
		if err != nil {
			return false, err
		}
		x.raw, x.cdata, x.kind = raw, true, xmlText
		if len(x.starts) == 0 {
			return false, errMalformed
		}
		return true, nil
	}
	return false, errDoctype
}
