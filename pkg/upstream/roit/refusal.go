package roit

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"denybatch/pkg/upstream"
)

// tokenRefused reports whether another token may help. ROIT documents neither status, so both may mean an expired one.
func tokenRefused(e *upstream.Error) bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

// finding is what the body of a refusal says. ROIT's envelopes are not uniform (section 6), so all that are known of it
// or of the usual frameworks are looked through.
type finding struct {
	code  string
	words []string
}

const (
	maxWords  = 16
	maxDepth  = 8
	maxCode   = 64  // bytes
	maxDetail = 300 // characters
)

var (
	codeNames = []string{"code", "errorCode", "error_code"}
	wordNames = []string{"message", "error", "errors", "detail", "details", "description", "error_description", "reason", "title"}
)

// explain makes the function that fills in what the body of a refusal says, with a hint beside a refused token.
func (v *veil) explain(hint string) func([]byte, *upstream.Error) {
	return func(body []byte, e *upstream.Error) {
		if tokenRefused(e) {
			e.Hint = hint
		}
		said, ok := parse(body)
		var f finding
		f.add(said, 0)
		e.Code, e.Detail = v.hide(f.code), oneLine(v.hide(strings.Join(f.words, "; ")))
		e.Foreign = !ok || f.noRoute()
	}
}

// parse reads JSON that may be an answer of ROIT: an object, a list or a string.
func parse(body []byte) (said any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&said) != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	switch said.(type) {
	case map[string]any, []any, string:
		return said, true
	}
	return nil, false
}

// add collects the code and the words in a value, outer ones first.
func (f *finding) add(v any, depth int) {
	if depth > maxDepth {
		return
	}
	switch v := v.(type) {
	case string:
		f.say(v)
	case json.Number:
		f.say(v.String())
	case []any:
		for _, each := range v {
			f.add(each, depth+1)
		}
	case map[string]any:
		f.addObject(v, depth)
	}
}

func (f *finding) addObject(members map[string]any, depth int) {
	before := len(f.words)
	for _, name := range codeNames {
		f.setCode(members[name])
	}
	for _, name := range wordNames {
		if name == "error" && f.setCode(members[name]) {
			continue
		}
		f.add(members[name], depth+1)
	}
	if m := members["metadata"]; m != nil {
		f.say("metadata: " + compact(m))
	}
	if len(f.words) == before && depth > 0 && f.code == "" { // of no known form, yet somebody meant to say something
		f.say(compact(members))
	}
}

// setCode takes one word for the code, if there is none yet.
func (f *finding) setCode(v any) (taken bool) {
	var word string
	switch v := v.(type) {
	case string:
		word = v
	case json.Number:
		word = v.String()
	}
	if f.code != "" || word == "" || len(word) > maxCode || !headerSafe(word) {
		return false
	}
	f.code = word
	return true
}

func (f *finding) say(words string) {
	words = strings.TrimSpace(words)
	if words != "" && len(f.words) < maxWords && !slices.Contains(f.words, words) {
		f.words = append(f.words, words)
	}
}

// noRoute reports whether a web framework speaks, which knows nothing of the address.
func (f *finding) noRoute() bool {
	return slices.ContainsFunc(f.words, func(s string) bool { return strings.HasPrefix(s, "Cannot POST /") })
}

func compact(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// oneLine is the beginning of a text, with one space for whatever is not visible.
func oneLine(s string) string {
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}), " ")
	if utf8.RuneCountInString(s) <= maxDetail {
		return s
	}
	return string([]rune(s)[:maxDetail]) + "…"
}
