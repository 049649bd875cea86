package journal

// rows is a set of row numbers: one bit a row.
type rows struct{ bits []uint64 }

func (r *rows) add(row int) {
	i := row / 64
	for len(r.bits) <= i {
		r.bits = append(r.bits, make([]uint64, i+1-len(r.bits))...)
	}
	r.bits[i] |= 1 << (row % 64)
}

func (r *rows) has(row int) bool {
	i := row / 64
	return i < len(r.bits) && r.bits[i]&(1<<(row%64)) != 0
}

// removeThrough takes out every row up to last.
func (r *rows) removeThrough(last int) {
	for i := range r.bits {
		switch first := 64 * i; {
		case first+63 <= last:
			r.bits[i] = 0
		case first <= last:
			r.bits[i] &^= 1<<(last-first+1) - 1
		}
	}
}
