package report

import "unicode/utf8"

const (
	sampled      = 200 // rows that tell how wide the columns are
	sampledBytes = 1 << 20
	narrowest    = 9 // characters
	widest       = 48
)

// resultWidths is how wide the result columns are, in the order of Columns.
var resultWidths = []int{17, 16, 28, 60, 13, 27}

// columnWidths is how wide the user's columns should be, in characters. The filter's button needs some room too.
func columnWidths(header []string, sample []Row, columns int) []int {
	widths := make([]int, columns)
	for i := range widths {
		widths[i] = max(narrowest, utf8.RuneCountInString(headingAt(header, i))+4)
		for _, r := range sample {
			if i < len(r.Cells) {
				widths[i] = max(widths[i], utf8.RuneCountInString(r.Cells[i])+2)
			}
		}
		widths[i] = min(widths[i], widest)
	}
	return widths
}
