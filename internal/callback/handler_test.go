package callback_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"denybatch/internal/callback"
	"denybatch/internal/objects"
	"denybatch/internal/request"
)

func TestAccepted(t *testing.T) {
	w := newWorld(t)
	body := enclosed(time.Now(), model("i1", "r1", "ERROR"))
	for range 3 {
		if a := w.post(t, body); a.Status != 202 || a.Header["Content-Type"] != "application/json" {
			t.Fatalf("got %d %s", a.Status, a.Body)
		}
	}
	rec := w.record(t, "i1", "r1")
	if rec.State != request.Failed || len(rec.Marks) != 1 || rec.Due.IsZero() {
		t.Errorf("the record is %+v", rec)
	}
	if good, unreadable := w.kept(t); len(good) != 1 || good[0] != body || unreadable != nil {
		t.Errorf("kept %q and %q, want the body as it came", good, unreadable)
	}
	if ids := w.backlog(t); ids != nil {
		t.Errorf("%v are left for the sweep", ids)
	}
	w.post(t, enclosed(time.Now().Add(time.Second), model("i1", "r1", "DONE")))
	w.post(t, enclosed(time.Now().Add(2*time.Second), model("i1", "r1", "ERROR")))
	if rec := w.record(t, "i1", "r1"); rec.State != request.Done || !rec.Due.IsZero() {
		t.Errorf("after DONE the record is %+v", rec)
	}
	logs := w.logs.String()
	if !strings.Contains(logs, "integration=i1 request=r1") || strings.Contains(logs, token) || strings.Contains(logs, "so it went") {
		t.Errorf("the log is %s", logs)
	}
}

