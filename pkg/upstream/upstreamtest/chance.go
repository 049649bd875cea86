package upstreamtest

import "fmt"

// chance is where every random choice comes from: a seed and what the choice is about, never a running generator. The
// same calls in the same order therefore meet the same luck.
type chance uint64

// of narrows the choice to one more circumstance.
func (c chance) of(x uint64) chance {
	z := (uint64(c) ^ x) + 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return chance(z ^ z>>31)
}

func (c chance) ofText(s string) chance { return c.of(foldHash([]byte(s))) }

// share is a number from 0 up to, but not including, 1.
func (c chance) share() float64 { return float64(c>>11) / (1 << 53) }

// below is a whole number from 0 up to, but not including, n.
func (c chance) below(n int) int { return int(uint64(c) % uint64(n)) }

// uuid is an id that nothing else has.
func (c chance) uuid() string {
	a, b := uint64(c.of(1)), uint64(c.of(2))
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", uint32(a), uint16(a>>32), a>>52, b>>52, b&(1<<48-1))
}

// shuffle puts n things in another order by swapping them.
func (c chance) shuffle(n int, swap func(i, j int)) {
	for i := n - 1; i > 0; i-- {
		swap(i, c.of(uint64(i)).below(i+1))
	}
}

// foldHash is the same for two ids that differ in ASCII case only (FNV-1a).
func foldHash(id []byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, b := range id {
		h = (h ^ uint64(lower(b))) * 0x100000001b3
	}
	return h
}

func foldEqual(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] && lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}
