package callback_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"denybatch/internal/callback"
	"denybatch/internal/clock"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/request"
	"denybatch/pkg/upstream"
)

const token = "the-right-token"

// policy is how patient the records of these tests are.
var policy = request.Policy{Attempts: 5, Backoff: 15 * time.Minute}

// world is a handler around an empty store, and what it logs.
type world struct {
	*callback.Handler
	store objects.Store // the one below whatever the handler is given
	logs  *bytes.Buffer
}

func newWorld(t testing.TB) *world {
	t.Helper()
	store, err := dir.New(t.TempDir(), dir.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	return worldIn(store)
}

func worldIn(store objects.Store) *world {
	w := &world{store: store, logs: new(bytes.Buffer)}
	w.Handler = &callback.Handler{
		State: store, Clock: clock.System{}, Book: request.NewBook(store, clock.System{}, policy), Tokens: only(token),
		Log: slog.New(slog.NewTextHandler(w.logs, nil)),
	}
	return w
}

// only accepts these tokens for ever.
func only(values ...string) func(context.Context, bool) ([]callback.Token, error) {
	var all []callback.Token
	for _, v := range values {
		all = append(all, callback.Token{Value: upstream.NewSecret(v)})
	}
	return func(context.Context, bool) ([]callback.Token, error) { return all, nil }
}

// call is a right call in every respect, for tests to spoil.
func call(body string) callback.Request {
	return callback.Request{
		Method: "POST", Body: strings.NewReader(body),
		Header: http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {"application/json"}},
	}
}

// post makes a right call, and checks the form of the answer.
func (w *world) post(t testing.TB, body string) callback.Response {
	t.Helper()
	return w.do(t, call(body))
}

func (w *world) do(t testing.TB, r callback.Request) callback.Response {
	t.Helper()
	a := w.Handle(t.Context(), r)
	if !slices.Contains([]int{202, 400, 401, 405, 413, 415, 503}, a.Status) {
		t.Errorf("got status %d", a.Status)
	}
	if a.Header["Cache-Control"] != "no-store" || a.Header["X-Content-Type-Options"] != "nosniff" {
		t.Errorf("got headers %v", a.Header)
	}
	if a.Status != http.StatusAccepted {
		detail(t, a)
	}
	return a
}

// detail checks that an answer is a problem that tells nothing, and returns its detail.
func detail(t testing.TB, a callback.Response) string {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	dec := json.NewDecoder(bytes.NewReader(a.Body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&p); err != nil || a.Header["Content-Type"] != "application/problem+json" {
		t.Errorf("%s %s is no problem: %v", a.Header["Content-Type"], a.Body, err)
	}
	if p.Type == "" || p.Title != http.StatusText(a.Status) || p.Status != a.Status || p.Detail == "" {
		t.Errorf("the problem is %+v", p)
	}
	if strings.Contains(string(a.Body), token) || len(a.Body) > 2000 {
		t.Errorf("the problem tells too much: %s", a.Body)
	}
	return p.Detail
}

// keys are those of the store that begin so.
func (w *world) keys(t testing.TB, prefix string) []string {
	t.Helper()
	keys := []string{}
	for info, err := range w.store.List(context.Background(), prefix, "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// kept are the bodies that are kept, and those among them that a person must look at.
func (w *world) kept(t testing.TB) (good, unreadable []string) {
	t.Helper()
	for _, key := range w.keys(t, "callbacks/") {
		b, _, err := objects.Read(context.Background(), w.store, key, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(key, "/unreadable/") {
			unreadable = append(unreadable, string(b))
		} else if strings.HasSuffix(key, ".json") {
			good = append(good, string(b))
		} else {
			t.Errorf("there is %s", key)
		}
	}
	return good, unreadable
}

// record is what is known of a request; the zero record when that is nothing.
func (w *world) record(t testing.TB, integration, id string) request.Record {
	t.Helper()
	rec, err := request.NewBook(w.store, clock.System{}, policy).Get(context.Background(), request.ID{Integration: integration, Request: id})
	if err != nil && !errors.Is(err, objects.ErrNotFound) {
		t.Fatal(err)
	}
	return rec
}

// backlog are the callbacks that a sweep would apply again.
func (w *world) backlog(t testing.TB) (ids []string) {
	t.Helper()
	index := ledger.Index{Store: w.store, Clock: clock.System{}}
	for e, err := range index.Due(context.Background(), time.Now().Add(time.Hour), callback.Kind) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	return ids
}

// serve puts the handler behind a real server.
func (w *world) serve(t testing.TB) string {
	t.Helper()
	s := httptest.NewServer(w)
	t.Cleanup(s.Close)
	return s.URL
}

// send makes a right call over HTTP.
func send(client *http.Client, url, body string) (int, error) {
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("X-Callback-Token", token)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// model is an EntityStatusModel with every documented field.
func model(integration, id, status string) string {
	return fmt.Sprintf(`{"id":"e1","entity":"DOCUMENT","masterId":"m","requestId":%q,"reference":"r","integrationId":%q,"type":"NFE","status":%q,
		"isPriority":false,"retryAfter":0,"message":"so it went","metadata":{"processId":"p"},"entryReference":1234567890,
		"entryDate":"2026-01-02T03:04:05.678Z","systemInfo":{}}`, id, integration, status)
}

// enclosed is a model in ROIT's envelope.
func enclosed(at time.Time, data string) string {
	return fmt.Sprintf(`{"timestamp":%d,"status":"success","message":"","data":%s}`, at.UnixMilli(), data)
}
