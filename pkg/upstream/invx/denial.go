package invx

import (
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

var bodies = sync.Pool{New: func() any { return new([]byte) }}

// appendDenials writes the body of a bulk denial (section 4.1). What is not UTF-8 in a comment is replaced.
func appendDenials(b []byte, denials []Denial) []byte {
	for i, d := range denials {
		if i == 0 {
			b = append(b, '[')
		} else {
			b = append(b, ',')
		}
		b = append(b, `{"docId":`...)
		b, _ = jsontext.AppendQuote(b, d.DocID)
		b = append(b, `,"comments":`...)
		b, _ = jsontext.AppendQuote(b, d.Comment)
		b = append(b, `,"action":"dny"}`...)
	}
	return append(b, ']')
}
