package upstreamtest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

const roitExample = "11112222-x-not-hex"

// roitAnswer is an answer of ROIT as documented.
type roitAnswer struct {
	Timestamp *int64
	Status    *string
	Message   *string
	Data      *map[string]any
}

// askROIT calls ROIT with its token.
func askROIT(t *testing.T, s *Server, path, body string, header ...string) answer {
	t.Helper()
	return ask(t, s, "POST", s.URL()+roitPath+"/"+path, body, append([]string{"Authorization", s.ROITToken()}, header...)...)
}

func names(requestID string) string {
	return fmt.Sprintf(`{"requestId":%q,"integrationId":%q}`, requestID, DefaultIntegration)
}

func reprocess(t *testing.T, s *Server, requestID string) answer {
	t.Helper()
	return askROIT(t, s, "reprocess", names(requestID))
}

func (a answer) roit(t *testing.T) (r roitAnswer) {
	t.Helper()
	a.decode(t, &r)
	return r
}

// said is the message of a refusal.
func (a answer) said(t *testing.T) string {
	t.Helper()
	if r := a.roit(t); r.Message != nil {
		return *r.Message
	}
	return ""
}

// startROIT is a server with one request in ERROR whose runs never end by themselves.
func startROIT(t *testing.T, cfg ROIT) *Server {
	t.Helper()
	if cfg.CallbackAfter == 0 {
		cfg.CallbackAfter = -1
	}
	s := Start(t, Config{ROIT: cfg})
	if err := s.AddRequests(ROITRequest{RequestID: roitExample}); err != nil {
		t.Fatal(err)
	}
	return s
}

func wantRequest(t *testing.T, s *Server, id, status string, applied, asked, doubles int) {
	t.Helper()
	truth := s.RequestTruth("", id)
	if truth.Status != status || truth.Applied != applied || truth.Asked != asked || truth.Doubles != doubles || len(truth.Runs) != applied {
		t.Errorf("%s: %+v, want %s, carried out %d times (%d of them doubly), asked %d times", id, truth, status, applied, doubles, asked)
	}
}

