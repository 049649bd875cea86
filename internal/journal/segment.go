package journal

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

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

// segment is what stays in memory of a written segment: enough to merge the verdicts in row order later.
type segment struct {
	number      int
	run         int
	first, last int // rows; 0 when it holds no verdict
}

// encode writes h and the verdicts, which it sorts by row, as JSON lines.
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

// decode reads a segment. A segment is created whole or not at all, so a line that does not parse is damage, not a crash.
func decode(key string, b []byte) (header, []verdict.Verdict, error) {
	var h header
	first, rest, _ := strings.Cut(string(b), "\n")
	if json.Unmarshal([]byte(first), &h) != nil {
		return h, nil, fmt.Errorf("journal segment %s is damaged in line 1", key)
	}
	verdicts := make([]verdict.Verdict, 0, len(b)/100)
	for n := 2; rest != ""; n++ {
		var text string
		text, rest, _ = strings.Cut(rest, "\n")
		v, err := parseLine(text)
		if err != nil {
			return h, nil, fmt.Errorf("journal segment %s is damaged in line %d: %w", key, n, err)
		}
		verdicts = append(verdicts, v)
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
