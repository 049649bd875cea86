package local

import (
	"context"
	"time"

	"denybatch/internal/clock"
)

// Hasty is a clock whose sleeps end early, and well, when over is closed: who waits for something looks then whether it is
// still worth waiting for.
func Hasty(over <-chan struct{}) clock.Clock { return hasty{over: over} }

type hasty struct {
	clock.System
	over <-chan struct{}
}

// Sleep implements [clock.Clock].
func (h hasty) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-h.over:
	case <-t.C:
	}
	return nil
}
