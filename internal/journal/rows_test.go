package journal

import (
	"testing"

	"pgregory.net/rapid"
)

func TestRowsAreTakenOutUpToTheLast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r rows
		all := rapid.SliceOfN(rapid.IntRange(1, 300), 0, 40).Draw(t, "rows")
		for _, row := range all {
			r.add(row)
		}
		last := rapid.IntRange(0, 320).Draw(t, "last")
		r.removeThrough(last)
		for _, row := range all {
			if r.has(row) != (row > last) {
				t.Fatalf("row %d is there: %v", row, r.has(row))
			}
		}
	})
}
