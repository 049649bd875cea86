package roit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"denybatch/pkg/upstream"
)

const (
	base        = "/gateway"
	integration = "b8c2d7e1-0000-4000-8000-00000000000a"
	request     = "7gk2hq1m-not-hex-v"
	secret      = "tok-0123456789"
)

// setup is a client with a ready token, and the mux of the server it speaks to, mounted under a base path.
func setup(t *testing.T) (*Client, *http.ServeMux) {
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return mustNew(t, Config{URL: srv.URL + base, Token: upstream.NewSecret(secret)}), mux
}

func mustNew(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func route(path string) string { return "POST " + base + requestsPath + path }

// expects checks a request and answers it.
func expects(t *testing.T, body map[string]any, answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Values("Authorization"); !reflect.DeepEqual(got, []string{secret}) {
			t.Errorf("Authorization is %q, want the raw token once", got)
		}
		if got := r.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type is %q", got)
		}
		d := json.NewDecoder(r.Body)
		d.UseNumber()
		var got map[string]any
		if err := d.Decode(&got); err != nil || !reflect.DeepEqual(got, body) {
			t.Errorf("sent %v (%v), want %v", got, err, body)
		}
		io.WriteString(w, answer)
	}
}

const whole = `{"timestamp":1751372800123,"status":"error","message":"outer","data":{
	"id":"e-1","entity":"DOCUMENT","masterId":"m-1","requestId":"` + request + `","reference":"ref","integrationId":"` + integration + `",
	"type":"NFE","status":"PENDING","isPriority":true,"retryAfter":0,"message":"inner","metadata":{"processId":"p"},
	"entryReference":12345678901234567890,"entryDate":"2026-01-02T03:04:05.678Z","systemInfo":{},"newField":[1]}}`

