package denial

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/journal"
	"denybatch/internal/verdict"
)

// How often the journal is written, and how far ahead of it rows may be sent.
const (
	flushEvery  = 500 * time.Millisecond
	flushRows   = 10_000
	windowCalls = 2 // full rounds of calls that a window holds at least
	windowTime  = 400 * time.Millisecond
	windowMost  = 100_000
)

// run is one worker's share of a batch's life.
type run struct {
	up     Upstream
	opt    Options
	clock  clock.Clock
	plan   *plan
	rows   surveyed
	j      *journal.Journal
	board  *board
	gate   *gate
	began  time.Time // of the batch, by our clock
	offset offset

	partial atomic.Bool // a refused call was seen to have denied some of its rows
	alive   atomic.Bool // upstream has answered a call sensibly

	flushing sync.Mutex
	flushed  time.Time // when it was last done
	ahead    int       // how far beyond the last row taken the journal permits sending, at each flush
	paced    time.Time // when ahead was measured
	pacedAt  int       // which row of the file had been taken then

	mu      sync.Mutex
	fatal   error  // the batch cannot go on here
	reason  string // why it stopped before the end
	ended   bool   // no call of any kind any more
	soft    bool   // only reads any more
	halt    Halt
	counts  verdict.Counts
	settled int
	calls   journal.Calls
	unlike  unlike
}

// unlike watches for the sign of a wrong setting: every row refused, all for one reason that we do not know.
type unlike struct {
	code  string
	times int
	over  bool // some row was accepted, or reasons differ
}

func newRun(e *Engine, p *plan, s surveyed, j *journal.Journal) *run {
	r := &run{up: e.up, opt: e.opt, clock: e.opt.Clock, plan: p, rows: s, j: j, began: j.Record().Began, counts: verdict.Counts{}}
	r.flushed = r.clock.Now()
	r.paced = r.flushed
	r.gate = newGate(r.clock, r.opt.Concurrency, r.stopped, r.tend)
	r.gate.inherit(j.Record().Trouble)
	return r
}

// dispatch sends every row that is not settled and settles it. It returns nil when all are settled, when the batch was
// stopped, and when it was halted.
func (r *run) dispatch(ctx context.Context) error {
	next, stop := iter.Pull2(r.unsettled())
	defer stop()
	source := func() (*row, error) {
		one, err, ok := next()
		if !ok {
			return nil, nil
		}
		return one, err
	}
	r.board = newBoard(r.opt.Chunk, source, func(one *row) bool { return r.j.InDoubt(one.Row) })
	var workers sync.WaitGroup
	for range r.workers() {
		workers.Go(func() { r.work(ctx) })
	}
	workers.Wait()
	if err := r.failure(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if r.reason == "" || r.handingOver() {
		return nil
	}
	return r.abandon(source)
}

// workers is one more than the calls allowed at a time, so that there is always one to decode and journal; but a batch
// of one call at a time is one worker's, and everything in it happens in one order.
func (r *run) workers() int {
	if r.opt.Concurrency == 1 {
		return 1
	}
	return r.opt.Concurrency + 1
}

// unsettled yields the rows to send that the journal does not settle.
func (r *run) unsettled() iter.Seq2[*row, error] {
	return func(yield func(*row, error) bool) {
		for step, err := range r.plan.steps() {
			switch {
			case err != nil:
				yield(nil, err)
				return
			case step.verdict.Result != "" || r.j.Settled(step.Row):
				r.pass(step)
			case !yield(&row{Entry: step.Entry}, nil):
				return
			}
		}
	}
}

// pass counts a row that needs no sending.
func (r *run) pass(s step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settled++
	if s.verdict.Result != "" {
		r.counts[s.verdict.Result]++
	}
}

func (r *run) work(ctx context.Context) {
	for {
		t, ok, err := r.board.take(r.stopped)
		if err != nil {
			r.fail(err)
		}
		if !ok {
			return
		}
		if err = r.do(ctx, t); err != nil {
			r.board.undo(t)
		}
		if errors.Is(err, errHalted) {
			err = nil
		}
		r.board.done()
		if err == nil {
			err = r.flushIfDue(ctx)
		}
		if err != nil {
			r.fail(err)
		}
	}
}

// do carries a task out. After an error its rows are as they were, and nowhere else on the board.
func (r *run) do(ctx context.Context, t task) error {
	if t.read != nil {
		return r.readBack(ctx, t.read)
	}
	return r.send(ctx, t)
}

// stopped reports whether no call of any kind may be made any more.
func (r *run) stopped() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.halt == GoOn && !r.ended {
		if r.halt = r.opt.Halt(); r.halt == Cancel {
			r.reason = "it was cancelled"
		}
	}
	return r.ended || r.halt != GoOn
}

func (r *run) handingOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.halt == HandOver && !r.ended
}

// stop ends the batch before its end: at once, or after reading back what is in doubt.
func (r *run) stop(reason string, readBack bool) {
	r.mu.Lock()
	if r.reason == "" {
		r.reason = reason
	}
	r.ended = r.ended || !readBack
	first := !r.soft
	r.soft = true
	r.mu.Unlock()
	if readBack && first {
		r.board.onlyReads()
	}
	r.wake()
}

func (r *run) stopping() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.soft
}

