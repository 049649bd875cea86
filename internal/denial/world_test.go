package denial_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"

	"denybatch/internal/clock"
	"denybatch/internal/denial"
	"denybatch/internal/journal"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/report"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/invx"
	"denybatch/pkg/upstream/upstreamtest"
)

// world is one upstream, one state and one folder of reports, in which a file is run as often as a test likes.
type world struct {
	sim     *upstreamtest.Server
	client  *invx.Client
	state   objects.Store
	out     objects.Store
	file    string
	options denial.Options
	worker  atomic.Int64
	reopen  bool
}

func newWorld(t testing.TB, cfg upstreamtest.Config) *world {
	t.Helper()
	cfg.Memory = true
	sim := upstreamtest.Start(t, cfg)
	client, err := invx.New(invx.Config{URL: sim.URL(), Org: sim.Org(), Token: upstream.NewSecret(sim.Token()), HTTP: sim.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return &world{sim: sim, client: client, state: newStore(t), out: newStore(t)}
}

func newStore(t testing.TB) objects.Store {
	t.Helper()
	s, err := dir.New(t.TempDir(), dir.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs the file as a new worker.
func (w *world) run(ctx context.Context) (denial.Outcome, error) {
	return w.runWith(ctx, w.client, w.state, w.out)
}

func (w *world) runWith(ctx context.Context, up denial.Upstream, state, out objects.Store) (denial.Outcome, error) {
	book, err := sheet.Open("batch.csv", strings.NewReader(w.file), int64(len(w.file)))
	if err != nil {
		return denial.Outcome{}, err
	}
	defer book.Close()
	o := w.options
	o.Owner = fmt.Sprintf("worker-%d", w.worker.Add(1))
	o.Dead = func(string) bool { return true }
	return denial.New(up, o).Run(ctx, denial.Job{
		Batch: "b1", Name: "batch.csv", Org: "org", Book: book, State: state, Out: out, Reopen: w.reopen,
		Due:    &ledger.Index{Store: state, Clock: clock.System{}},
		Source: journal.Source{Bucket: "test", Key: "batch.csv", SHA256: "0"}, Kinds: []report.Kind{report.CSV, report.Retry},
	})
}

// mustRun runs the file to its end.
func (w *world) mustRun(t testing.TB) denial.Outcome {
	t.Helper()
	o, err := w.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// line is one row of report.csv.
type line map[string]string

func (w *world) report(t testing.TB, prefix string) []line {
	t.Helper()
	body, _, err := w.out.Open(context.Background(), prefix+"report.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var lines []line
	for _, rec := range records[1:] {
		l := line{}
		for i, name := range records[0] {
			l[name] = rec[i]
		}
		lines = append(lines, l)
	}
	return lines
}

// checkTruth holds every verdict against what happened upstream. Rows in mayBeUnknown may say so.
func (w *world) checkTruth(t testing.TB, lines []line, mayBeUnknown ...string) {
	t.Helper()
	for i, l := range lines {
		if want := fmt.Sprint(i + 2); l["result_row"] != want {
			t.Errorf("line %d speaks of row %s", i, l["result_row"])
		}
		truth := w.sim.Truth(l["docId"])
		if problem := lie(l, truth, mayBeUnknown); problem != "" {
			t.Errorf("row %s (%s): result %q (%s %s), but %s", l["result_row"], l["docId"], l["result"], l["result_code"], l["result_message"], problem)
		}
	}
	if c := w.sim.Counters(); c.DoubleDenials > 0 {
		t.Errorf("%d documents were denied twice", c.DoubleDenials)
	}
	for _, v := range w.sim.Violations() {
		t.Errorf("protocol violation: %s", v)
	}
}

// lie says how a verdict differs from the truth, or "".
func lie(l line, truth upstreamtest.Truth, mayBeUnknown []string) string {
	switch verdict.Result(l["result"]) {
	case verdict.Denied:
		if truth.Applied != 1 {
			return fmt.Sprintf("it was denied %d times", truth.Applied)
		}
	case verdict.AlreadyDenied:
		if !truth.DeniedBefore || truth.Applied != 0 {
			return fmt.Sprintf("it was denied before: %v, by us %d times", truth.DeniedBefore, truth.Applied)
		}
	case verdict.Rejected:
		if truth.Status == invx.StatusDenied {
			return "it is denied"
		}
		if l["result_code"] == "" && l["result_message"] == "" {
			return "nothing says why"
		}
	case verdict.Unknown:
		for _, id := range mayBeUnknown {
			if strings.EqualFold(id, l["docId"]) {
				return ""
			}
		}
		return "unknown is no answer here; it is in state " + truth.Status
	default:
		return "that is no result here"
	}
	return ""
}

func count(lines []line) verdict.Counts {
	c := verdict.Counts{}
	for _, l := range lines {
		c[verdict.Result(l["result"])]++
	}
	return c
}

// docID is the nth document.
func docID(n int) string { return fmt.Sprintf("0d0c1f6e-0000-4000-8000-%012x", n) }

// batch writes a file of n documents, of which some are already denied and some cannot be, and adds them upstream.
func (w *world) batch(t testing.TB, n int, bad, denied float64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	var b strings.Builder
	b.WriteString("docId,comments\n")
	docs := make([]upstreamtest.Document, n)
	states := []string{"240", "240", "260", "250", "210"}
	for i := range n {
		docs[i] = upstreamtest.Document{DocID: docID(i), Status: "200"}
		switch p := rng.Float64(); {
		case p < bad:
			docs[i].Status = states[rng.IntN(len(states))]
		case p < bad+denied:
			docs[i].Status, docs[i].Comment = "220", "Goods not received"
		}
		fmt.Fprintf(&b, "%s,Goods not received\n", docID(i))
	}
	if err := w.sim.Add(docs...); err != nil {
		t.Fatal(err)
	}
	w.file = b.String()
}
