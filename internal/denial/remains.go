package denial

import (
	"slices"
	"sync"
)

// remains is what is known of a refused call at an upstream that denies a part of the calls it refuses. All its rows are
// read back before any is sent again; the first that is still open then is the likeliest culprit, because upstream
// worked up to it, so it is asked about by itself, and the others are free.
type remains struct {
	mu      sync.Mutex
	left    int    // rows that are being read
	open    []*row // rows still open, in the order of the call
	order   []*row
	culprit bool // some row explains the refusal
}

// remember has every row of a refused call read back.
func (r *run) remember(rows []*row, p proof) {
	p.weight = hint
	m := &remains{left: len(rows), order: rows}
	for _, one := range rows {
		one.proof, one.among = p, m
	}
	r.board.learn(0, 1)
	r.board.doubt(rows...)
}

// part notes that one of a call's rows has been read: it is still open, or else settled, perhaps as the culprit.
func (r *run) part(one *row, open, culprit bool) {
	m := one.among
	if m == nil {
		return
	}
	one.among = nil
	m.mu.Lock()
	defer m.mu.Unlock()
	m.left--
	m.culprit = m.culprit || culprit
	if open {
		m.open = append(m.open, one)
	}
	if m.left == 0 {
		r.release(m)
	}
}

// release puts the rows that are still open back to work.
func (r *run) release(m *remains) {
	slices.SortFunc(m.open, func(a, b *row) int { return slices.Index(m.order, a) - slices.Index(m.order, b) })
	for i, one := range m.open {
		one.proof = proof{}
		if i == 0 && !m.culprit {
			one.lone = true
			r.board.apart(one)
			continue
		}
		r.board.again(one)
	}
}