// fail gives the batch up on this worker, without a word about the rows that are open.
func (r *run) fail(err error) {
	r.mu.Lock()
	if r.fatal == nil {
		r.fatal = err
	}
	r.ended = true
	r.mu.Unlock()
	r.wake()
}

func (r *run) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fatal
}

func (r *run) wake() {
	r.board.wake()
	r.gate.wake()
}

// abandon settles what a stop leaves behind: rows that some call may have carried are unknown, in the journal, so that
// the next run reads them back; the others are not_sent simply by having no verdict.
func (r *run) abandon(source func() (*row, error)) error {
	for _, one := range r.board.open() {
		if one.sent {
			r.settleUnknown(one, "the batch stopped before it could be read back: "+r.reason)
		}
	}
	for {
		one, err := source()
		if err != nil || one == nil {
			return err
		}
		if r.j.InDoubt(one.Row) {
			r.settleUnknown(one, "an earlier worker may have sent it, and the batch stopped before it could be read back: "+r.reason)
		}
	}
}

// conclude makes the verdicts durable and declares them complete.
func (r *run) conclude(ctx context.Context) error {
	if open := r.board.open(); r.reason == "" && len(open) > 0 {
		return fmt.Errorf("row %d was left without a verdict", open[0].Row)
	}
	if r.j.Pending() > 0 {
		if err := r.j.Flush(ctx, 0); err != nil {
			return err
		}
	}
	r.tell()
	return r.j.Report(ctx, r.rows.rows, r.reason)
}

// salvage journals what was settled before the run failed, unless it failed because of the journal.
func (r *run) salvage(err error) error {
	if errors.Is(err, journal.ErrLost) || errors.Is(err, errJournal) {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return r.letGo(ctx)
}

// letGo leaves the batch to the next worker, and says which rows that one must read back.
func (r *run) letGo(ctx context.Context) error {
	var inDoubt []int
	for _, one := range r.board.open() {
		if one.sent {
			inDoubt = append(inDoubt, one.Row)
		}
	}
	last, _ := r.board.taken()
	return r.j.Release(ctx, inDoubt, last, r.gate.trouble())
}

// errJournal marks a failure to write the journal.
var errJournal = errors.New("the journal could not be written")

// permit makes sure that the journal says rows may have been sent before they are.
func (r *run) permit(ctx context.Context, rows []*row) error {
	last := 0
	for _, one := range rows {
		last = max(last, one.Row)
	}
	if last <= r.j.Through() && !r.leaseShort() {
		return nil
	}
	r.flushing.Lock()
	defer r.flushing.Unlock()
	if last <= r.j.Through() && !r.leaseShort() {
		return nil
	}
	return r.flush(ctx)
}

// flushIfDue writes the journal when enough has been settled, when enough time has passed, or when the rows that may be
// sent run low. One worker does it; the others go on.
func (r *run) flushIfDue(ctx context.Context) error {
	if !r.due() || !r.flushing.TryLock() {
		return nil
	}
	defer r.flushing.Unlock()
	if !r.due() {
		return nil
	}
	r.tell()
	return r.flush(ctx)
}

func (r *run) due() bool {
	n := r.j.Pending()
	return n >= flushRows || (n > 0 && r.clock.Now().Sub(r.lastFlush()) >= flushEvery) || r.runningLow()
}

func (r *run) lastFlush() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flushed
}

// runningLow reports whether half of what may be sent has been taken from the file.
func (r *run) runningLow() bool {
	last, exhausted := r.board.taken()
	r.mu.Lock()
	defer r.mu.Unlock()
	return !exhausted && last > 0 && r.j.Through()-last < r.ahead/2
}

// flush is called with flushing held.
func (r *run) flush(ctx context.Context) error {
	last, _ := r.board.taken()
	if err := r.j.Flush(ctx, last+r.window(last)); err != nil {
		return fmt.Errorf("%w: %w", errJournal, err)
	}
	return nil
}

// window is how many rows may be sent before the journal is written again. A crash leaves that many in doubt, each of
// which costs a read, so it is no more than what is sent in the time that writing takes, several times over.
func (r *run) window(last int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.clock.Now()
	since, rows := now.Sub(r.paced), last-r.pacedAt
	least := windowCalls * r.opt.Chunk * r.opt.Concurrency
	if since >= windowTime/8 || r.ahead == 0 {
		paced := float64(rows) * float64(windowTime) / float64(max(since, windowTime/8))
		r.ahead = int(min(max(paced, float64(least)), windowMost))
		r.paced, r.pacedAt = now, last
	}
	r.flushed = now
	return r.ahead
}

func (r *run) leaseShort() bool {
	return r.j.LeaseUntil().Sub(r.clock.Now()) < r.opt.Lease/2
}

// tend keeps the lease alive while everybody waits.
func (r *run) tend(ctx context.Context) error {
	if !r.leaseShort() {
		return nil
	}
	return r.permit(ctx, nil)
}

// tell reports progress.
func (r *run) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opt.Progress(Progress{Rows: r.rows.rows, Settled: r.settled, Counts: cloned(r.counts), Calls: r.calls})
}

func cloned(c verdict.Counts) verdict.Counts {
	out := make(verdict.Counts, len(c))
	for k, v := range c {
		out[k] = v
	}
	return out
}