func TestReprocess(t *testing.T) {
	c, mux := setup(t)
	mux.HandleFunc(route("/reprocess"), expects(t, map[string]any{"requestId": request, "integrationId": integration}, whole))
	got, err := c.Reprocess(t.Context(), integration, request)
	if err != nil {
		t.Fatal(err)
	}
	raw := got.Entity.Raw
	got.Entity.Raw = nil
	want := Answer{Timestamp: "1751372800123", Status: "error", Message: "outer", Entity: EntityStatus{
		ID: "e-1", Entity: Document, MasterID: "m-1", RequestID: request, Reference: "ref", IntegrationID: integration, Type: "NFE",
		Status: Pending, IsPriority: true, RetryAfter: "0", Message: "inner", Metadata: json.RawMessage(`{"processId":"p"}`),
		EntryReference: "12345678901234567890", EntryDate: "2026-01-02T03:04:05.678Z", SystemInfo: json.RawMessage(`{}`),
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if !strings.Contains(string(raw), `"newField":[1]`) {
		t.Errorf("an unknown field is not in %s", raw)
	}
	if b, err := json.Marshal(got); err != nil || !strings.Contains(string(b), "12345678901234567890") {
		t.Errorf("an answer cannot be kept as JSON: %s, %v", b, err)
	}
}

// data is an answer about the request that was asked for, with its status and what else is to stand in it.
func data(status, more string) string {
	return fmt.Sprintf(`{"data":{"requestId":%q,"status":%q%s}}`, request, status, more)
}

func TestReprocessIsJudged(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   upstream.Disposition
		says   string // in the error
	}{
		"EveryFieldButTwoMissing":       {200, data("DONE", ""), upstream.Fine, ""},
		"AnyStatusThatIsKnown":          {200, data("ERROR", ""), upstream.Fine, ""},
		"ASuccessOtherThan200":          {202, data("PENDING", ""), upstream.Fine, ""},
		"OuterStatusIsNotJudged":        {200, `{"status":"error","message":"failed","data":{"requestId":"` + request + `","status":"PENDING"}}`, upstream.Fine, ""},
		"OuterStatusOfAnotherType":      {200, `{"status":500,"timestamp":"now","message":{},"data":{"requestId":"` + request + `","status":"PENDING"}}`, upstream.Fine, ""},
		"IndecisiveFieldsOfAnotherType": {200, data("DONE", `,"retryAfter":"5","entryReference":"0012","entity":"NEW","metadata":[],"isPriority":"yes"`), upstream.Fine, ""},
		"IntegrationIsTheSame":          {200, data("DONE", `,"integrationId":"`+integration+`"`), upstream.Fine, ""},
		"IntegrationInOtherCase":        {200, data("DONE", `,"integrationId":"`+strings.ToUpper(integration)+`"`), upstream.Fine, ""},
		"IntegrationIsNull":             {200, data("DONE", `,"integrationId":null`), upstream.Fine, ""},
		"IntegrationIsAnother":          {200, data("DONE", `,"integrationId":"other"`), upstream.Lost, "another integration"},
		"IntegrationIsEmpty":            {200, data("DONE", `,"integrationId":""`), upstream.Lost, "another integration"},
		"IntegrationIsANumber":          {200, data("DONE", `,"integrationId":7`), upstream.Lost, "another integration"},
		"UnknownStatus":                 {200, data("CANCELLED", ""), upstream.Lost, `"CANCELLED"`},
		"StatusInSmallLetters":          {200, data("done", ""), upstream.Lost, `"done"`},
		"StatusWithALineEnd":            {200, data("DONE\n", ""), upstream.Lost, `unknown status "DONE\n"`},
		"EndlessStatus":                 {200, data(strings.Repeat("X", 1000), ""), upstream.Lost, "1000 characters"},
		"EmptyStatus":                   {200, data("", ""), upstream.Lost, "unknown status"},
		"StatusIsANumber":               {200, `{"data":{"requestId":"` + request + `","status":1}}`, upstream.Lost, "no status"},
		"StatusIsNull":                  {200, `{"data":{"requestId":"` + request + `","status":null}}`, upstream.Lost, "no status"},
		"NoStatus":                      {200, `{"data":{"requestId":"` + request + `"}}`, upstream.Lost, "no status"},
		"OnlyAnOuterStatus":             {200, `{"status":"DONE","requestId":"` + request + `"}`, upstream.Lost, "no data"},
		"AnotherRequest":                {200, `{"data":{"requestId":"other","status":"DONE"}}`, upstream.Lost, `"other"`},
		"RequestInOtherCaseIsNoUUID":    {200, `{"data":{"requestId":"` + strings.ToUpper(request) + `","status":"DONE"}}`, upstream.Lost, "another request"},
		"RequestWithASpace":             {200, `{"data":{"requestId":"` + request + ` ","status":"DONE"}}`, upstream.Lost, "another request"},
		"RequestIsANumber":              {200, `{"data":{"requestId":5,"status":"DONE"}}`, upstream.Lost, "which request"},
		"NoRequest":                     {200, `{"data":{"id":"` + request + `","status":"DONE"}}`, upstream.Lost, "which request"},
		"NoData":                        {200, `{"timestamp":1,"status":"success","message":"ok"}`, upstream.Lost, "no data"},
		"DataIsNull":                    {200, `{"data":null}`, upstream.Lost, "no data"},
		"DataIsAList":                   {200, `{"data":[{"requestId":"` + request + `","status":"DONE"}]}`, upstream.Lost, "no data"},
		"DataIsText":                    {200, `{"data":"DONE"}`, upstream.Lost, "no data"},
		"NoEnvelope":                    {200, `{"requestId":"` + request + `","status":"DONE"}`, upstream.Lost, "no data"},
		"AList":                         {200, `[` + data("DONE", "") + `]`, upstream.Lost, "no JSON object"},
		"Null":                          {200, `null`, upstream.Lost, "no JSON object"},
		"Empty":                         {200, ``, upstream.Lost, "empty"},
		"Blank":                         {200, " \r\n", upstream.Lost, "empty"},
		"NoContent":                     {204, ``, upstream.Lost, "empty"},
		"HTML":                          {200, `<html>login</html>`, upstream.Lost, "HTML"},
		"CutOff":                        {200, whole[:len(whole)-2], upstream.Lost, "cut off"},
		"CutOffInAText":                 {200, whole[:40], upstream.Lost, "cut off"},
		"Text":                          {200, `OK`, upstream.Lost, "not JSON"},
		"TwoAnswers":                    {200, data("DONE", "") + data("ERROR", ""), upstream.Lost, "after its end"},
		"RubbishBehind":                 {200, data("DONE", "") + "x", upstream.Lost, "after its end"},
		"StatusTwice":                   {200, data("DONE", `,"status":"ERROR"`), upstream.Lost, "twice"},
		"StatusTwiceWithAnEscape":       {200, data("DONE", `,"st\u0061tus":"ERROR"`), upstream.Lost, "twice"},
		"DataTwice":                     {200, strings.TrimSuffix(data("DONE", ""), "}") + `,"data":{}}`, upstream.Lost, "twice"},
		"SomethingDeepTwice":            {200, data("DONE", `,"metadata":{"a":[{"b":1,"b":2}]}`), upstream.Lost, "twice"},
		"DataInOtherCapitals":           {200, `{"Data":{"requestId":"` + request + `","status":"DONE"}}`, upstream.Lost, `"Data"`},
		"StatusAlsoInOtherCapitals":     {200, data("DONE", `,"Status":"ERROR"`), upstream.Lost, `"Status"`},
		"RequestInOtherCapitals":        {200, `{"data":{"requestID":"` + request + `","status":"DONE"}}`, upstream.Lost, `"requestID"`},
		"BrokenText":                    {200, data("DONE", ",\"message\":\"\xff\""), upstream.Lost, "not JSON"},
		"ByteOrderMark":                 {200, "\ufeff" + data("DONE", ""), upstream.Lost, "not JSON"},
		"A500":                          {500, `{"message":"boom"}`, upstream.Lost, "boom"},
		"A500ThatLooksFine":             {500, data("DONE", ""), upstream.Lost, ""},
		"A502":                          {502, `<h1>Bad Gateway</h1>`, upstream.Lost, "Bad Gateway"},
		"A503":                          {503, ``, upstream.Lost, ""},
		"A504":                          {504, ``, upstream.Lost, ""},
		"A408":                          {408, `{}`, upstream.Lost, ""},
		"A425":                          {425, `{}`, upstream.Throttled, ""},
		"A429":                          {429, `{"message":"slow down"}`, upstream.Throttled, "slow down"},
		"A400":                          {400, `{"statusCode":400,"message":["requestId must be a string","x"],"error":"Bad Request"}`, upstream.Refused, "requestId must be a string; x; Bad Request"},
		"A409":                          {409, `{"error":{"code":"E-7","message":"already running","metadata":{"id":5}}}`, upstream.Refused, `E-7 (already running; metadata: {"id":5})`},
		"A422InHTML":                    {422, `<p>odd</p>`, upstream.Refused, "odd"},
		"A404":                          {404, `{"message":"request not found"}`, upstream.Refused, "request not found"},
		"A404InAList":                   {404, `["request not found"]`, upstream.Refused, "request not found"},
		"A404InHTML":                    {404, `<h1>nginx</h1>`, upstream.Misdirected, "nginx"},
		"A404InText":                    {404, `404 page not found`, upstream.Misdirected, "page not found"},
		"A404WithoutAWord":              {404, ``, upstream.Misdirected, ""},
		"A404OfARouter":                 {404, `{"statusCode":404,"message":"Cannot POST /x/reprocess","error":"Not Found"}`, upstream.Misdirected, "Cannot POST"},
		"A405":                          {405, `{}`, upstream.Misdirected, ""},
		"A301":                          {301, ``, upstream.Misdirected, "points to"},
		"A307":                          {307, ``, upstream.Misdirected, "points to"},
		"A401":                          {401, `{"message":"jwt expired"}`, upstream.Unauthorized, "jwt expired"},
		"A403":                          {403, `{"message":"forbidden"}`, upstream.Forbidden, "DENYBATCH_ROIT_TOKEN"},
		"A403ByAFirewall":               {403, `<h1>Request blocked</h1>`, upstream.Forbidden, "Request blocked"},
		"A413":                          {413, ``, upstream.TooLarge, ""},
		"ARefusalThatRepeatsTheToken":   {400, `{"message":"bad header ` + secret + `"}`, upstream.Refused, "bad header [redacted]"},
		"APageThatRepeatsTheToken":      {403, `<p>` + secret + `</p>`, upstream.Forbidden, "[redacted]"},
		"AStatusThatRepeatsTheToken":    {200, data(secret, ""), upstream.Lost, "[redacted]"},
		"ARefusalOnSeveralLines":        {400, `{"message":"a\nb\u0000c\u2028d"}`, upstream.Refused, "(a b c d)"},
		"ARefusalWithoutEnd":            {400, `{"message":"` + strings.Repeat("é", 5000) + `"}`, upstream.Refused, strings.Repeat("é", 300) + "…"},
		"ARefusalWithConstraints":       {400, `{"errors":[{"property":"requestId","constraints":{"isUuid":"must be a UUID"}}]}`, upstream.Refused, "must be a UUID"},
		"ARefusalThatIsOneWord":         {400, `{"error":"invalid_request","error_description":"no such field"}`, upstream.Refused, "invalid_request (no such field)"},
		"ARefusalNestedTooDeep":         {400, strings.Repeat(`{"error":`, 9000) + `"x"` + strings.Repeat(`}`, 9000), upstream.Refused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			client, mux := setup(t)
			var heard atomic.Int32
			mux.HandleFunc(route("/reprocess"), func(w http.ResponseWriter, r *http.Request) {
				heard.Add(1)
				io.Copy(io.Discard, r.Body)
				w.Header().Set("Retry-After", "7")
				if c.status/100 == 3 {
					w.Header().Set("Location", "/elsewhere?token="+secret)
				}
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			})
			answer, err := client.Reprocess(t.Context(), integration, request)
			d, reason := upstream.Judge(err)
			if d != c.want {
				t.Errorf("judged %v (%s), want %v: %v", d, reason, c.want, err)
			}
			if err != nil && !reflect.DeepEqual(answer, Answer{}) {
				t.Errorf("there is an answer beside the error: %+v", answer)
			}
			if err != nil && (!strings.Contains(err.Error(), c.says) || strings.ContainsAny(err.Error(), "\r\n\x00")) {
				t.Errorf("the error does not say %q on one line: %v", c.says, err)
			}
			if err != nil && strings.Contains(err.Error()+reason, secret) {
				t.Errorf("the error holds the token: %v", err)
			}
			if d == upstream.Throttled && upstream.RetryAfter(err) != 7*time.Second {
				t.Errorf("wait %v, want 7s", upstream.RetryAfter(err))
			}
			if n := heard.Load(); n != 1 {
				t.Errorf("%d requests on the wire", n)
			}
		})
	}
}