func TestReprocessAnswersTheWholeModel(t *testing.T) {
	s := startROIT(t, ROIT{RetryAfter: 7})
	got := reprocess(t, s, roitExample)
	r := got.roit(t)
	if got.status != 200 || r.Status == nil || *r.Status != "success" || r.Message == nil || r.Timestamp == nil || r.Data == nil {
		t.Fatalf("HTTP %d %s", got.status, got.body)
	}
	if age := time.Since(time.UnixMilli(*r.Timestamp)); age < -time.Second || age > time.Minute {
		t.Errorf("timestamp %d is %v old", *r.Timestamp, age)
	}
	for name, want := range map[string]any{"requestId": roitExample, "integrationId": DefaultIntegration, "status": "PROCESSING",
		"entity": "DOCUMENT", "type": "NFE", "isPriority": false, "retryAfter": 7.0, "message": ""} {
		if (*r.Data)[name] != want {
			t.Errorf("%s is %v, want %v", name, (*r.Data)[name], want)
		}
	}
	for _, name := range []string{"id", "masterId", "reference", "metadata", "systemInfo"} {
		if (*r.Data)[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
	wantRequest(t, s, roitExample, "PROCESSING", 1, 1, 0)
	wantNoViolations(t, s)
}

func TestReprocessAnswersAsTold(t *testing.T) {
	for answers, after := range map[string]string{
		"": "PROCESSING", "PROCESSING": "PROCESSING", "PENDING": "PENDING", "RECEIVED": "RECEIVED", "DONE": "DONE", "ERROR": "ERROR",
		"WARNING": "WARNING", "QUEUED": "PROCESSING",
	} {
		t.Run(answers, func(t *testing.T) {
			s := startROIT(t, ROIT{Answers: answers})
			want := answers
			if want == "" {
				want = "PROCESSING"
			}
			if got := (*reprocess(t, s, roitExample).roit(t).Data)["status"]; got != want {
				t.Errorf("answered %v, want %s", got, want)
			}
			wantRequest(t, s, roitExample, after, 1, 1, 0)
		})
	}
}

func TestShapesOfTheAnswer(t *testing.T) {
	for shape, want := range map[DataShape]func(roitAnswer) bool{
		SparseData: func(r roitAnswer) bool {
			return r.Timestamp == nil && r.Status == nil && r.Message == nil && r.Data != nil && len(*r.Data) == 8
		},
		NullData: func(r roitAnswer) bool { return r.Data == nil && r.Status != nil },
		NoData:   func(r roitAnswer) bool { return r.Data == nil && r.Status != nil },
	} {
		s := startROIT(t, ROIT{Data: shape})
		got := reprocess(t, s, roitExample)
		if got.status != 200 || !want(got.roit(t)) || strings.Contains(got.body, `"data"`) == (shape == NoData) {
			t.Errorf("%s: HTTP %d %s", shape, got.status, got.body)
		}
		wantRequest(t, s, roitExample, "PROCESSING", 1, 1, 0)
	}
}

func TestReprocessMayMakeANewRequest(t *testing.T) {
	s := startROIT(t, ROIT{NewRequestID: true})
	one, two := *reprocess(t, s, roitExample).roit(t).Data, *reprocess(t, s, roitExample).roit(t).Data
	if one["requestId"] == roitExample || one["requestId"] == two["requestId"] || one["masterId"] != two["masterId"] {
		t.Errorf("got %v and %v", one, two)
	}
	wantRequest(t, s, roitExample, "PROCESSING", 2, 2, 1)
}

func TestAskedTwiceIsSeen(t *testing.T) {
	s := startROIT(t, ROIT{})
	reprocess(t, s, roitExample)
	reprocess(t, s, roitExample)
	wantRequest(t, s, roitExample, "PROCESSING", 2, 2, 1)
	if n := s.Counters(); n.ReprocessCalls != 2 || n.Reprocessed != 2 || n.DoubleReprocesses != 1 || n.BulkCalls != 0 || n.Applied != 0 {
		t.Errorf("counters %+v", n)
	}
	if got := s.Calls()[1].String(); got != "reprocess 2: "+roitExample+" carried out, HTTP 200" {
		t.Errorf("logged as %s", got)
	}
}

func TestStatesMayForbidAReprocess(t *testing.T) {
	for _, test := range []struct {
		status string
		cfg    ROIT
		want   int
	}{
		{"DONE", ROIT{}, 200},
		{"DONE", ROIT{RefuseDone: true}, 409},
		{"DONE", ROIT{RefuseDone: true, RefuseStatus: 400}, 400},
		{"PROCESSING", ROIT{RefuseDone: true}, 200},
		{"PROCESSING", ROIT{RefuseProcessing: true}, 409},
		{"ERROR", ROIT{RefuseDone: true, RefuseProcessing: true}, 200},
	} {
		s := startROIT(t, test.cfg)
		s.AddRequests(ROITRequest{RequestID: "x", Status: test.status})
		got := reprocess(t, s, "x")
		if got.status != test.want || (test.want != 200) != (got.said(t) == "not-allowed-in-"+test.status) {
			t.Errorf("%s with %+v: HTTP %d %s, want %d", test.status, test.cfg, got.status, got.body, test.want)
		}
		applied, doubles, after := 0, 0, test.status
		if test.want == 200 {
			applied, after = 1, "PROCESSING"
			if test.status != "ERROR" {
				doubles = 1
			}
		}
		wantRequest(t, s, "x", after, applied, 1, doubles)
		wantNoViolations(t, s)
	}
}

func TestUnknownRequests(t *testing.T) {
	s := startROIT(t, ROIT{})
	for _, path := range []string{"reprocess", "attachs"} {
		if got := askROIT(t, s, path, names("nobody")); got.status != 404 || got.said(t) != "request-not-found" {
			t.Errorf("%s: %+v", path, got)
		}
	}
	other := strings.Replace(names(roitExample), DefaultIntegration, "elsewhere", 1)
	if got := askROIT(t, s, "reprocess", other); got.status != 404 {
		t.Errorf("in another integration: %+v", got)
	}
	if got := reprocess(t, s, strings.ToUpper(roitExample)); got.status != 404 {
		t.Errorf("in capitals: %+v", got)
	}
	wantRequest(t, s, "nobody", "", 0, 0, 0)
	wantRequest(t, s, roitExample, "ERROR", 0, 0, 0)
	wantNoViolations(t, s)
}

func TestAutoRequestsExist(t *testing.T) {
	s := startROIT(t, ROIT{Auto: true})
	if got := reprocess(t, s, "anybody"); got.status != 200 {
		t.Errorf("%+v", got)
	}
	wantRequest(t, s, "anybody", "PROCESSING", 1, 1, 0)
	wantRequest(t, s, "nobody yet"[:6], "ERROR", 0, 0, 0)
	var all []string
	for truth := range s.RequestTruths() {
		all = append(all, truth.RequestID)
	}
	if got := strings.Join(all, " "); got != roitExample+" anybody nobody" {
		t.Errorf("requests %s", got)
	}
}

func TestBodiesThatBreakTheProtocolOfROIT(t *testing.T) {
	good := names(roitExample)
	for name, body := range map[string]string{
		"Empty":         "",
		"Null":          "null",
		"Array":         "[" + good + "]",
		"NoRequest":     `{"integrationId":"i"}`,
		"NoIntegration": `{"requestId":"r"}`,
		"EmptyRequest":  names(""),
		"NullRequest":   `{"requestId":null,"integrationId":"i"}`,
		"Number":        `{"requestId":7,"integrationId":"i"}`,
		"Blank":         names("a b"),
		"Control":       names("a\tb"),
		"AKeyTooMuch":   strings.Replace(good, "{", `{"force":true,`, 1),
		"OtherCapitals": strings.Replace(good, "requestId", "requestID", 1),
		"Twice":         strings.Replace(good, "{", `{"requestId":"other",`, 1),
		"TwoBodies":     good + good,
		"CutOff":        strings.TrimSuffix(good, "}"),
		"BrokenText":    strings.Replace(good, "not", "\xff", 1),
		"TooLarge":      strings.Replace(good, "not", strings.Repeat("x", largestROITBody), 1),
	} {
		t.Run(name, func(t *testing.T) {
			s := startROIT(t, ROIT{Auto: true})
			for i, path := range []string{"reprocess", "attachs"} {
				got := askROIT(t, s, path, body)
				if got.status != 400 || got.said(t) != "invalid-body" || s.Counters().Violations != i+1 {
					t.Errorf("%s: HTTP %d %s, violations %q", path, got.status, got.body, s.Violations())
				}
			}
			wantRequest(t, s, roitExample, "ERROR", 0, 0, 0)
		})
	}
}

func TestROITServesPostsOnly(t *testing.T) {
	s := startROIT(t, ROIT{})
	for _, path := range []string{"reprocess", "status", "pending", "attachs"} {
		if got := ask(t, s, "GET", s.URL()+roitPath+"/"+path, ""); got.status != 400 || got.code(t) != "err-issue-with-parameter" {
			t.Errorf("GET %s: %+v", path, got)
		}
	}
}

func TestRequestsFromCSV(t *testing.T) {
	csv := "\ufeffrequestId,integrationId,status,then,reference\na,,,ERROR+DONE,\nb,other,DONE,,ref\n"
	s := Start(t, Config{ROIT: ROIT{CSV: strings.NewReader(csv), CallbackAfter: -1}})
	more := ask(t, s, "POST", s.URL()+"/_sim/state", "requestId\nc\n")
	if more.body != `{"added":1}` {
		t.Errorf("added over HTTP: %+v", more)
	}
	if docs := ask(t, s, "POST", s.URL()+"/_sim/state", "docId,requestId\nd,x\n"); docs.body != `{"added":1}` || s.Truth("d").Status != "200" {
		t.Errorf("documents added over HTTP: %+v", docs)
	}
	reprocess(t, s, "a")
	lines := strings.Split(strings.TrimSpace(ask(t, s, "GET", s.URL()+"/_sim/state", "").body), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[0], `{"docId":"d"`) {
		t.Fatalf("state: %s", lines)
	}
	for i, want := range []string{
		`{"requestId":"a","integrationId":"` + DefaultIntegration + `","status":"PROCESSING","applied":1,"doubles":0,"asked":1,"callbacks":0,"updates":0,"handedOut":0,"message":""}`,
		`{"requestId":"b","integrationId":"other","status":"DONE","applied":0,`,
		`{"requestId":"c","integrationId":"` + DefaultIntegration + `","status":"ERROR",`,
	} {
		if !strings.HasPrefix(lines[i+1], want) {
			t.Errorf("line %d: %s\nwant %s", i+2, lines[i+1], want)
		}
	}
}

func TestBadRequestsToBeginWith(t *testing.T) {
	for csv, want := range map[string]string{
		"":                                   "heading",
		"integrationId\nx\n":                 "no column requestId among integrationId",
		"requestId,status\na,\nb,FINISHED\n": `row 3: request "b": status "FINISHED" is none of PROCESSING`,
		"requestId,entity\na,INVOICE\n":      `entity "INVOICE" is none of`,
		"requestId\n\"\"\n":                  "it has no requestId",
		"requestId\na b\n":                   `requestId "a b": want no spaces`,
	} {
		if _, err := New(Config{ROIT: ROIT{CSV: strings.NewReader(csv)}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", csv, err, want)
		}
	}
}

func TestAddingARequestAgainForgets(t *testing.T) {
	s := startROIT(t, ROIT{})
	s.AddRequests(ROITRequest{RequestID: "later"})
	reprocess(t, s, roitExample)
	s.AddRequests(ROITRequest{RequestID: roitExample, Status: "WARNING"})
	wantRequest(t, s, roitExample, "WARNING", 0, 0, 0)
	n := 0
	for truth := range s.RequestTruths() {
		if n++; n == 1 && truth.RequestID != roitExample {
			t.Errorf("%s comes first", truth.RequestID)
		}
	}
	if n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestConfigOfROITIsChecked(t *testing.T) {
	for want, cfg := range map[string]ROIT{
		`roit data "half"`:           {Data: "half"},
		`callback form "xml"`:        {CallbackForm: "xml"},
		"unauthorized 418":           {Unauthorized: http.StatusTeapot},
		"refuse status 200":          {RefuseStatus: 200},
		"callback times -1":          {CallbackTimes: -1},
		"pending limit -1":           {PendingLimit: -1},
		"token life -1h":             {TokenLife: -time.Hour},
		`status to end in "A B"`:     {Then: []string{"A B"}},
		"something else is served":   {TokenPath: "/_sim/state"},
		`token path "roit/token"`:    {TokenPath: "roit/token"},
		`token path "/a/{b}"`:        {TokenPath: "/a/{b}"},
		`callback header "a b: c"`:   {CallbackHeader: "a b: c"},
		"calls this machine only":    {CallbackURL: "https://example.com/callback"},
		`URL "127.0.0.1:80"`:         {CallbackURL: "127.0.0.1:80"},
		`URL "ftp://127.0.0.1/x"`:    {CallbackURL: "ftp://127.0.0.1/x"},
		"cannot stand in a header":   {CallbackToken: "a\nb"},
		"http://upstream.test/hook":  {CallbackURL: "http://upstream.test/hook"},
		"http://127.0.0.1.nip.io/":   {CallbackURL: "http://127.0.0.1.nip.io/"},
		"http://localhost.evil.com/": {CallbackURL: "http://localhost.evil.com/"},
	} {
		s, err := New(Config{ROIT: cfg})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		if s != nil {
			s.Close()
		}
	}
}
