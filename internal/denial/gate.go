package denial

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/journal"
)

// How the gate treats an upstream in trouble.
const (
	firstPause  = 250 * time.Millisecond // after the second failure in a row; doubles with each further one
	longestWait = 10 * time.Second       // between two attempts at an upstream that fails
	patience    = 15 * time.Second       // without one good answer, and
	fewFailures = 5                      // as many failures in a row: upstream is down
	longWait    = time.Hour              // the longest Retry-After that is waited for
	throttled   = 15 * time.Minute       // without one good answer and refused for asking too much: give up
	slice       = time.Second            // how often a waiting caller looks whether it is told to stop
)

// errHalted means that no new call may be made.
var errHalted = errors.New("no new calls")

// gate lets calls through to upstream: at most limit at a time, none while upstream has asked for a rest. It halves the
// limit when upstream is overloaded and raises it by one for every limit of good answers, up to the ceiling.
type gate struct {
	clock   clock.Clock
	ceiling float64
	halted  func() bool
	tend    func(context.Context) error // keeps the lease alive while nothing else happens

	mu       sync.Mutex
	changed  *sync.Cond
	limit    float64
	inside   int
	until    time.Time // no call before
	slowed   time.Time // when the limit was halved last
	good     time.Time // when upstream last answered sensibly
	failures int       // in a row
	refusals int       // for asking too much, in a row
}

func newGate(c clock.Clock, ceiling int, halted func() bool, tend func(context.Context) error) *gate {
	g := &gate{clock: c, ceiling: float64(ceiling), limit: float64(ceiling), halted: halted, tend: tend, good: c.Now()}
	g.changed = sync.NewCond(&g.mu)
	return g
}

// inherit goes on where the worker before lost its patience.
func (g *gate) inherit(t *journal.Trouble) {
	if t != nil && t.Good.Before(g.good) {
		g.good, g.failures, g.refusals = t.Good, t.Failures, t.Refusals
	}
}

// trouble is what the next worker should know; nil when upstream answered well last.
func (g *gate) trouble() *journal.Trouble {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.failures+g.refusals == 0 {
		return nil
	}
	return &journal.Trouble{Good: g.good, Failures: g.failures, Refusals: g.refusals}
}

// enter waits for a place and for upstream's rest to be over. errHalted when there is to be no further call.
func (g *gate) enter(ctx context.Context) error {
	for {
		wait, err := g.try(ctx)
		if err != nil || wait == 0 {
			return err
		}
		if err := g.clock.Sleep(ctx, min(wait, slice)); err != nil {
			return err
		}
		if err := g.tend(ctx); err != nil {
			return err
		}
	}
}

// try takes a place, or says how long upstream still rests.
func (g *gate) try(ctx context.Context) (time.Duration, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if g.halted() {
			return 0, errHalted
		}
		if rest := g.until.Sub(g.clock.Now()); rest > 0 {
			return rest, nil
		}
		if float64(g.inside) < max(1, g.limit) {
			g.inside++
			return 0, nil
		}
		g.changed.Wait()
	}
}

// leave gives the place back.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.changed.Broadcast()
}

// wake makes waiting callers look whether they are halted.
func (g *gate) wake() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changed.Broadcast()
}

// answered notes a good answer: upstream is alive, whatever it said.
func (g *gate) answered() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.good, g.failures, g.refusals = g.clock.Now(), 0, 0
	g.limit = min(g.ceiling, g.limit+1/max(1, g.limit))
}

// overloaded notes that upstream asks for less, of a call that began at began. The answers to one burst of calls slow it
// down once. The sentence is not empty when it is time to give up.
func (g *gate) overloaded(began time.Time, retryAfter time.Duration) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	g.refusals++
	if began.After(g.slowed) || g.slowed.IsZero() {
		g.limit, g.slowed = max(1, g.limit/2), now
	}
	if retryAfter == 0 {
		retryAfter = pause(g.refusals + 1)
	}
	if retryAfter > longWait {
		return fmt.Sprintf("InvX asks not to be called again before %s", now.Add(retryAfter).Format(time.RFC3339))
	}
	g.rest(now.Add(retryAfter))
	if g.refusals >= fewFailures && now.Sub(g.good) >= throttled {
		return fmt.Sprintf("InvX has been refusing calls as too many for %s", throttled)
	}
	return ""
}

// failed notes a call without a usable answer. The sentence is not empty when upstream is down.
func (g *gate) failed(reason string) string {
	g.mu.Lock()
	g.rest(g.clock.Now().Add(pause(g.failures + 1)))
	g.mu.Unlock()
	return g.missed(reason)
}

// missed notes a read without a usable answer. It holds nobody else up: that may be one document's fault.
func (g *gate) missed(reason string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock.Now()
	g.failures++
	if g.failures >= fewFailures && now.Sub(g.good) >= patience {
		return fmt.Sprintf("InvX has not given one usable answer for %s (the last of %d failures: %s)",
			now.Sub(g.good).Round(time.Second), g.failures, reason)
	}
	return ""
}

func (g *gate) rest(until time.Time) {
	if until.After(g.until) {
		g.until = until
	}
}

// pause is how long to wait after the nth failure in a row: a single one is bad luck.
func pause(n int) time.Duration {
	if n < 2 {
		return 0
	}
	return min(longestWait, firstPause<<min(n-2, 16))
}
