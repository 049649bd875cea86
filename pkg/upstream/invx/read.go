package invx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// reader walks a JSON body value by value. After a fault everything it reads is empty, and err says what it was.
type reader struct {
	dec  *jsontext.Decoder
	body []byte
	err  error
}

var errShape = errors.New("JSON of another shape than was agreed")

// Names may repeat and text may be broken: such an answer is odd, yet it is the only evidence there is.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

var decoders = sync.Pool{New: func() any { return new(jsontext.Decoder) }}

// read walks a body, and is an error when the body is not one whole JSON value.
func read(body []byte, walk func(*reader)) error {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	r := reader{dec: decoders.Get().(*jsontext.Decoder), body: body}
	defer decoders.Put(r.dec)
	r.dec.Reset(bytes.NewBuffer(body), lenient...)
	if len(bytes.TrimSpace(body)) == 0 {
		return errors.New("the body is empty")
	}
	walk(&r)
	if r.err == nil {
		r.end()
	}
	if errors.Is(r.err, io.ErrUnexpectedEOF) {
		return errors.New("the body is cut off")
	}
	return r.err
}

// end makes sure that nothing follows.
func (r *reader) end() {
	if _, err := r.dec.ReadToken(); err != io.EOF {
		r.fail(errors.New("the body goes on after its end"))
	}
}

func (r *reader) fail(err error) {
	if r.err == nil && err != nil {
		r.err = err
	}
}

// kind is what comes next: one of { } [ ] " 0 t f n, or KindInvalid.
func (r *reader) kind() jsontext.Kind {
	if r.err != nil {
		return jsontext.KindInvalid
	}
	return r.dec.PeekKind()
}

func (r *reader) token() {
	if r.err == nil {
		_, err := r.dec.ReadToken()
		r.fail(notJSON(err))
	}
}

func (r *reader) skip() {
	if r.err == nil {
		r.fail(notJSON(r.dec.SkipValue()))
	}
}

// raw is the next value as it stands in the body. It is not a copy.
func (r *reader) raw() json.RawMessage {
	if r.err != nil {
		return nil
	}
	value, err := r.dec.ReadValue()
	if err != nil {
		r.fail(notJSON(err))
		return nil
	}
	return r.since(r.offset() - len(value))
}

// offset is where the reader stands in the body: just behind what it read last.
func (r *reader) offset() int { return int(r.dec.InputOffset()) }

// since is the part of the body from a place up to where the reader stands.
func (r *reader) since(start int) json.RawMessage {
	end := r.offset()
	return r.body[start:end:end]
}

// object walks the next value, an object, and gives it as it stands in the body. The walk reads exactly one value for
// each name.
func (r *reader) object(walk func(name []byte)) json.RawMessage {
	r.token()
	if r.err != nil {
		return nil
	}
	start := r.offset() - 1
	for r.kind() != '}' {
		name := r.name()
		if r.err != nil {
			return nil
		}
		walk(name)
	}
	r.token()
	return r.since(start)
}

// name is a member's name; a copy only if it is written with escapes, which nobody does.
func (r *reader) name() []byte {
	raw := r.raw()
	switch {
	case r.err != nil:
		return nil
	case bytes.IndexByte(raw, '\\') < 0:
		return raw[1 : len(raw)-1]
	}
	return []byte(unquote(raw))
}

// elements walks a list. The walk reads exactly one value each time.
func (r *reader) elements(walk func()) {
	r.token()
	for r.err == nil && r.kind() != ']' {
		walk()
	}
	r.token()
}

// text reads a value that should be a string and may be a number; empty for anything else.
func (r *reader) text() string { return text(r.raw()) }

func text(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	switch raw[0] {
	case '"':
		return unquote(raw)
	case '{', '[', 'n':
		return ""
	}
	return intern(raw)
}

func unquote(raw json.RawMessage) string {
	plain := raw[1 : len(raw)-1]
	if bytes.IndexByte(plain, '\\') < 0 && utf8.Valid(plain) {
		return intern(plain)
	}
	s, _ := jsontext.AppendUnquote(nil, raw) // broken text is mended, and the error only says that it was
	return string(s)
}

// intern spares the copies of what stands in every answer.
func intern(b []byte) string {
	switch string(b) {
	case "1":
		return "1"
	case StatusDenied:
		return StatusDenied
	case StatusCreated:
		return StatusCreated
	}
	return string(b)
}

// flag reads a status that is "1" for success, in any of the ways to write that.
func (r *reader) flag() string {
	switch s := r.text(); s {
	case "true":
		return "1"
	case "false":
		return "0"
	default:
		return s
	}
}

// moment reads a time in epoch milliseconds; zero when it is none.
func (r *reader) moment() time.Time { return moment(r.text()) }

// moment understands epoch milliseconds, and seconds, which are far smaller for every year that matters.
func moment(s string) time.Time {
	const secondsEnd, millisEnd = 1e11, 1e15
	n, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil:
		t, _ := time.Parse(time.RFC3339, s)
		return t
	case !(n > 0) || n >= millisEnd:
		return time.Time{}
	case n < secondsEnd:
		n *= 1000
	}
	return time.UnixMilli(int64(n)).UTC()
}

// notJSON keeps of a decoder's error what a person can use.
func notJSON(err error) error {
	switch {
	case err == nil:
		return nil
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		return io.ErrUnexpectedEOF
	}
	return fmt.Errorf("the body is not JSON: %w", err)
}
