package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"denybatch/internal/callback"
	"denybatch/internal/clock"
	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/request"
	"denybatch/internal/settings"
	"denybatch/pkg/upstream"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Events as the services send them, with TOKEN, BODY and BASE64 to fill in.
const (
	httpAPIEvent = `{"version":"2.0","routeKey":"ANY /callback","rawPath":"/callback","rawQueryString":"a=1&a=2","cookies":["token=TOKEN","b=c"],
		"headers":{"accept":"*/*","authorization":"Bearer TOKEN","content-length":"120","content-type":"application/json; charset=UTF-8",
		"host":"abc.execute-api.eu-west-1.amazonaws.com","user-agent":"axios/1.7","x-amzn-trace-id":"Root=1-2","x-forwarded-for":"10.0.0.1",
		"x-forwarded-port":"443","x-forwarded-proto":"https"},"queryStringParameters":{"a":"1,2"},
		"requestContext":{"accountId":"123456789012","apiId":"abc","domainName":"abc.execute-api.eu-west-1.amazonaws.com","domainPrefix":"abc",
		"http":{"method":"POST","path":"/callback","protocol":"HTTP/1.1","sourceIp":"10.0.0.1","userAgent":"axios/1.7"},"requestId":"JKJaXmPLvHcESHA=",
		"routeKey":"ANY /callback","stage":"$default","time":"10/Mar/2026:05:16:23 +0000","timeEpoch":1583817383220},"body":BODY,"isBase64Encoded":BASE64}`
	functionURLEvent = `{"version":"2.0","routeKey":"$default","rawPath":"/","rawQueryString":"","headers":{"X-API-KEY":"TOKEN","Content-Type":"application/json",
		"x-forwarded-proto":"https","host":"xyz.lambda-url.eu-west-1.on.aws"},"requestContext":{"accountId":"anonymous","apiId":"xyz",
		"domainName":"xyz.lambda-url.eu-west-1.on.aws","domainPrefix":"xyz","http":{"method":"POST","path":"/","protocol":"HTTP/1.1","sourceIp":"10.0.0.1",
		"userAgent":"curl/8"},"requestId":"e1506fd5-9e7b-434f-bd42-4f8fa224b599","routeKey":"$default","stage":"$default",
		"time":"12/Mar/2026:19:03:58 +0000","timeEpoch":1583348638390},"body":BODY,"isBase64Encoded":BASE64}`
	restAPIEvent = `{"resource":"/callback","path":"/callback","httpMethod":"POST","headers":{"Callbackauthtoken":"TOKEN","Content-Type":"application/json"},
		"multiValueHeaders":{"Callbackauthtoken":["wrong","TOKEN"],"Content-Type":["application/json"]},"queryStringParameters":null,"pathParameters":null,
		"requestContext":{"resourceId":"r","httpMethod":"POST","path":"/prod/callback","stage":"prod","identity":{"sourceIp":"10.0.0.1"}},
		"body":BODY,"isBase64Encoded":BASE64}`
)

const (
	secret = "a.b.c"
	erred  = `{"timestamp":1782907198123,"status":"success","data":{"requestId":"r1","integrationId":"i1","status":"ERROR","message":"não há"}}`
)

// event fills an event in.
func newEvent(t testing.TB, form, token, body string, encoded bool) json.RawMessage {
	t.Helper()
	if encoded {
		body = base64.StdEncoding.EncodeToString([]byte(body))
	}
	quoted, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	is := map[bool]string{true: "true", false: "false"}
	return json.RawMessage(strings.NewReplacer("TOKEN", token, "BODY", string(quoted), "BASE64", is[encoded]).Replace(form))
}