func TestReprocessOfAUUIDInOtherCase(t *testing.T) {
	c, mux := setup(t)
	mux.HandleFunc(route("/reprocess"), expects(t, map[string]any{"requestId": integration, "integrationId": "i"},
		`{"data":{"requestId":"`+strings.ToUpper(integration)+`","status":"DONE"}}`))
	if _, err := c.Reprocess(t.Context(), "i", integration); err != nil {
		t.Error(err)
	}
}

// TestReprocessWithoutAnAnswer: whatever the wire does, the request goes out at most once.
func TestReprocessWithoutAnAnswer(t *testing.T) {
	const cut = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"data\":"
	for name, answer := range map[string]string{"ClosedAtOnce": "", "CutInTheHeader": "HTTP/1.1 20", "CutInTheBody": cut, "NotHTTP": "SSH-2.0\r\n"} {
		t.Run(name, func(t *testing.T) {
			c, heard := listening(t, func(conn net.Conn) { io.WriteString(conn, answer) })
			_, err := c.Reprocess(t.Context(), integration, request)
			wantJudged(t, err, upstream.Lost)
			if n := heard.Load(); n != 1 {
				t.Errorf("%d requests on the wire", n)
			}
		})
	}
	t.Run("Silence", func(t *testing.T) {
		c, heard := listening(t, func(conn net.Conn) { io.Copy(io.Discard, conn) })
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := c.Reprocess(ctx, integration, request)
		wantJudged(t, err, upstream.Lost)
		if n := heard.Load(); n != 1 {
			t.Errorf("%d requests on the wire", n)
		}
	})
	t.Run("NobodyListens", func(t *testing.T) {
		srv := httptest.NewServer(http.NotFoundHandler())
		srv.Close()
		c := mustNew(t, Config{URL: srv.URL, Token: upstream.NewSecret(secret)})
		_, err := c.Reprocess(t.Context(), integration, request)
		wantJudged(t, err, upstream.Unsent)
	})
	t.Run("CancelledBefore", func(t *testing.T) {
		c, _ := setup(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.Reprocess(ctx, integration, request)
		wantJudged(t, err, upstream.Cancelled)
	})
}

// listening is a client of a server that reads one request from each connection, answers as it is told, and closes.
func listening(t *testing.T, answer func(net.Conn)) (*Client, *atomic.Int32) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	heard := new(atomic.Int32)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			heard.Add(1)
			conn.Read(make([]byte, 4<<10))
			answer(conn)
			conn.Close()
		}
	}()
	return mustNew(t, Config{URL: "http://" + l.Addr().String(), Token: upstream.NewSecret(secret)}), heard
}

