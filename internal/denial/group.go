package denial

import "math"

// How the share of bad rows is estimated: as good and bad rows seen so far, with a weak belief to begin with, and
// forgetting, because bad rows come in clusters.
const (
	priorGood = 20
	priorBad  = 0.1
	memory    = 500 // rows after which half is forgotten
)

// share estimates how many rows in a hundred make upstream refuse a whole call.
type share struct{ good, bad float64 }

func newShare() share { return share{priorGood, priorBad} }

// add notes rows. What is forgotten never goes below the belief to begin with: no number of good rows proves the next.
func (s *share) add(good, bad int) {
	s.good += float64(good)
	s.bad += float64(bad)
	if s.good+s.bad > 2*memory {
		s.good, s.bad = s.good/2, max(s.bad/2, priorBad)
	}
}

// keep is the probability that a row is good.
func (s *share) keep() float64 { return s.good / (s.good + s.bad) }

// size is how many rows to put into a call so that it is as likely to be refused as not, which is when its answer tells
// most: the least n with q^n + q^(n+1) <= 1. This is Golomb's parameter for runs of good rows, optimal for nested group
// tests; above a share of 38 % it is 1.
func (s *share) size(most int) int {
	q := s.keep()
	n := math.Ceil(-math.Log1p(q) / math.Log(q))
	if n >= float64(most) {
		return most
	}
	return max(1, int(n))
}

// half is how many of n rows, of which at least one is bad, to ask about next: as many as hold the first bad row with a
// probability nearest one half.
func (s *share) half(n int) int {
	q := s.keep()
	total := 1 - math.Pow(q, float64(n))
	best, miss := 1, math.Inf(1)
	for k := 1; k < n; k++ {
		if d := math.Abs((1-math.Pow(q, float64(k)))/total - 0.5); d < miss {
			best, miss = k, d
		}
	}
	return best
}
