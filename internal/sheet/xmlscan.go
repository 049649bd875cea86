package sheet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
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

type xmlAttr struct{ name, value []byte }

// maxToken bounds one tag or text.
const maxToken = 4 << 20

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

func (x *xmlScanner) end() error {
	inside, err := x.until(2, ">")
	if err != nil {
		return err
	}
	full := trimSpaceRight(inside)
	if len(x.starts) == 0 || !bytes.Equal(full, x.open[x.starts[len(x.starts)-1]:]) {
		return errMalformed
	}
	x.kind, x.name = xmlEnd, local(full)
	return nil
}

func (x *xmlScanner) start() error {
	inside, err := x.tag()
	if err != nil {
		return err
	}
	if len(x.starts) == 0 && x.rooted || len(x.starts) > 256 {
		return errMalformed
	}
	if inside, x.empty = bytes.CutSuffix(inside, []byte("/")); len(inside) == 0 {
		return errMalformed
	}
	size := 0
	for size < len(inside) && !isXMLSpace(inside[size]) {
		size++
	}
	full := inside[:size]
	x.rooted = true
	x.starts = append(x.starts, len(x.open))
	x.open = append(x.open, full...)
	x.kind, x.name = xmlStart, local(full)
	return x.attributes(inside[len(full):])
}

// tag takes a start tag without its angle brackets. A ">" in an attribute's value does not end it.
func (x *xmlScanner) tag() ([]byte, error) {
	for from := 1; ; {
		size, err := x.find(from, ">")
		if err != nil {
			return nil, early(err)
		}
		inside := x.buf[x.at+1 : x.at+size]
		if balanced(inside) {
			x.at += size + 1
			return inside, nil
		}
		from = size + 1
	}
}

// balanced reports whether no quote is open at the end of a tag.
func balanced(inside []byte) bool {
	if bytes.IndexByte(inside, '\'') < 0 { // as nearly always
		return bytes.Count(inside, []byte{'"'})%2 == 0
	}
	open := byte(0)
	for _, b := range inside {
		switch {
		case b == open:
			open = 0
		case open == 0 && (b == '"' || b == '\''):
			open = b
		}
	}
	return open == 0
}

func isXMLSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

func trimSpaceLeft(s []byte) []byte {
	for len(s) > 0 && isXMLSpace(s[0]) {
		s = s[1:]
	}
	return s
}

