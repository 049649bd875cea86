package ledger_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"denybatch/internal/ledger"

	"pgregory.net/rapid"
)

// model is the truth beside a real ledger, and workers that are in the middle of something.
type model struct {
	sweeper
	due     map[string]time.Time // what the records say; absent is never
	found   map[string]time.Time // when a sweep must find it at the latest
	counts  map[string]int       // how often each was handled
	halfway []half
}

// half is a worker that has scheduled something and not yet written the record.
type half struct {
	entry ledger.Entry
	at    time.Time
	since time.Time
}

var ids = []string{"a", "b", "c/d"}

// Several workers take turns at doing a step each: schedule, write the record, sweep, die. Whatever the order,
// a sweep handles exactly what the records say is due, and what is over leaves the index.
func TestIndexAgainstModel(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := world{newStore(t), &hand{now: start}}
		m := &model{sweeper: sweeper{w}, due: map[string]time.Time{}, found: map[string]time.Time{}, counts: map[string]int{}}
		rt.Repeat(map[string]func(*rapid.T){
			"schedule": func(rt *rapid.T) { m.schedule(t, rt) },
			"write":    func(rt *rapid.T) { m.write(t, rt) },
			"die":      func(rt *rapid.T) { m.die(rt) },
			"cancel":   func(rt *rapid.T) { m.cancel(t, rt) },
			"sweep":    func(rt *rapid.T) { m.sweep(t, rt) },
			"pass":     func(rt *rapid.T) { m.pass(t, rt) },
			"":         func(rt *rapid.T) { m.check(t, rt) },
		})
		m.halfway = nil
		m.pass(t, rt)
		m.end(t, rt)
	})
}

func must(t *testing.T, rt *rapid.T, err error) {
	t.Helper()
	if err != nil {
		rt.Fatal(err)
	}
}

// schedule is a worker's first step.
func (m *model) schedule(t *testing.T, rt *rapid.T) {
	id := rapid.SampledFrom(ids).Draw(rt, "id")
	now := m.clock.Now()
	at := now.Add(time.Duration(rapid.IntRange(-3000, 4000).Draw(rt, "seconds")) * time.Second)
	e, err := m.index().Schedule(t.Context(), at, "roit", id)
	must(t, rt, err)
	m.halfway = append(m.halfway, half{e, at, now})
}

// take removes a worker from those that are halfway.
func (m *model) take(rt *rapid.T) half {
	if len(m.halfway) == 0 {
		rt.Skip("nobody is halfway")
	}
	i := rapid.IntRange(0, len(m.halfway)-1).Draw(rt, "worker")
	h := m.halfway[i]
	m.halfway = slices.Delete(m.halfway, i, i+1)
	return h
}

// write is its second.
func (m *model) write(t *testing.T, rt *rapid.T) {
	h := m.take(rt)
	must(t, rt, m.sweeper.write(t.Context(), h.entry.ID, func(r request) request { r.Due = h.at; return r }))
	m.due[h.entry.ID], m.found[h.entry.ID] = h.at, h.entry.At
}

func (m *model) die(rt *rapid.T) { m.take(rt) }

// cancel makes something never due.
func (m *model) cancel(t *testing.T, rt *rapid.T) {
	id := rapid.SampledFrom(ids).Draw(rt, "id")
	must(t, rt, m.sweeper.write(t.Context(), id, func(r request) request { r.Due = time.Time{}; return r }))
	delete(m.due, id)
}

// pass lets time go by, in which workers live no longer than they may.
func (m *model) pass(t *testing.T, rt *rapid.T) {
	d := time.Duration(rapid.SampledFrom([]int{1, 29, 60, 61, 600, 1199, 1200, 5000}).Draw(rt, "seconds")) * time.Second
	must(t, rt, m.clock.Sleep(t.Context(), d))
	now := m.clock.Now()
	m.halfway = slices.DeleteFunc(m.halfway, func(h half) bool { return now.Sub(h.since) >= ledger.Grace })
}

// sweep handles what is ready, and checks that it is what the records say.
func (m *model) sweep(t *testing.T, rt *rapid.T) {
	again := rapid.Bool().Draw(rt, "again")
	now := m.clock.Now()
	for e, err := range m.index().Ready(t.Context(), "roit", m.truth) {
		must(t, rt, err)
		if at, ok := m.due[e.ID]; !ok || at.After(now) {
			rt.Fatalf("%s is ready, but due at %s (now %s)", e.ID, at, now)
		}
		m.handle(t, rt, e.ID, again)
	}
	for id, at := range m.due {
		if !m.found[id].After(now) {
			rt.Fatalf("%s is due since %s and was not found at %s", id, at, now)
		}
	}
}

func (m *model) handle(t *testing.T, rt *rapid.T, id string, again bool) {
	next := time.Time{}
	delete(m.due, id)
	if again {
		next = m.clock.Now().Add(90 * time.Second)
		e, err := m.index().Schedule(t.Context(), next, "roit", id)
		must(t, rt, err)
		m.due[id], m.found[id] = next, e.At
	}
	m.counts[id]++
	must(t, rt, m.sweeper.write(t.Context(), id, func(r request) request { return request{next, r.Done + 1} }))
}

// check compares the records with the model, and wants an entry for each that is due.
func (m *model) check(t *testing.T, rt *rapid.T) {
	entries := map[string]time.Time{} // the first of each
	for e, err := range m.index().Due(t.Context(), start.AddDate(10, 0, 0), "roit") {
		must(t, rt, err)
		if _, ok := entries[e.ID]; !ok {
			entries[e.ID] = e.At
		}
	}
	for id, due := range m.due {
		r, err := m.requests().Get(t.Context(), requestKey(id))
		must(t, rt, err)
		first, ok := entries[id]
		if !r.Due.Equal(due) || r.Done != m.counts[id] || !ok {
			rt.Fatalf("%s is %+v with an entry %s (%t), want it due %s, handled %d times", id, r, first, ok, due, m.counts[id])
		}
	}
}

// end clears everything and wants an empty index.
func (m *model) end(t *testing.T, rt *rapid.T) {
	for _, id := range ids {
		must(t, rt, m.sweeper.write(t.Context(), id, func(r request) request { r.Due = time.Time{}; return r }))
		delete(m.due, id)
	}
	must(t, rt, m.clock.Sleep(t.Context(), 3*time.Hour+ledger.Grace))
	m.sweep(t, rt)
	for e := range m.index().Due(t.Context(), start.AddDate(10, 0, 0), "") {
		rt.Fatal(fmt.Sprintf("%+v is left", e))
	}
}
