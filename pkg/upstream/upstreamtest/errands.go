package upstreamtest

import (
	"context"
	"sync"
	"time"
)

// errands are what a server does of itself. They begin only before the end, and the end waits for them.
type errands struct {
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	ended   bool
	running sync.WaitGroup
}

func newErrands() *errands {
	ctx, cancel := context.WithCancel(context.Background())
	return &errands{ctx: ctx, cancel: cancel}
}

// run does one more, if there is still time for it.
func (e *errands) run(do func(context.Context)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.ended {
		e.running.Go(func() { do(e.ctx) })
	}
}

// end breaks all of them off.
func (e *errands) end() {
	e.mu.Lock()
	e.ended = true
	e.mu.Unlock()
	e.cancel()
	e.running.Wait()
}

// pause waits; false when there is no time left for it.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
