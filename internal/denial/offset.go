package denial

import (
	"sync"
	"time"
)

// offset is how far upstream's clock is ahead of ours, as far as its answers tell. Their Date header has whole seconds, and
// the answer was written at some time between our call and its return, so each answer gives an interval; together they
// narrow it down.
type offset struct {
	mu       sync.Mutex
	known    bool
	from, to time.Duration
}

// observe takes in an answer that carried date.
func (o *offset) observe(date, called, returned time.Time) {
	const absurd = 24 * time.Hour // that is no clock
	if date.IsZero() || date.Sub(returned).Abs() > absurd {
		return
	}
	from, to := date.Sub(returned), date.Add(time.Second).Sub(called)
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known && max(o.from, from) <= min(o.to, to) {
		from, to = max(o.from, from), min(o.to, to)
	}
	o.known, o.from, o.to = true, from, to // a clock that was set makes intervals that do not meet: the newest counts
}

// least is the least that upstream may be ahead; negative when it is behind. Clocks that may agree are taken to agree.
func (o *offset) least() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.known || (o.from <= 0 && o.to >= 0) {
		return 0
	}
	return o.from
}
