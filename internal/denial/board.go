package denial

import (
	"slices"
	"sync"
)

// row is one document on its way to a verdict. Whoever took it from the board holds it alone.
type row struct {
	Entry
	sent  bool     // carried by a call of this batch, and nothing yet shows that this had no effect
	lost  bool     // carried by a call whose answer was lost, at some time
	tries int      // calls that carried it and settled nothing
	reads int      // rounds of attempts to read it back that failed
	lone  bool     // to be sent by itself from now on
	proof proof    // what upstream said against it
	among *remains // of the refused call that it is read back from; usually nil
}

// proof is what upstream said against a row, and how surely it was about this row.
type proof struct {
	weight
	code, message string
}

// weight orders evidence. Only alone condemns a row by itself; the others need a read-back beside them.
type weight int

const (
	none  weight = iota
	hint         // it was among those of a refused call
	group        // it was among those of a refused call, and the others are cleared
	item         // an item of a longer answer named it
	alone        // the call carried only it
)

// suspects are rows of a refused call: at least one of them made upstream refuse it.
type suspects struct {
	rows  []*row
	proof proof
}

// task is what a worker does next: read one row back, or send some.
type task struct {
	read *row
	send []*row
	// among are the suspects of whom send is the first part; nil for an ordinary call.
	among *suspects
}

// board holds every row that is being worked on. Rows enter from the file as places fall free, so that it stays small.
type board struct {
	mu      sync.Mutex
	changed *sync.Cond

	source    func() (*row, error) // the next row of the file to send; nil at its end
	inDoubt   func(*row) bool      // reports whether a row of the file must be read back first
	exhausted bool
	doubtful  []*row     // to be read back
	unread    []*row     // to be read back again, when there is nothing better to do
	lone      []*row     // to be sent by themselves
	suspected []suspects // to be searched for the culprit
	pool      []*row     // to be sent again, in any company
	share     share
	most      int // rows in a call
	busy      int // workers that hold a task
	readsOnly bool
	last      int // number of the last row taken from the file
}

func newBoard(most int, source func() (*row, error), inDoubt func(*row) bool) *board {
	b := &board{source: source, inDoubt: inDoubt, share: newShare(), most: most}
	b.changed = sync.NewCond(&b.mu)
	return b
}

// take waits for something to do. The second result is false when there is nothing left and nobody at work.
func (b *board) take(stopped func() bool) (task, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if stopped() {
			return task{}, false, nil
		}
		t, err := b.next()
		if err != nil {
			return task{}, false, err
		}
		if t.read != nil || len(t.send) > 0 {
			b.busy++
			return t, true, nil
		}
		if b.busy == 0 {
			b.changed.Broadcast()
			return task{}, false, nil
		}
		b.changed.Wait()
	}
}

// next chooses what settles most soon: doubts first, then what is nearly known, then new rows.
func (b *board) next() (task, error) {
	if r := pop(&b.doubtful); r != nil {
		return task{read: r}, nil
	}
	if b.readsOnly {
		return task{read: pop(&b.unread)}, nil
	}
	if r := pop(&b.lone); r != nil {
		return task{send: []*row{r}}, nil
	}
	if n := len(b.suspected); n > 0 {
		s := b.suspected[n-1]
		b.suspected = b.suspected[:n-1]
		k := min(b.share.half(len(s.rows)), b.most)
		return task{send: s.rows[:k:k], among: &s}, nil
	}
	rows, err := b.fill(b.share.size(b.most))
	if err == nil && len(rows) == 0 && len(b.doubtful) > 0 {
		return b.next()
	}
	if err == nil && len(rows) == 0 {
		return task{read: pop(&b.unread)}, nil
	}
	return task{send: rows}, err
}

// fill gathers up to n rows, those to be sent again first.
func (b *board) fill(n int) ([]*row, error) {
	k := min(n, len(b.pool))
	rows := append(make([]*row, 0, n), b.pool[:k]...)
	b.pool = b.pool[k:]
	for len(rows) < n && !b.exhausted {
		r, err := b.source()
		switch {
		case err != nil:
			return nil, err
		case r == nil:
			b.exhausted = true
			return rows, nil
		}
		b.last = max(b.last, r.Row)
		if b.inDoubt(r) {
			r.sent, r.lost = true, true
			b.doubtful = append(b.doubtful, r)
			// The rows in hand can go; the doubtful one waits its turn without filling memory.
			if len(rows) > 0 || len(b.doubtful) >= n {
				return rows, nil
			}
			continue
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func pop(rows *[]*row) *row {
	if len(*rows) == 0 {
		return nil
	}
	r := (*rows)[0]
	*rows = (*rows)[1:]
	return r
}

// done gives a task back, after its rows were settled or put somewhere.
func (b *board) done() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.busy--
	if b.readsOnly {
		b.sift()
	}
	b.changed.Broadcast()
}

func (b *board) doubt(rows ...*row) { b.put(&b.doubtful, rows) }
func (b *board) later(rows ...*row) { b.put(&b.unread, rows) }
func (b *board) again(rows ...*row) { b.put(&b.pool, rows) }
func (b *board) apart(rows ...*row) { b.put(&b.lone, rows) }

func (b *board) put(list *[]*row, rows []*row) {
	b.mu.Lock()
	defer b.mu.Unlock()
	*list = append(*list, rows...)
	b.changed.Broadcast()
}

func (b *board) suspect(rows []*row, p proof) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.suspected = append(b.suspected, suspects{rows, p})
	b.changed.Broadcast()
}

// undo gives a task back as if it had never been taken.
func (b *board) undo(t task) {
	switch {
	case t.read != nil:
		b.doubt(t.read)
	case t.among != nil:
		b.suspect(t.among.rows, t.among.proof)
	case len(t.send) == 1 && t.send[0].lone:
		b.apart(t.send...)
	default:
		b.again(t.send...)
	}
}

// learn notes how many rows of a call were good and bad.
func (b *board) learn(good, bad int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.share.add(good, bad)
}

// shrink makes every further call smaller than n rows.
func (b *board) shrink(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.most = max(1, min(b.most, n/2))
}

// onlyReads ends all sending: rows that some call carried are read back, the others stay as they are.
func (b *board) onlyReads() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.readsOnly = true
	b.sift()
	b.changed.Broadcast()
}

// sift puts the rows that some call carried among those to be read back, and the others aside.
func (b *board) sift() {
	waiting := append(b.pool, b.lone...)
	for _, s := range b.suspected {
		waiting = append(waiting, s.rows...)
	}
	b.pool, b.lone, b.suspected = nil, nil, nil
	for _, r := range waiting {
		if r.sent {
			b.doubtful = append(b.doubtful, r)
		} else {
			b.pool = append(b.pool, r)
		}
	}
}

// open are the rows that were taken from the file and not settled.
func (b *board) open() []*row {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Concat(b.doubtful, b.unread, b.lone, b.pool)
	for _, s := range b.suspected {
		all = append(all, s.rows...)
	}
	return all
}

// wake makes waiting workers look whether they are stopped.
func (b *board) wake() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.changed.Broadcast()
}

// taken is the last row that was taken from the file, and whether that was its last.
func (b *board) taken() (row int, exhausted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last, b.exhausted
}