// Everything that is refused is refused quickly, with the right status, and kept exactly where it should be.
func TestRefused(t *testing.T) {
	good := model("i1", "r1", "DONE")
	header := func(name, value string) func(*callback.Request) {
		return func(r *callback.Request) {
			r.Header.Del(name)
			if value != "" {
				r.Header.Set(name, value)
			}
		}
	}
	encoded := func(r *callback.Request) { r.Base64 = true }
	untouched := iotest.ErrReader(errors.New("the body was read"))
	unread := func(more func(*callback.Request)) func(*callback.Request) {
		return func(r *callback.Request) {
			more(r)
			r.Body = untouched
		}
	}
	for _, c := range []struct {
		name   string
		body   string
		change func(*callback.Request)
		status int
		keeps  bool
		says   string
	}{
		{"GET", good, unread(func(r *callback.Request) { r.Method = "GET" }), 405, false, "POST"},
		{"lower case method", good, unread(func(r *callback.Request) { r.Method = "post" }), 405, false, "POST"},
		{"GET without a token", good, unread(func(r *callback.Request) { r.Method, r.Header = "GET", nil }), 405, false, "POST"},
		{"no token", good, unread(header("Authorization", "")), 401, false, ""},
		{"wrong token", good, unread(header("Authorization", "Bearer "+token+"x")), 401, false, ""},
		{"1 MB token", good, unread(header("Authorization", strings.Repeat("x", 1<<20))), 401, false, ""},
		{"1 MB of commas", good, unread(header("Authorization", strings.Repeat(",", 1<<20))), 401, false, ""},
		{"right token in a 1 MB header", good, unread(header("Authorization", token+strings.Repeat(",x", 1<<19))), 401, false, ""},
		{"1 MB body", `"` + strings.Repeat("x", 1<<20) + `"`, nil, 413, false, "256 KiB"},
		{"one byte too long", good + strings.Repeat(" ", 256<<10+1-len(good)), nil, 413, false, "256 KiB"},
		{"1 MB base64 body", base64.StdEncoding.EncodeToString(make([]byte, 1<<20)), encoded, 413, false, "256 KiB"},
		{"base64 of one byte too many", base64.StdEncoding.EncodeToString(make([]byte, 256<<10+1)), encoded, 413, false, "256 KiB"},
		{"empty base64", "", encoded, 400, true, "empty"},
		{"no base64", good, encoded, 400, true, "base64"},
		{"broken off while it came", good, func(r *callback.Request) { r.Body = iotest.ErrReader(io.ErrUnexpectedEOF) }, 400, false, "whole"},
		{"longer than our server takes", good, func(r *callback.Request) { r.Body = iotest.ErrReader(&http.MaxBytesError{Limit: 1}) }, 413, false, "256 KiB"},
		{"HTML", "<html></html>", header("Content-Type", "text/html"), 415, true, "application/json"},
		{"a form", "a=b", header("Content-Type", "application/x-www-form-urlencoded"), 415, true, ""},
		{"no media type", good, header("Content-Type", "json"), 415, true, ""},
		{"nonsense as media type", good, header("Content-Type", "application/json; charset"), 415, true, ""},
		{"Latin-1", good, header("Content-Type", "application/json; charset=iso-8859-1"), 415, true, ""},
		{"zipped", "\x1f\x8b", header("Content-Encoding", "gzip"), 415, true, ""},
		{"text without a type", "it went well", header("Content-Type", ""), 400, true, "not JSON"},
		{"empty", "", nil, 400, true, "empty"},
		{"blank", " \n", nil, 400, true, "empty"},
		{"deep lists", strings.Repeat("[", 100_000), nil, 400, true, "64 levels"},
		{"deep objects", strings.Repeat(`{"a":`, 40_000), nil, 400, true, "64 levels"},
		{"deep and whole", strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), nil, 400, true, "64 levels"},
		{"65 levels in a field", nest(good, 64), nil, 400, true, "64 levels"},
		{"cut off", good[:len(good)-5], nil, 400, true, "cut off"},
		{"two values", good + good, nil, 400, true, "goes on"},
		{"a bracket too much", good + "}", nil, 400, true, "not JSON at byte"},
		{"name twice", `{"requestId":"a","requestId":"b"}`, nil, 400, true, "two members of one name"},
		{"name twice, written otherwise", `{"requestId":"a","request\u0049d":"b"}`, nil, 400, true, "two members of one name"},
		{"not UTF-8", strings.Replace(good, "r1", "r\xff", 1), nil, 400, true, "UTF-8"},
		{"half a surrogate", strings.Replace(good, "r1", `r\ud800`, 1), nil, 400, true, "not JSON"},
		{"UTF-16", "{\x00\"\x00}\x00", nil, 400, true, "not JSON"},
		{"comment", "/* */" + good, nil, 400, true, "not JSON"},
		{"string", `"DONE"`, nil, 400, true, "the body must be an object, not a string"},
		{"null", `null`, nil, 400, true, "the body must be an object, not null"},
		{"number", `1e999999999`, nil, 400, true, "not a number"},
		{"empty object", `{}`, nil, 400, true, "requestId is missing; status is missing"},
		{"empty list", `[]`, nil, 400, true, "empty list"},
		{"id of another type", `{"requestId":123,"integrationId":["i"],"status":{}}`, nil, 400, true,
			"integrationId must be a string, not a list; requestId must be a string, not a number; status must be a string, not an object"},
		{"null id", `{"requestId":null,"integrationId":"i","status":true}`, nil, 400, true, "requestId must be a string, not null; status must be a string, not a boolean"},
		{"empty id", `{"requestId":"","integrationId":"i","status":"DONE"}`, nil, 400, true, "requestId is empty"},
		{"blank status", `{"requestId":"r","integrationId":"i","status":" \u200b\n "}`, nil, 400, true, "status is empty"},
		{"long id", `{"requestId":"` + strings.Repeat("r", 129) + `","integrationId":"i","status":"DONE"}`, nil, 400, true, "the request id has 129 bytes"},
		{"id with a line break", `{"requestId":"r\n1","integrationId":"i","status":"DONE"}`, nil, 400, true, "white space"},
		{"id with a NUL", `{"requestId":"r\u0000","integrationId":"i","status":"DONE"}`, nil, 400, true, "white space"},
		{"envelope around nothing", `{"timestamp":1,"status":"s","message":"m","data":null}`, nil, 400, true, "data must be an object, not null"},
		{"envelope around an envelope", `{"data":{"data":` + good + `}}`, nil, 400, true, "data.requestId is missing"},
		{"list in a list", `[[` + good + `]]`, nil, 400, true, "[0] must be an object, not a list"},
		{"process without a status", `{"processUniqueId":"p"}`, nil, 400, true, "processStatus is missing"},
		{"process status of another type", `{"processUniqueId":"p","processStatus":7}`, nil, 400, true, "processStatus must be a string, not a number"},
		{"process without an id", `{"processStatus":"DONE"}`, nil, 400, true, "processUniqueId is missing"},
		{"501 items", "[" + strings.Repeat(`{"a":1},`, 500) + `{"a":1}]`, nil, 400, true, "more than 500"},
		{"501 items in envelopes", "[" + strings.Repeat(`{"data":[{},{}]},`, 250) + `{"data":{}}]`, nil, 400, true, "more than 500"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			r := call(c.body)
			if c.change != nil {
				c.change(&r)
			}
			began := time.Now()
			a := w.do(t, r)
			if took := time.Since(began); took > time.Second {
				t.Errorf("it took %s", took)
			}
			if says := detail(t, a); a.Status != c.status || !strings.Contains(says, c.says) {
				t.Errorf("got %d %q, want %d %q", a.Status, says, c.status, c.says)
			}
			good, unreadable := w.kept(t)
			if good != nil || c.keeps != slices.Equal(unreadable, []string{c.body}) || !c.keeps && unreadable != nil {
				t.Errorf("kept %.50q and %.50q, want %v", good, unreadable, c.keeps)
			}
			if others := w.keys(t, ""); len(others) != len(unreadable) {
				t.Errorf("there is %q", others)
			}
			switch allow, realm := a.Header["Allow"], a.Header["WWW-Authenticate"]; {
			case (allow == "POST") != (a.Status == 405), (realm != "") != (a.Status == 401):
				t.Errorf("got headers %v", a.Header)
			}
			if strings.Contains(w.logs.String(), token) || len(c.body) > 10 && strings.Contains(w.logs.String(), c.body) {
				t.Errorf("the log is %.500s", w.logs)
			}
		})
	}
}

