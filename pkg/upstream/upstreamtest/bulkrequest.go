package upstreamtest

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// bulkRequest is a bulk call's body and all that is needed to answer it, kept for the next call.
type bulkRequest struct {
	body    bytes.Buffer
	decoder jsontext.Decoder
	name    []byte // of the member being read
	text    []byte // unquoted ids and comments; never grows while items point into it
	items   []item
	seen    map[uint64]struct{}
	results []result
	answer  []byte
}

// item is one denial that is asked for.
type item struct {
	id, comment []byte
	hash        uint64
	record      uint32 // its number in the store, once looked up; 0 when there is none
	deny        bool
}

const largestBody = 16 << 20

var bulkRequests = sync.Pool{New: func() any { return &bulkRequest{seen: make(map[uint64]struct{})} }}

func (q *bulkRequest) release() { bulkRequests.Put(q) }

// read takes the body in. What comes after the largest body is not looked at.
func (q *bulkRequest) read(r *http.Request) error {
	q.body.Reset()
	q.items, q.results, q.answer = q.items[:0], q.results[:0], q.answer[:0]
	clear(q.seen)
	if r.ContentLength > 0 && r.ContentLength < largestBody {
		q.body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := q.body.ReadFrom(io.LimitReader(r.Body, largestBody))
	return err
}

// breach is a way in which a body breaks the protocol.
type breach struct {
	what      string
	parameter string
}

var errWrongType = errors.New("wrong type")

// decode reads the body into items; nil when it is an array of denials.
func (q *bulkRequest) decode() *breach {
	if cap(q.text) < q.body.Len() {
		q.text = make([]byte, 0, q.body.Len())
	}
	q.text = q.text[:0]
	d := &q.decoder
	d.Reset(&q.body)
	if open, err := d.ReadToken(); err != nil || open.Kind() != '[' {
		return &breach{"a body that is not a JSON array", "body"}
	}
	for d.PeekKind() == '{' {
		if wrong := q.decodeItem(d); wrong != nil {
			return wrong
		}
	}
	if end, err := d.ReadToken(); err != nil || end.Kind() != ']' {
		return &breach{"a body that is not an array of JSON objects", "body"}
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return &breach{"a body that goes on after its JSON", "body"}
	}
	return q.judgeItems()
}

func (q *bulkRequest) decodeItem(d *jsontext.Decoder) *breach {
	var one item
	d.ReadToken() // the brace that was peeked at
	for d.PeekKind() == '"' {
		if wrong := q.decodeMember(d, &one); wrong != nil {
			return wrong
		}
	}
	if end, err := d.ReadToken(); err != nil || end.Kind() != '}' {
		return &breach{"a body that is not JSON", "body"}
	}
	one.hash = foldHash(one.id)
	q.items = append(q.items, one)
	return nil
}

func (q *bulkRequest) decodeMember(d *jsontext.Decoder, one *item) *breach {
	name, err := q.decodeName(d)
	switch string(name) {
	case "docId":
		one.id, err = q.decodeString(d)
	case "comments":
		one.comment, err = q.decodeString(d)
	case "action":
		var action []byte
		action, err = q.decodeString(d)
		one.deny = string(action) == "dny"
	default:
		err = cmp.Or(err, d.SkipValue())
	}
	switch {
	case errors.Is(err, errWrongType):
		return &breach{"an item whose " + string(name) + " is not a string", string(name)}
	case err != nil:
		return &breach{"a body that is not JSON", "body"}
	}
	return nil
}

// decodeName reads the name of a member. It holds until the next one is read; after an error it is empty.
func (q *bulkRequest) decodeName(d *jsontext.Decoder) ([]byte, error) {
	raw, err := d.ReadValue()
	if err != nil {
		return nil, err
	}
	q.name, err = jsontext.AppendUnquote(q.name[:0], raw)
	return q.name, err
}

// decodeString reads a string, or null as an empty one.
func (q *bulkRequest) decodeString(d *jsontext.Decoder) ([]byte, error) {
	raw, err := d.ReadValue()
	switch {
	case err != nil:
		return nil, err
	case raw.Kind() == 'n':
		return nil, nil
	case raw.Kind() != '"':
		return nil, errWrongType
	}
	from := len(q.text)
	if q.text, err = jsontext.AppendUnquote(q.text, raw); err != nil {
		return nil, err
	}
	return q.text[from:len(q.text):len(q.text)], nil
}

// judgeItems looks for what breaks the protocol in a well-formed body.
func (q *bulkRequest) judgeItems() *breach {
	if len(q.items) == 0 {
		return &breach{"an empty array", "body"}
	}
	for i := range q.items {
		if len(q.items[i].id) == 0 {
			return &breach{"an item without docId", "docId"}
		}
		if !q.items[i].deny {
			return &breach{"an item whose action is not dny", "action"}
		}
	}
	return nil
}

// repeats tells whether a document is named twice.
func (q *bulkRequest) repeats() bool {
	for i := range q.items {
		q.seen[q.items[i].hash] = struct{}{}
	}
	return len(q.seen) < len(q.items)
}
