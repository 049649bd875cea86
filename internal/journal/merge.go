package journal

import (
	"container/heap"
	"context"
	"iter"
	"slices"

	"denybatch/internal/verdict"
)

// Verdicts yields what the flushed journal says, in row order, one verdict a row. Of several for one row the final ones
// count before the provisional, among the final the earliest, among the provisional the latest run's.
//
// Segments are merged as their rows come up, so only those whose rows overlap are in memory together.
func (j *Journal) Verdicts(ctx context.Context) iter.Seq2[verdict.Verdict, error] {
	j.flushing.Lock()
	waiting := slices.DeleteFunc(slices.Clone(j.segments), func(s segment) bool { return s.first == 0 })
	j.flushing.Unlock()
	slices.SortStableFunc(waiting, func(a, b segment) int { return a.first - b.first })
	return func(yield func(verdict.Verdict, error) bool) {
		var open merge
		for len(open) > 0 || len(waiting) > 0 {
			for len(waiting) > 0 && (len(open) == 0 || waiting[0].first <= open[0].rows[0].Row) {
				_, verdicts, err := load(ctx, j.store, segmentKey(j.claim.Batch, waiting[0].number))
				if err != nil {
					yield(verdict.Verdict{}, err)
					return
				}
				heap.Push(&open, cursor{waiting[0], verdicts})
				waiting = waiting[1:]
			}
			if !yield(open.next(), nil) {
				return
			}
		}
	}
}

// cursor is an opened segment with the verdicts that were not merged yet.
type cursor struct {
	segment
	rows []verdict.Verdict
}

// merge is a heap of cursors by their next row, then by segment number.
type merge []cursor

func (m merge) Len() int { return len(m) }
func (m merge) Less(i, k int) bool {
	a, b := m[i], m[k]
	if a.rows[0].Row != b.rows[0].Row {
		return a.rows[0].Row < b.rows[0].Row
	}
	return a.number < b.number
}
func (m merge) Swap(i, k int) { m[i], m[k] = m[k], m[i] }
func (m *merge) Push(x any)   { *m = append(*m, x.(cursor)) }
func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}

// next takes every verdict of the lowest row and gives the one that counts.
func (m *merge) next() verdict.Verdict {
	best := m.take()
	for len(*m) > 0 && (*m)[0].rows[0].Row == best.Row {
		if v := m.take(); best.Result.Provisional() {
			best = v // segments come in order of time, so a later one is a later run's
		}
	}
	return best
}

func (m *merge) take() verdict.Verdict {
	top := &(*m)[0]
	v := top.rows[0]
	if top.rows = top.rows[1:]; len(top.rows) == 0 {
		heap.Pop(m)
	} else {
		heap.Fix(m, 0)
	}
	return v
}