// nest puts a value that many levels deep into a field of an object that has one level.
func nest(object string, levels int) string {
	return strings.TrimSuffix(object, "}") + `,"x":` + strings.Repeat("[", levels) + strings.Repeat("]", levels) + "}"
}

// A list of which some items are bad is applied as far as it goes, kept at both places, and refused with what is wrong.
func TestPartlyUnderstood(t *testing.T) {
	w := newWorld(t)
	body := `{"data":[` + model("i1", "r1", "DONE") + `,{"requestId":7},` + model("i1", "r3", "ERROR") + `]}`
	for range 2 {
		a := w.post(t, body)
		says := detail(t, a)
		if a.Status != 400 || !strings.Contains(says, "data[1].requestId must be a string, not a number") || !strings.Contains(says, "The rest is recorded") {
			t.Errorf("got %d %s", a.Status, says)
		}
	}
	if w.record(t, "i1", "r1").State != request.Done || w.record(t, "i1", "r3").State != request.Failed {
		t.Error("the good items are not applied")
	}
	if good, unreadable := w.kept(t); !slices.Equal(good, []string{body}) || !slices.Equal(unreadable, good) {
		t.Errorf("kept %q and %q", good, unreadable)
	}
	if ids := w.backlog(t); ids != nil {
		t.Errorf("%v are left for the sweep", ids)
	}
}

func TestManyFaultsAreCounted(t *testing.T) {
	a := newWorld(t).post(t, "["+strings.Repeat(`7,`, 399)+`7]`)
	if says := detail(t, a); !strings.Contains(says, "[9] must be an object") || strings.Contains(says, "[10]") || !strings.Contains(says, "390 more") {
		t.Errorf("got %s", says)
	}
}