// newTestHandler is the handler on a folder.
func newTestHandler(t testing.TB) (*handler, objects.Store) {
	t.Helper()
	state, err := dir.New(t.TempDir(), dir.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	tokens := tokens{settings.Callback{Tokens: []callback.Token{{Value: upstream.NewSecret(secret)}}}, nil}
	return &handler{&callback.Handler{
		State: state, Clock: clock.System{}, Tokens: tokens.Get,
		Book: request.NewBook(state, clock.System{}, request.Policy{Attempts: 5, Backoff: time.Minute}),
	}}, state
}

func TestEvents(t *testing.T) {
	for name, form := range map[string]string{"HTTP API": httpAPIEvent, "function URL": functionURLEvent, "REST API": restAPIEvent} {
		for _, c := range []struct {
			name, token, body string
			encoded           bool
			want              int
		}{
			{"plain", secret, erred, false, 202},
			{"base64", secret, erred, true, 202},
			{"wrong token", "x", erred, false, 401},
			{"nonsense", secret, `{"requestId":5}`, false, 400},
			{"empty", secret, "", false, 400},
			{"empty base64", secret, "", true, 400},
			{"long", secret, strings.Repeat("x", 300<<10), true, 413},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				h, state := newTestHandler(t)
				res, err := h.Handle(t.Context(), newEvent(t, form, c.token, c.body, c.encoded))
				if err != nil || res.StatusCode != c.want {
					t.Fatalf("got %d %s, %v", res.StatusCode, res.Body, err)
				}
				media := map[bool]string{true: "application/json", false: "application/problem+json"}[c.want == 202]
				if res.Headers["Content-Type"] != media || !json.Valid([]byte(res.Body)) {
					t.Errorf("got %v %s", res.Headers, res.Body)
				}
				rec, err := request.NewBook(state, clock.System{}, request.Policy{}).Get(t.Context(), request.ID{Integration: "i1", Request: "r1"})
				if heard := err == nil && rec.State == request.Failed && rec.Word.Message == "não há"; heard != (c.want == 202) {
					t.Errorf("the record is %+v, %v", rec, err)
				}
			})
		}
	}
}

func TestMethods(t *testing.T) {
	h, _ := newTestHandler(t)
	for _, method := range []string{"GET", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"} {
		event := strings.Replace(string(newEvent(t, httpAPIEvent, secret, erred, false)), `"method":"POST"`, `"method":"`+method+`"`, 1)
		res, err := h.Handle(t.Context(), json.RawMessage(event))
		if err != nil || res.StatusCode != 405 || res.Headers["Allow"] != "POST" {
			t.Errorf("%s: got %+v, %v", method, res, err)
		}
	}
}

// Neither cookies nor path nor query let anybody in.
func TestTokenElsewhere(t *testing.T) {
	h, _ := newTestHandler(t)
	event := strings.NewReplacer(`"authorization":"Bearer a.b.c"`, `"cookie":"token=a.b.c"`, `"a=1&a=2"`, `"token=a.b.c"`, `{"a":"1,2"}`, `{"token":"a.b.c"}`).
		Replace(string(newEvent(t, httpAPIEvent, secret, erred, false)))
	if res, err := h.Handle(t.Context(), json.RawMessage(event)); err != nil || res.StatusCode != 401 {
		t.Errorf("got %+v, %v", res, err)
	}
}

// What is no HTTP event is an error that does not show it.
func TestOtherEvents(t *testing.T) {
	h, _ := newTestHandler(t)
	for _, event := range []string{
		`{}`, `null`, `[]`, `"x"`, `{"Records":[{"eventSource":"aws:sqs","body":"a.b.c"}]}`, `{"source":"aws.events","detail-type":"Scheduled Event"}`,
		`{"headers":{"authorization":"a.b.c"},"body":"{}"}`, `{"headers":"a.b.c","httpMethod":"POST"}`, `not JSON`,
	} {
		_, err := h.Handle(t.Context(), json.RawMessage(event))
		if !errors.Is(err, errUnfamiliar) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", event, err)
		}
	}
}

// The whole function against Secrets Manager and S3, both of which are here one server: a rotated secret counts at once, and
// when nothing can be stored the callback should come again.
func TestWired(t *testing.T) {
	value, asked := "old", 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") != "secretsmanager.GetSecretValue" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		asked++
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		json.NewEncoder(w).Encode(map[string]string{"SecretString": `{"token":"` + value + `"}`})
	}))
	t.Cleanup(server.Close)
	cfg, err := loadConfig(environment(map[string]string{"DENYBATCH_STATE": "s3://state/x", "DENYBATCH_CALLBACK_TOKEN_ARN": "arn:aws:secretsmanager:eu-west-1:1:secret:t"}))
	if err != nil {
		t.Fatal(err)
	}
	h := newHandler(cfg, aws.Config{Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("a", "b", "")})
	status := func(token string) int {
		t.Helper()
		res, err := h.Handle(t.Context(), newEvent(t, httpAPIEvent, token, erred, false))
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode
	}
	if got := status("old"); got != 503 {
		t.Errorf("the right token, and no storage: %d", got)
	}
	value = "new"
	if got := []int{status("new"), status("old"), status("wrong")}; got[0] != 503 || got[1] != 401 || got[2] != 401 {
		t.Errorf("after the rotation: %v", got)
	}
	if asked != 2 {
		t.Errorf("the secret was read %d times", asked)
	}
}
