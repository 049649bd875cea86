package sweep_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"denybatch/internal/callback"
	"denybatch/internal/clock"
	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/request"
	"denybatch/internal/sweep"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/roit"
	"denybatch/pkg/upstream/upstreamtest"
)

const integration = upstreamtest.DefaultIntegration

// world is ROIT, an inbox and a state, in which sweeps are made as often as a test likes.
type world struct {
	sim      *upstreamtest.Server
	client   *roit.Client
	exchange objects.Store
	state    objects.Store
	options  sweep.Options
	batches  sweep.Batches
	workers  atomic.Int64
	told     []string // sweeps that were announced
}

// newWorld makes a world. It must be made within a synctest bubble, whose time is then everybody's.
func newWorld(t testing.TB, cfg upstreamtest.Config) *world {
	t.Helper()
	w := &world{exchange: newStore(t), state: newStore(t)}
	w.options.Policy = request.Policy{Attempts: 3, Backoff: 10 * time.Minute}
	w.options.Log = slog.New(slog.DiscardHandler)
	cfg.Memory = true
	if cfg.ROIT.CallbackAfter >= 0 {
		cfg.ROIT.CallbackURL, cfg.ROIT.CallbackToken = "http://127.0.0.1/callback", "secret"
		cfg.ROIT.CallbackClient = &http.Client{Transport: w}
	}
	w.sim = upstreamtest.Start(t, cfg)
	var err error
	w.client, err = roit.New(roit.Config{URL: w.sim.URL(), Token: upstream.NewSecret(w.sim.ROITToken()), HTTP: w.sim.Client()})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newStore(t testing.TB) objects.Store {
	t.Helper()
	s, err := dir.New(t.TempDir(), dir.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// RoundTrip delivers a callback to a handler of ours.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	h := callback.Handler{State: w.state, Clock: clock.System{}, Book: w.book(w.state), Tokens: func(context.Context, bool) ([]callback.Token, error) {
		return []callback.Token{{Value: upstream.NewSecret("secret")}}, nil
	}}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func (w *world) book(state objects.Store) request.Book {
	return request.NewBook(state, clock.System{}, w.options.Policy)
}

// drop puts a file into the inbox.
func (w *world) drop(t testing.TB, name string, lines ...string) {
	t.Helper()
	key := "inbox/reprocess/" + integration + "/" + name
	if _, err := objects.CreateBytes(context.Background(), w.exchange, key, []byte(strings.Join(lines, "\n")+"\n")); err != nil {
		t.Fatal(err)
	}
}

// sweeper is a new worker.
func (w *world) sweeper(up sweep.Reprocessor, exchange, state objects.Store) sweep.Sweeper {
	o := w.options
	o.Worker = fmt.Sprintf("worker-%d", w.workers.Add(1))
	o.Dead = func(string) bool { return true }
	book := w.book(state)
	return sweep.Sweeper{
		ROIT: up, Exchange: exchange, State: state, Options: o, Batches: w.batches,
		Replay:   func(ctx context.Context, id string) error { return callback.Replay(ctx, state, book, id) },
		Announce: w.announce,
	}
}

func (w *world) sweep(t testing.TB) sweep.Ending {
	t.Helper()
	end, err := w.sweeper(w.client, w.exchange, w.state).Sweep(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return end
}

// line is one line of a report.
type line map[string]string

func (l line) String() string {
	return fmt.Sprintf("%s %s %s %s", l["requestId"], l["result"], l["result_status"], l["result_code"])
}

// report is the report below a prefix.
func (w *world) report(t testing.TB, prefix string) []line {
	t.Helper()
	body, _, err := w.exchange.Open(context.Background(), prefix+"report.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	records, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff")))).ReadAll()
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

// reports are all lines of all reports, in the order of the sweeps.
func (w *world) reports(t testing.TB) []line {
	t.Helper()
	var all []line
	for info, err := range w.exchange.List(context.Background(), "reports/", "") {
		if err != nil {
			t.Fatal(err)
		}
		if prefix, ok := strings.CutSuffix(info.Key, "summary.json"); ok {
			all = append(all, w.report(t, prefix)...)
		}
	}
	return all
}

// shows compares the lines of a report with what is wanted: "<request> <result> <status> <code>".
func shows(t testing.TB, lines []line, want ...string) {
	t.Helper()
	var got []string
	for _, l := range lines {
		got = append(got, strings.TrimRight(l.String(), " "))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the report says\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func (w *world) truth(id string) upstreamtest.RequestTruth {
	return w.sim.RequestTruth(integration, id)
}

func (w *world) state1(t testing.TB, id string) request.Record {
	t.Helper()
	rec, err := w.book(w.state).Get(context.Background(), request.ID{Integration: integration, Request: id})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}
