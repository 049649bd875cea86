package local_test

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"denybatch/internal/callback"
	"denybatch/internal/denial"
	"denybatch/internal/inbox"
	"denybatch/internal/local"
	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/request"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/invx"
	"denybatch/pkg/upstream/roit"
	"denybatch/pkg/upstream/upstreamtest"
)

const (
	org         = upstreamtest.DefaultOrg
	integration = upstreamtest.DefaultIntegration
)

// world is both upstreams and a folder, in a bubble where time is free, in which the system is started as often as a test
// likes.
type world struct {
	t        *testing.T
	sim      *upstreamtest.Server
	folder   string
	exchange objects.Store
	state    objects.Store
	doors    *doors
	noROIT   bool
	noInvX   bool
	workers  int

	mu    sync.Mutex
	lines []string
}

func newWorld(t *testing.T, cfg upstreamtest.Config) *world {
	t.Helper()
	w := &world{t: t, folder: t.TempDir()}
	cfg.Memory = true
	cfg.InvX.Auto, cfg.ROIT.Auto = true, true
	cfg.ROIT.CallbackURL, cfg.ROIT.CallbackToken = "http://127.0.0.1/callback", "secret"
	cfg.ROIT.CallbackClient = &http.Client{Transport: &http.Transport{DialContext: w.dial, DisableKeepAlives: true}}
	w.sim = upstreamtest.Start(t, cfg)
	w.exchange, w.state = w.store("exchange"), w.store("state")
	return w
}

func (w *world) store(name string) objects.Store {
	w.t.Helper()
	s, err := dir.New(filepath.Join(w.folder, name), dir.WithoutSync())
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w.mu.Lock()
	d := w.doors
	w.mu.Unlock()
	if d == nil {
		return nil, errors.New("nobody listens")
	}
	return d.dial(ctx)
}

// start starts the system; end asks for its end and waits for it.
func (w *world) start() (end func()) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	d := &doors{arriving: make(chan net.Conn), closed: make(chan struct{})}
	w.mu.Lock()
	w.doors = d
	w.mu.Unlock()
	sys := w.system(d)
	ended := make(chan error, 1)
	go func() { ended <- sys.Run(ctx) }()
	return func() {
		w.t.Helper()
		cancel()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	}
}

func (w *world) system(listener net.Listener) local.System {
	w.t.Helper()
	sys := local.System{
		Exchange: w.exchange, State: w.state, Locks: filepath.Join(w.folder, "state", "locks"), Listener: listener,
		Account: w.account, Tokens: []callback.Token{{Value: upstream.NewSecret("secret")}},
		Every: time.Minute, Policy: request.Policy{Attempts: 3, Backoff: 10 * time.Minute},
		Denial: denial.Options{Chunk: 10, Concurrency: 2},
		Owner:  w.owner, Dead: func(string) bool { return true }, Say: w.say, Log: slog.New(slog.DiscardHandler),
	}
	if w.noROIT {
		return sys
	}
	client, err := roit.New(roit.Config{URL: w.sim.URL(), Token: upstream.NewSecret(w.sim.ROITToken()), HTTP: w.sim.Client()})
	if err != nil {
		w.t.Fatal(err)
	}
	sys.ROIT = client
	return sys
}

func (w *world) account(_ context.Context, id string) (denial.Upstream, error) {
	if id != org || w.noInvX {
		return nil, inbox.ErrUnknownOrg
	}
	return invx.New(invx.Config{URL: w.sim.URL(), Org: org, Token: upstream.NewSecret(w.sim.Token()), HTTP: w.sim.Client()})
}

func (w *world) owner() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.workers++
	return fmt.Sprint("worker-", w.workers)
}

func (w *world) say(line string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines = append(w.lines, line)
}

// said are the lines that hold every one of some words.
func (w *world) said(words ...string) (found []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, line := range w.lines {
		if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(line, word) }) {
			found = append(found, line)
		}
	}
	return found
}

// says wants so many lines with these words.
func (w *world) says(times int, words ...string) {
	w.t.Helper()
	if got := w.said(words...); len(got) != times {
		w.t.Errorf("%d lines say %q, want %d. It says:\n%s", len(got), words, times, strings.Join(w.said(), "\n"))
	}
}

// drop puts a file into the inbox as somebody would.
func (w *world) drop(key, text string) {
	w.t.Helper()
	path := filepath.Join(w.folder, "exchange", filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// append goes on writing a file.
func (w *world) append(key, text string) {
	w.t.Helper()
	f, err := os.OpenFile(filepath.Join(w.folder, "exchange", filepath.FromSlash(key)), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		w.t.Fatal(err)
	}
}

// reports are the report.csv files below a prefix, in the order of their keys.
func (w *world) reports(prefix string) (keys []string) {
	w.t.Helper()
	for info, err := range w.exchange.List(context.Background(), prefix, "") {
		if err != nil {
			w.t.Fatal(err)
		}
		if strings.HasSuffix(info.Key, "/report.csv") {
			keys = append(keys, info.Key)
		}
	}
	return keys
}

// results are the results in a report, in the order of its rows, each with what stands in another column.
func (w *world) results(key, column string) (results []string) {
	w.t.Helper()
	body, _, err := w.exchange.Open(context.Background(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		w.t.Fatal(err)
	}
	records, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(text), "\ufeff"))).ReadAll()
	if err != nil {
		w.t.Fatal(err)
	}
	named, result := slices.Index(records[0], column), slices.Index(records[0], "result")
	for _, rec := range records[1:] {
		results = append(results, rec[named]+" "+rec[result])
	}
	return results
}

// bubble runs a test in which time is free.
func bubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}

// doors is a listener in memory.
type doors struct {
	arriving chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

func (d *doors) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case d.arriving <- there:
		return here, nil
	case <-d.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *doors) Accept() (net.Conn, error) {
	select {
	case conn := <-d.arriving:
		return conn, nil
	case <-d.closed:
		return nil, net.ErrClosed
	}
}

func (d *doors) Close() error {
	d.once.Do(func() { close(d.closed) })
	return nil
}

func (d *doors) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