func trimSpaceRight(s []byte) []byte {
	for len(s) > 0 && isXMLSpace(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

func (x *xmlScanner) attributes(rest []byte) error {
	x.attrs = x.attrs[:0]
	for {
		rest = trimSpaceLeft(rest)
		if len(rest) == 0 {
			return nil
		}
		eq := bytes.IndexByte(rest, '=')
		if eq <= 0 {
			return errMalformed
		}
		name := trimSpaceRight(rest[:eq])
		rest = trimSpaceLeft(rest[eq+1:])
		if len(rest) < 2 || rest[0] != '"' && rest[0] != '\'' {
			return errMalformed
		}
		end := bytes.IndexByte(rest[1:], rest[0])
		if end < 0 {
			return errMalformed
		}
		x.attrs = append(x.attrs, xmlAttr{name, rest[1 : end+1]})
		rest = rest[end+2:]
	}
}

// attr is an attribute's value as written, nil when absent. The name is without prefix; one without prefix comes first.
func (x *xmlScanner) attr(name string) []byte {
	var prefixed []byte
	for _, a := range x.attrs {
		if string(a.name) == name {
			return a.value
		}
		if i := bytes.IndexByte(a.name, ':'); i > 0 && string(a.name[i+1:]) == name && string(a.name[:i]) != "xmlns" {
			prefixed = a.value
		}
	}
	return prefixed
}

// attrText is an attribute's value with its references resolved.
func (x *xmlScanner) attrText(name string) (string, error) {
	value, err := appendXML(nil, x.attr(name))
	return string(value), err
}

// appendText adds the text of the current token to out.
func (x *xmlScanner) appendText(out []byte) ([]byte, error) {
	if x.cdata {
		return appendRaw(out, x.raw)
	}
	return appendXML(out, x.raw)
}

// appendXML adds a text with its references resolved.
func appendXML(out, raw []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(raw, '&')
		if i < 0 {
			return appendRaw(out, raw)
		}
		var err error
		if out, err = appendRaw(out, raw[:i]); err != nil {
			return out, err
		}
		end := bytes.IndexByte(raw[i:], ';')
		if end < 0 {
			return out, errMalformed
		}
		r, err := reference(raw[i+1 : i+end])
		if err != nil {
			return out, err
		}
		out = utf8.AppendRune(out, r)
		raw = raw[i+end+1:]
	}
}

// appendRaw adds a text without references: characters that XML forbids are refused, line ends become LF.
func appendRaw(out, raw []byte) ([]byte, error) {
	simple := true
	for _, b := range raw {
		if b < ' ' && b != '\t' && b != '\n' {
			if b != '\r' {
				return out, fmt.Errorf("%w: it holds the control character U+%04X", errMalformed, b)
			}
			simple = false
		}
	}
	if !ascii(raw) && !utf8.Valid(raw) {
		return out, fmt.Errorf("%w: it is not valid UTF-8", errMalformed)
	}
	if simple {
		return append(out, raw...), nil
	}
	raw = bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
	return append(out, bytes.ReplaceAll(raw, []byte("\r"), []byte("\n"))...), nil
}

// reference is the character that "&name;" stands for. Only the five that every XML file has are known.
func reference(name []byte) (rune, error) {
	switch string(name) {
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "amp":
		return '&', nil
	case "quot":
		return '"', nil
	case "apos":
		return '\'', nil
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, errMalformed
	}
	digits, base := string(name[1:]), 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	r := rune(n)
	if err != nil || n > utf8.MaxRune || !utf8.ValidRune(r) || r < ' ' && r != '\t' && r != '\n' && r != '\r' {
		return 0, errMalformed
	}
	return r, nil
}

func local(name []byte) []byte {
	return name[bytes.IndexByte(name, ':')+1:]
}

// until takes everything up to a mark that ends a construct; the first `from` bytes are its opening.
func (x *xmlScanner) until(from int, mark string) ([]byte, error) {
	size, err := x.find(from, mark)
	if err != nil {
		return nil, early(err)
	}
	inside := x.buf[x.at+from : x.at+size]
	x.at += size + len(mark)
	return inside, nil
}

func early(err error) error {
	if err == io.EOF {
		return errTruncated
	}
	return err
}

// begins reports whether the construct at hand begins so.
func (x *xmlScanner) begins(mark string) bool {
	head, err := x.peek(len(mark))
	return err == nil && string(head) == mark
}

// find gives the distance from x.at to the mark, looked for behind from. The error is io.EOF when there is none.
func (x *xmlScanner) find(from int, mark string) (int, error) {
	for {
		if rest := x.buf[x.at:]; len(rest) >= from {
			if i := index(rest[from:], mark); i >= 0 {
				return from + i, nil
			}
			from = max(from, len(rest)-len(mark)+1)
		}
		if err := x.fill(); err != nil {
			return 0, err
		}
	}
}

func index(s []byte, mark string) int {
	if len(mark) == 1 {
		return bytes.IndexByte(s, mark[0])
	}
	return bytes.Index(s, []byte(mark))
}

// peek gives the next n bytes without taking them.
func (x *xmlScanner) peek(n int) ([]byte, error) {
	for len(x.buf)-x.at < n {
		if err := x.fill(); err != nil {
			return nil, err
		}
	}
	return x.buf[x.at : x.at+n], nil
}

// fill reads more behind what is not yet taken.
func (x *xmlScanner) fill() error {
	if x.eof {
		return io.EOF
	}
	kept := copy(x.buf, x.buf[x.at:])
	x.buf, x.at = x.buf[:kept], 0
	if kept > maxToken {
		return fmt.Errorf("%w: a text in it is longer than 4 MiB", errMalformed)
	}
	if cap(x.buf)-kept < cap(x.buf)/2 {
		x.buf = slices.Grow(x.buf, cap(x.buf))
	}
	n, err := io.ReadAtLeast(x.src, x.buf[kept:cap(x.buf)], 1)
	x.buf = x.buf[:kept+n]
	if err == io.EOF {
		x.eof = true
	}
	if n > 0 {
		return nil
	}
	return err
}
