package local

import (
	"context"
	"sync"
)

// lane does one thing after the other, in the order in which they come.
type lane struct {
	mu      sync.Mutex
	waiting []func(context.Context)
	more    chan struct{} // holds something while things wait
}

func newLane() *lane { return &lane{more: make(chan struct{}, 1)} }

// put adds something to do. It never waits.
func (l *lane) put(do func(context.Context)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, do)
	select {
	case l.more <- struct{}{}:
	default:
	}
}

// run does things until ctx ends, but ends none of them. What still waits then is left.
func (l *lane) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.more:
		}
		for do := l.next(); do != nil && ctx.Err() == nil; do = l.next() {
			do(context.WithoutCancel(ctx))
		}
	}
}

func (l *lane) next() func(context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		return nil
	}
	do := l.waiting[0]
	l.waiting = l.waiting[1:]
	return do
}
