package journal

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"denybatch/internal/verdict"
)

// line is one settled verdict as a segment holds it.
type line struct {
	Row     int            `json:"row"`
	DocID   string         `json:"doc,omitzero"`
	Result  verdict.Result `json:"result"`
	Status  string         `json:"status,omitzero"`
	Code    string         `json:"code,omitzero"`
	Message string         `json:"message,omitzero"`
	At      time.Time      `json:"at,omitzero"`
}

// appendLine writes a line. Fields are appended by hand because a batch journals every row, and this is half of what the
// engine does per row.
func appendLine(b []byte, v verdict.Verdict) []byte {
	b = append(b, `{"row":`...)
	b = strconv.AppendInt(b, int64(v.Row), 10)
	b = appendText(b, `,"doc":`, v.DocID)
	b = appendText(b, `,"result":`, string(v.Result))
	b = appendText(b, `,"status":`, v.Status)
	b = appendText(b, `,"code":`, v.Code)
	b = appendText(b, `,"message":`, v.Message)
	if !v.At.IsZero() {
		b = append(b, `,"at":"`...)
		b = v.At.UTC().AppendFormat(b, time.RFC3339Nano)
		b = append(b, '"')
	}
	return append(b, "}\n"...)
}

func appendText(b []byte, name, text string) []byte {
	if text == "" {
		return b
	}
	b = append(b, name...)
	// Upstream's words may hold bytes that are not UTF-8; AppendQuote replaces them and reports it, which is all we want.
	b, _ = jsontext.AppendQuote(b, text)
	return b
}

// parseLine reads a line, whoever wrote it. The verdict's texts may be parts of text.
func parseLine(text string) (verdict.Verdict, error) {
	if v, ok := parsePlain(text); ok {
		return v, nil
	}
	var l line
	err := json.Unmarshal([]byte(text), &l)
	return verdict.Verdict(l), err
}

// parsePlain reads what appendLine writes, as long as it is ASCII and nothing in it is escaped; nearly every line is.
func parsePlain(text string) (v verdict.Verdict, ok bool) {
	p := plain(text)
	if !asIs(text) || !p.skip(`{"row":`) {
		return v, false
	}
	v.Row = p.number()
	v.DocID = p.text(`,"doc":"`)
	v.Result = verdict.Result(p.text(`,"result":"`))
	v.Status = p.text(`,"status":"`)
	v.Code = p.text(`,"code":"`)
	v.Message = p.text(`,"message":"`)
	if at := p.text(`,"at":"`); at != "" {
		var err error
		if v.At, err = time.Parse(time.RFC3339Nano, at); err != nil {
			return v, false
		}
	}
	return v, v.Row > 0 && p == "}"
}

// asIs reports whether text is printable ASCII without a backslash.
func asIs(text string) bool {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c >= utf8.RuneSelf || c == '\\' {
			return false
		}
	}
	return true
}

// plain is what is left of a line.
type plain string

func (p *plain) skip(s string) bool {
	rest, found := strings.CutPrefix(string(*p), s)
	*p = plain(rest)
	return found
}

// number is 0 when there is none.
func (p *plain) number() (n int) {
	if end := strings.IndexByte(string(*p), ','); end > 0 {
		n, _ = strconv.Atoi(string((*p)[:end]))
		*p = (*p)[end:]
	}
	return n
}

// text is empty when the field is not there.
func (p *plain) text(name string) (s string) {
	if p.skip(name) {
		var rest string
		s, rest, _ = strings.Cut(string(*p), `"`)
		*p = plain(rest)
	}
	return s
}