func wantJudged(t *testing.T, err error, want upstream.Disposition) {
	t.Helper()
	if d, reason := upstream.Judge(err); d != want {
		t.Errorf("judged %v (%s), want %v: %v", d, reason, want, err)
	}
}

func TestUpdateStatus(t *testing.T) {
	c, mux := setup(t)
	mux.HandleFunc(route("/status"), expects(t, map[string]any{
		"requestId": request, "integrationId": integration, "status": "DONE", "reference": "ref", "message": "booked",
		"entryReference": json.Number("1900000042"), "entryDate": "2026-01-02T02:04:05.600Z",
		"systemInfo": map[string]any{"system": "SAP"}, "metadata": map[string]any{"entry": "0042"},
	}, data("DONE", "")))
	got, err := c.UpdateStatus(t.Context(), Update{
		IntegrationID: integration, RequestID: request, Reference: "ref", Status: Done, Message: "booked", EntryReference: "1900000042",
		EntryDate:  time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.FixedZone("", 3600)),
		SystemInfo: map[string]any{"system": "SAP"}, Metadata: map[string]any{"entry": "0042"},
	})
	if err != nil || got.Entity.Status != Done {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestUpdateStatusSendsOnlyWhatIsGiven(t *testing.T) {
	c, mux := setup(t)
	mux.HandleFunc(route("/status"), expects(t, map[string]any{
		"requestId": request, "integrationId": integration, "status": "ERROR", "reference": "ref", "message": "no",
	}, `{}`))
	_, err := c.UpdateStatus(t.Context(), Update{IntegrationID: integration, RequestID: request, Reference: "ref", Status: Failed, Message: "no"})
	wantJudged(t, err, upstream.Lost)
}

func TestPendingAndAttachmentsGiveWhatCame(t *testing.T) {
	const odd = `{"data":[{"a":1,"a":2,"any":"thing"}]}`
	c, mux := setup(t)
	mux.HandleFunc(route("/pending"), expects(t, map[string]any{"entity": "DOCUMENT", "integrationId": integration, "type": "NFE"}, odd))
	mux.HandleFunc(route("/attachs"), expects(t, map[string]any{"requestId": request, "integrationId": integration}, odd))
	if raw, err := c.Pending(t.Context(), Query{Entity: Document, IntegrationID: integration, Type: "NFE"}); err != nil || string(raw) != odd {
		t.Errorf("pending: %s, %v", raw, err)
	}
	if raw, err := c.Attachments(t.Context(), integration, request); err != nil || string(raw) != odd {
		t.Errorf("attachments: %s, %v", raw, err)
	}
}

func TestPendingGivesAlsoWhatIsNoJSON(t *testing.T) {
	c, mux := setup(t)
	mux.HandleFunc(route("/pending"), expects(t, map[string]any{"entity": "GENERIC", "integrationId": integration}, `{"data":[{"id":1},{"i`))
	raw, err := c.Pending(t.Context(), Query{Entity: Generic, IntegrationID: integration})
	wantJudged(t, err, upstream.Lost)
	if !strings.HasPrefix(string(raw), `{"data":[{"id":1}`) {
		t.Errorf("what came is gone: %q", raw)
	}
}

func TestWhatIsWrongIsNotSent(t *testing.T) {
	c, mux := setup(t)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { t.Errorf("sent to %s", r.URL) })
	good := Update{IntegrationID: integration, RequestID: request, Reference: "ref", Status: Done, Message: "ok"}
	update := func(change func(*Update)) func() error {
		return func() error {
			u := good
			change(&u)
			_, err := c.UpdateStatus(t.Context(), u)
			return err
		}
	}
	for want, do := range map[string]func() error{
		"request id: the id is empty":     func() error { _, err := c.Reprocess(t.Context(), integration, ""); return err },
		"integration id: the id is empty": func() error { _, err := c.Reprocess(t.Context(), "", request); return err },
		"request id: the id holds white":  func() error { _, err := c.Attachments(t.Context(), integration, "a b"); return err },
		"integration id: the id holds":    func() error { _, err := c.Pending(t.Context(), Query{Document, "a\n", ""}); return err },
		`entity: "CUSTOM" is not one of`:  func() error { _, err := c.Pending(t.Context(), Query{"CUSTOM", "i", ""}); return err },
		"message: is empty":               update(func(u *Update) { u.Message = " \n" }),
		"reference: is empty":             update(func(u *Update) { u.Reference = "" }),
		`status: "OK" is not one of`:      update(func(u *Update) { u.Status = "OK" }),
		"request id: the id has 129":      update(func(u *Update) { u.RequestID = strings.Repeat("a", 129) }),
		"entry reference: must be":        update(func(u *Update) { u.EntryReference = "0042" }),
		"must be a number that ROIT":      update(func(u *Update) { u.EntryReference = "9007199254740993" }),
		"entry reference: must":           update(func(u *Update) { u.EntryReference = "4.2" }),
		"unsupported":                     update(func(u *Update) { u.Metadata = map[string]any{"f": func() {}} }),
	} {
		err := do()
		if wantJudged(t, err, upstream.Refused); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
		if e, ok := errors.AsType[*upstream.Error](err); !ok || e.Status != 0 {
			t.Errorf("%v looks as if upstream had said it", err)
		}
	}
}

