package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"denybatch/pkg/upstream/upstreamtest"
)

// askROIT sends a body as a client of ROIT would.
func askROIT(url, token, body string) {
	req, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		return
	}
	req.Header.Set("Authorization", token)
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
	}
}

const reprocessPath = "/ibs-core-entrypoint/api/v1/entrypoint/requests/reprocess"

func TestSimulateROIT(t *testing.T) {
	heard := make(chan string, 9)
	client := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		heard <- r.Header.Get("X-Callback-Token") + " " + string(body)
		w.WriteHeader(http.StatusAccepted)
	}))
	defer client.Close()
	seed := filepath.Join(t.TempDir(), "requests.csv")
	if err := os.WriteFile(seed, []byte("requestId,integrationId,status,then\nr1,i,ERROR,WARNING\nr2,i,DONE,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, stop := simulating(t, "--roit-requests", seed, "--roit-answers", "PENDING", "--roit-refuse", "done", "--roit-auth-prefix", "Bearer",
		"--callback-url", client.URL, "--callback-token", "shared", "--callback-after", "1ms", "--callback-times", "2",
		"--callback-form", "process", "--callback-header", "X-Callback-Token", "--fault", "reprocess.503@3")
	url := nextLine(t, lines)
	for range 3 {
		nextLine(t, lines)
	}
	for _, want := range []string{"DENYBATCH_ROIT_URL=" + url, "DENYBATCH_ROIT_TOKEN=simulated-roit-token", "DENYBATCH_ROIT_AUTH_PREFIX=Bearer", "DENYBATCH_CALLBACK_TOKEN=shared"} {
		if got := nextLine(t, lines); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	for _, call := range []struct{ request, want string }{
		{"r1", "reprocess 1: r1 carried out, HTTP 200"},
		{"", "callback 1: r1 WARNING, HTTP 202"},
		{"", "callback 2: r1 WARNING, HTTP 202"},
		{"r2", "reprocess 2: r2, HTTP 409 not-allowed-in-DONE"},
		{"r2", "reprocess 3: r2, HTTP 503 [reprocess.503]"},
		{"r3", "reprocess 4: r3, HTTP 404 request-not-found"},
	} {
		if call.request != "" {
			go askROIT(url+reprocessPath, "Bearer simulated-roit-token", `{"requestId":"`+call.request+`","integrationId":"i"}`)
		}
		if got := nextLine(t, lines); got != call.want {
			t.Errorf("%s: %s, want %s", call.request, got, call.want)
		}
	}
	if got := <-heard; !strings.HasPrefix(got, `shared {"processUniqueId":"r1","processStatus":"AUDIT"`) {
		t.Errorf("heard %s", got)
	}
	stop()
	nextLine(t, lines)
	for _, want := range []string{
		"4 reprocess calls, 1 carried out (0 of them on requests in PROCESSING or DONE), 0 status calls, 0 requests handed out, 0 attachments, 0 tokens",
		"2 callbacks, 2 accepted",
	} {
		if got := nextLine(t, lines); got != want {
			t.Errorf("totals: %s, want %s", got, want)
		}
	}
}

func TestSimulateROITWithALogin(t *testing.T) {
	lines, _ := simulating(t, "--roit-token-body", "client=us,secret=right", "--roit-token-field", "data.token", "--roit-token-path", "/login")
	url := nextLine(t, lines)
	for range 4 {
		nextLine(t, lines)
	}
	for _, want := range []string{"DENYBATCH_ROIT_TOKEN_URL=" + url + "/login", `DENYBATCH_ROIT_TOKEN_BODY={"client":"us","secret":"right"}`, "DENYBATCH_ROIT_TOKEN_FIELD=data.token"} {
		if got := nextLine(t, lines); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	go askROIT(url+"/login", "", `{"client":"us","secret":"right"}`)
	if got := nextLine(t, lines); got != "token 1: HTTP 200" {
		t.Errorf("got %s", got)
	}
}

func TestSimulatedRequestsExistUnlessAFileNamesThem(t *testing.T) {
	lines, _ := simulating(t)
	url := nextLine(t, lines)
	for range 5 {
		nextLine(t, lines)
	}
	go askROIT(url+reprocessPath, "simulated-roit-token", `{"requestId":"anything","integrationId":"i"}`)
	if got := nextLine(t, lines); got != "reprocess 1: anything carried out, HTTP 200" {
		t.Errorf("got %s", got)
	}
}

func TestSimulateHelpNamesEverything(t *testing.T) {
	cmd := newSimulateCommand()
	var out strings.Builder
	cmd.SetArgs([]string{"--help"})
	cmd.SetOut(&out)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"Serves Vayana InvX with its login service, and ROIT", "POST /_sim/callbacks", "reprocess.", upstreamtest.DefaultIntegration,
		"--roit-requests", "--roit-auto", "--roit-answers", "--callback-url", "--callback-token", "--callback-after", "--callback-times",
		"--callback-form", "--callback-header", "(default " + upstreamtest.DefaultROITToken,
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the help does not say %s", want)
		}
	}
}
