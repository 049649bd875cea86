package callback

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const maxDepth = 64

// checkJSON reports what is wrong with a body that is not one JSON value, valid by RFC 7493 (UTF-8, no name twice in one
// object), of at most 64 levels.
func checkJSON(body []byte) error {
	if !utf8.Valid(body) {
		return misread("The body is not UTF-8.")
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(body))
	for values := 0; ; {
		_, err := dec.ReadToken()
		switch {
		case err == io.EOF && values == 1:
			return nil
		case err == io.EOF:
			return misread("The body is empty.")
		case err != nil:
			return notJSON(err)
		case dec.StackDepth() > maxDepth:
			return misread(fmt.Sprintf("The body is nested more than %d levels deep.", maxDepth))
		case dec.StackDepth() == 0:
			if values++; values > 1 {
				return misread("The body goes on after its end.")
			}
		}
	}
}

// notJSON says what of a decoder's error is of use, and nothing that stands in the body.
func notJSON(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return misread("The body is cut off: its JSON does not end.")
	}
	where := ""
	if at, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		where = fmt.Sprintf(" at byte %d", at.ByteOffset)
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		return misread("An object has two members of one name" + where + ".")
	}
	return misread("The body is not JSON" + where + ".")
}

// members are those of an object that was checked.
func members(v jsontext.Value) map[string]jsontext.Value {
	all := map[string]jsontext.Value{}
	dec := jsontext.NewDecoder(bytes.NewBuffer(v))
	dec.ReadToken()
	for dec.PeekKind() == '"' {
		name, _ := dec.ReadToken()
		key := name.String()
		value, _ := dec.ReadValue()
		all[key] = value.Clone()
	}
	return all
}

// elements are those of a list that was checked.
func elements(v jsontext.Value) (all []jsontext.Value) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(v))
	dec.ReadToken()
	for k := dec.PeekKind(); k != ']' && k != jsontext.KindInvalid; k = dec.PeekKind() {
		value, _ := dec.ReadValue()
		all = append(all, value.Clone())
	}
	return all
}

// kindName says what a value is.
func kindName(v jsontext.Value) string {
	switch v.Kind() {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "a boolean"
	}
	return "null"
}

// fields are the members of an object.
type fields struct {
	where   string // in the body
	value   jsontext.Value
	members map[string]jsontext.Value
}

func (f fields) path(name string) string {
	if f.where == "" {
		return name
	}
	return f.where + "." + name
}

// has reports whether a member says something.
func (f fields) has(name string) bool {
	v, ok := f.members[name]
	return ok && v.Kind() != 'n'
}

// string is a member that is a string, and otherwise empty.
func (f fields) string(name string) string {
	if f.members[name].Kind() != '"' {
		return ""
	}
	text, _ := jsontext.AppendUnquote(nil, bytes.TrimSpace(f.members[name]))
	return string(text)
}

// message is the text for people, if there is one. It decides nothing, so it may be of any form.
func (f fields) message() string {
	if v := f.members["message"]; v.Kind() != '"' && f.has("message") {
		return string(bytes.TrimSpace(v))
	}
	return f.string("message")
}

// isProcess reports whether this is what the data integration says.
func (f fields) isProcess() bool {
	named := f.has("requestId") && f.has("integrationId") && f.has("status")
	return f.has("processStatus") || f.has("processUniqueId") && !named
}

// complete reports whether this is all that a model needs, so that it is no envelope even if it has data.
func (f fields) complete() bool {
	return f.string("requestId") != "" && f.string("integrationId") != "" && f.string("status") != "" ||
		f.string("processUniqueId") != "" && f.string("processStatus") != ""
}

// text is a member that must be a string.
func (r *reader) text(f fields, name string) string {
	v, ok := f.members[name]
	switch {
	case !ok:
		r.fault(f.path(name), "is missing")
	case v.Kind() != '"':
		r.fault(f.path(name), "must be a string, not "+kindName(v))
	case f.string(name) == "":
		r.fault(f.path(name), "is empty")
	}
	return f.string(name)
}

// date says when the word was said and what it is known by: its own content, and the time on its envelope.
func (h *hearing) date(f fields, envelope *fields) {
	stamp := f.members["timestamp"]
	if !f.has("timestamp") && envelope != nil {
		stamp = envelope.members["timestamp"]
	}
	h.word.Said = moment(stamp, h.word.Heard)
	if h.word.Said.IsZero() {
		h.word.Said = moment(f.members["updatedAt"], h.word.Heard)
	}
	h.word.Stamped = !h.word.Said.IsZero()
	sum := sha256.New()
	sum.Write(canonical(f.value))
	sum.Write(canonical(stamp))
	h.word.Mark = hex.EncodeToString(sum.Sum(nil)[:16])
}

// canonical is the same for two ways to write one value. Numbers stay as they are written, because no float holds them all.
func canonical(v jsontext.Value) []byte {
	v = v.Clone()
	if v == nil || v.Format(jsontext.ReorderRawObjects(true)) != nil {
		return []byte("null")
	}
	return v
}

// moment reads a time: seconds since 1970, or thousandths, millionths or billionths of them, or as RFC 3339 has it. A time before
// there was ROIT, or a day after the callback came, is none.
func moment(v jsontext.Value, heard time.Time) time.Time {
	text := cmp.Or(fields{members: map[string]jsontext.Value{"": v}}.string(""), string(bytes.TrimSpace(v)))
	said, err := time.Parse(time.RFC3339, text)
	if err != nil {
		said = sinceEpoch(text)
	}
	if said.Year() < 2000 || said.After(heard.Add(24*time.Hour)) {
		return time.Time{}
	}
	return said.UTC()
}

func sinceEpoch(text string) time.Time {
	const secondsEnd = 1e11 // far beyond; and as thousandths, long ago
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return time.Time{}
	}
	for range 3 {
		if n >= secondsEnd {
			n /= 1000
		}
	}
	if !(n > 0 && n < secondsEnd) {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(n * 1000)))
}