func TestCheckID(t *testing.T) {
	for _, id := range []string{"a", integration, request, strings.Repeat("x", 128), "a/b..c", "ação", `"quoted"`} {
		if err := CheckID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for id, want := range map[string]string{
		"":                       "empty",
		strings.Repeat("x", 129): "129 bytes",
		"a\xff":                  "UTF-8",
		" a":                     "U+0020, character 1)",
		"é\t":                    "U+0009, character 2)",
		"a\u00a0b":               "U+00A0",
		"a\u200b":                "U+200B",
		"\ufeffa":                "U+FEFF",
		"a\x00":                  "U+0000",
		"a\u0085":                "U+0085",
		"a\u2028":                "U+2028",
	} {
		if err := CheckID(id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", id, err, want)
		}
	}
}

func TestEnumsAreKnown(t *testing.T) {
	if len(Statuses) != 6 || len(Entities) != 9 {
		t.Errorf("%d statuses and %d entities", len(Statuses), len(Entities))
	}
	for _, s := range []Status{"", "done", "ok"} {
		if s.Known() {
			t.Errorf("%q is known", s)
		}
	}
	if !Failed.Known() || Failed != "ERROR" || Entity("CUSTOM").Known() || !ServiceEntrySheet.Known() {
		t.Error("the lists are not the documented ones")
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(data("DONE", `,"status":"ERROR"`)))
	f.Add([]byte(data("X", `,"integrationId":7`)))
	f.Add([]byte(`{"data":{"requestId":"` + request + `","st\u0061tus":"DONE","retryAfter":-1e999}}`))
	f.Add([]byte("\ufeff[]<"))
	f.Fuzz(func(t *testing.T, body []byte) {
		answer, err := decode(body, ids{request, integration})
		if err != nil {
			if strings.ContainsAny(err.Error(), "\n\r") || len(err.Error()) > 400 {
				t.Errorf("the error is not short: %q", err)
			}
			return
		}
		var std struct {
			Data struct {
				RequestID     string  `json:"requestId"`
				Status        Status  `json:"status"`
				IntegrationID *string `json:"integrationId"`
			} `json:"data"`
		}
		if err := json.Unmarshal(body, &std); err != nil {
			t.Fatalf("%q was read, but %v", body, err)
		}
		got, d := answer.Entity, std.Data
		if d.RequestID != request || !d.Status.Known() || d.IntegrationID != nil && *d.IntegrationID != got.IntegrationID || got.Status != d.Status {
			t.Errorf("%q was read as %+v", body, got)
		}
		if _, err := json.Marshal(answer); err != nil {
			t.Errorf("what was read of %q cannot be written: %v", body, err)
		}
	})
}

func FuzzRefusal(f *testing.F) {
	f.Add([]byte(`{"error":{"code":1,"message":["a",{"b":null}],"metadata":{}},"errors":"x"}`))
	f.Add([]byte(`["` + secret + `"]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v := new(veil)
		v.learn(secret)
		e := &upstream.Error{Status: 400}
		v.explain("hint")(body, e)
		if said := e.Error(); strings.Contains(said, secret) || strings.ContainsAny(said, "\r\n") || len(said) > 4*maxDetail+maxCode+100 {
			t.Errorf("%q is explained as %q", body, said)
		}
	})
}
