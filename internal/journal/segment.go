package journal

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"denybatch/internal/objects"
	"denybatch/internal/verdict"
)

// maxSegment bounds what is read of one segment: far more than [Journal.Flush] ever writes.
const maxSegment = 256 << 20

// header is the first line of a segment.
type header struct {
	Segment     int    `json:"segment"`
	Run         int    `json:"run"`
	Owner       string `json:"owner"`
	SentThrough int    `json:"sent_through"`   // rows up to here may have been sent in this run
	Doubt       *Doubt `json:"doubt,omitzero"` // left behind by a worker that ended in order; replaces what was said before
}

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

// segment is what stays in memory of a written segment: enough to merge the verdicts in row order later.
type segment struct {
	number      int
	run         int
	first, last int // rows; 0 when it holds no verdict
}

// encode writes h and the verdicts, which it sorts by row, as JSON lines. Fields are appended by hand because a
// batch journals every row, and this is half of what the engine does per row.
func encode(h header, verdicts []verdict.Verdict) []byte {
	slices.SortFunc(verdicts, func(a, b verdict.Verdict) int { return a.Row - b.Row })
	b, err := json.Marshal(h)
	if err != nil {
		panic(err) // nothing in a header can fail to marshal
	}
	b = append(slices.Grow(b, 128*len(verdicts)+1), '\n')
	for _, v := range verdicts {
		b = appendLine(b, v)
	}
	return b
}

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

// decode reads a segment. A segment is created whole or not at all, so a line that does not parse is damage, not a crash.
func decode(key string, b []byte) (header, []verdict.Verdict, error) {
	var h header
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, len(b)+1)
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &h) != nil {
		return h, nil, fmt.Errorf("journal segment %s is damaged in line 1", key)
	}
	verdicts := make([]verdict.Verdict, 0, len(b)/100)
	for n := 2; lines.Scan(); n++ {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return h, nil, fmt.Errorf("journal segment %s is damaged in line %d: %w", key, n, err)
		}
		verdicts = append(verdicts, verdict.Verdict(l))
	}
	return h, verdicts, nil
}

func load(ctx context.Context, s objects.Store, key string) (header, []verdict.Verdict, error) {
	b, _, err := objects.Read(ctx, s, key, maxSegment)
	if err != nil {
		return header{}, nil, err
	}
	return decode(key, b)
}

func summarize(h header, verdicts []verdict.Verdict) segment {
	s := segment{number: h.Segment, run: h.Run}
	if len(verdicts) > 0 {
		s.first, s.last = verdicts[0].Row, verdicts[len(verdicts)-1].Row
	}
	return s
}