func TestLongestLists(t *testing.T) {
	w := newWorld(t)
	items := make([]string, 500)
	for i := range items {
		items[i] = fmt.Sprintf(`{"requestId":"r%d","integrationId":"i","status":"DONE"}`, i%400) // some twice
	}
	began := time.Now()
	if a := w.post(t, "["+strings.Join(items, ",")+"]"); a.Status != 202 || !bytes.Contains(a.Body, []byte("500")) {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	t.Logf("500 items took %s", time.Since(began))
	if n := len(w.keys(t, "requests/i/")); n != 400 {
		t.Errorf("there are %d records", n)
	}
}

func TestBodyOfTheLongestKind(t *testing.T) {
	good := model("i1", "r1", "DONE")
	full := good + strings.Repeat(" ", 256<<10-len(good))
	w := newWorld(t)
	if a := w.post(t, full); a.Status != 202 {
		t.Errorf("plain: %d %s", a.Status, a.Body)
	}
	r := call(base64.StdEncoding.EncodeToString([]byte(full)))
	r.Base64 = true
	if a := w.do(t, r); a.Status != 202 {
		t.Errorf("base64: %d %s", a.Status, a.Body)
	}
	if a := w.post(t, nest(good, 63)); a.Status != 202 {
		t.Errorf("64 levels: %d %s", a.Status, a.Body)
	}
	if good, _ := w.kept(t); len(good) != 2 {
		t.Errorf("kept %d bodies, want the same for plain and base64", len(good))
	}
}

func TestMediaTypes(t *testing.T) {
	for _, media := range []string{
		"", "application/json", "Application/JSON", "application/json; charset=utf-8", `application/json;charset="UTF-8"`, "application/json; charset=utf8",
		"application/cloudevents+json", "application/vnd.roit.v1+json; version=1", "text/json",
	} {
		w := newWorld(t)
		r := call("\ufeff" + model("i1", "r1", "DONE"))
		if r.Header.Set("Content-Type", media); media == "" {
			r.Header.Del("Content-Type")
		}
		if a := w.do(t, r); a.Status != 202 {
			t.Errorf("%q: %d %s", media, a.Status, a.Body)
		}
	}
}

// brokenStore fails in the ways of a store that cannot be reached.
type brokenStore struct{ objects.Store }

var errBroken = errors.New("secret-bucket is out of order")

func (brokenStore) Create(context.Context, string) (objects.Writer, error) { return nil, errBroken }

// What cannot be recorded is ROIT's to deliver again.
func TestStorageIsOutOfOrder(t *testing.T) {
	for _, body := range []string{model("i1", "r1", "DONE"), "nonsense"} {
		w := newWorld(t)
		w.State = brokenStore{w.store}
		a := w.post(t, body)
		if says := detail(t, a); a.Status != 503 || a.Header["Retry-After"] == "" || strings.Contains(says, "bucket") {
			t.Errorf("got %d %v %s", a.Status, a.Header, says)
		}
		if !strings.Contains(w.logs.String(), "secret-bucket") {
			t.Errorf("the log does not say why: %s", w.logs)
		}
		w.State = w.store
		if a := w.post(t, body); a.Status == 503 {
			t.Errorf("later: %d", a.Status)
		}
	}
}

// deafBook forgets to hear.
type deafBook struct{}

func (deafBook) Hear(context.Context, request.ID, request.Word) (request.Record, error) {
	return request.Record{}, errBroken
}

func TestReplay(t *testing.T) {
	w := newWorld(t)
	book := w.Book
	w.Book = deafBook{}
	if a := w.post(t, `[`+model("i1", "r1", "ERROR")+`,5]`); a.Status != 503 {
		t.Errorf("got %d", a.Status)
	}
	ids := w.backlog(t)
	if len(ids) != 1 || w.record(t, "i1", "r1").State != "" {
		t.Fatalf("%v is left for the sweep", ids)
	}
	if err := callback.Replay(t.Context(), w.store, deafBook{}, ids[0]); !errors.Is(err, errBroken) {
		t.Errorf("a deaf replay: %v", err)
	}
	for range 2 {
		if err := callback.Replay(t.Context(), w.store, book, ids[0]); err != nil {
			t.Fatal(err)
		}
		rec := w.record(t, "i1", "r1")
		_, info, err := objects.Read(t.Context(), w.store, "callbacks/"+ids[0]+".json", 1<<20)
		if err != nil || rec.State != request.Failed || len(rec.Marks) != 1 || !rec.Word.Heard.Equal(info.Modified) {
			t.Errorf("the record is %+v, stored at %s, error %v", rec, info.Modified, err)
		}
	}
	if _, unreadable := w.kept(t); len(unreadable) != 1 {
		t.Errorf("a person is shown %q", unreadable)
	}
	for _, id := range []string{"2026-01-01/none", "nothing", "", "a/b/c", "2026-01-01/unreadable/x"} {
		if err := callback.Replay(t.Context(), w.store, book, id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// Over real HTTP, a stranger's long body is not read, and one who hangs up is recorded all the same.
func TestOverHTTP(t *testing.T) {
	w := newWorld(t)
	url := w.serve(t)
	if status, err := send(http.DefaultClient, url, model("i1", "r1", "DONE")); status != 202 || err != nil {
		t.Fatalf("got %d, %v", status, err)
	}
	for _, c := range []struct {
		method, token string
		size          int
		want          int
	}{{"POST", "wrong", 1 << 20, 401}, {"POST", "", 5, 401}, {"POST", token, 1 << 20, 413}, {"PUT", token, 1 << 20, 405}, {"HEAD", token, 0, 405}} {
		req, err := http.NewRequest(c.method, url+"?token="+token, strings.NewReader(strings.Repeat("x", c.size)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Auth-Token", c.token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%s: %v", c.method, err)
		}
		res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s with %q: %d, want %d", c.method, c.token, res.StatusCode, c.want)
		}
	}
	if good, unreadable := w.kept(t); len(good) != 1 || unreadable != nil {
		t.Errorf("kept %d and %q", len(good), unreadable)
	}
}

func TestCallerHangsUp(t *testing.T) {
	w := newWorld(t)
	ctx, hangUp := context.WithCancel(t.Context())
	hangUp()
	req, err := http.NewRequestWithContext(ctx, "POST", "/", strings.NewReader(model("i1", "r1", "DONE")))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Token", token)
	w.ServeHTTP(goneWriter{}, req)
	if w.record(t, "i1", "r1").State != request.Done {
		t.Error("what had begun was not brought to its end")
	}
}

// goneWriter is a caller that does not listen.
type goneWriter struct{}

func (goneWriter) Header() http.Header       { return http.Header{} }
func (goneWriter) Write([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }
func (goneWriter) WriteHeader(int)           {}
