package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// simulating runs the command until the test ends it, and gives its lines.
func simulating(t *testing.T, args ...string) (lines *bufio.Scanner, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	cmd := newSimulateCommand()
	cmd.SetArgs(args)
	cmd.SetOut(in)
	cmd.SetErr(in)
	done := make(chan error, 1)
	go func() {
		done <- cmd.ExecuteContext(ctx)
		in.Close()
	}()
	t.Cleanup(func() {
		out.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return bufio.NewScanner(out), cancel
}

func nextLine(t *testing.T, lines *bufio.Scanner) string {
	t.Helper()
	if !lines.Scan() {
		t.Fatalf("no more lines: %v", lines.Err())
	}
	return lines.Text()
}

func TestSimulateTellsWhereItIsAndWhatItWasAsked(t *testing.T) {
	seed := filepath.Join(t.TempDir(), "seed.csv")
	if err := os.WriteFile(seed, []byte("docId,status\na,200\nb,240\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	lines, stop := simulating(t, "--seed-file", seed, "--mode", "refuse", "--org", "acme", "--token", "secret", "--fault", "read.503@2")
	url := nextLine(t, lines)
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Fatalf("first line %q, want the URL", url)
	}
	for _, want := range []string{"DENYBATCH_INVX_URL=" + url, "DENYBATCH_INVX_ORG=acme", "DENYBATCH_INVX_TOKEN=secret",
		"DENYBATCH_ROIT_URL=" + url, "DENYBATCH_ROIT_TOKEN=simulated-roit-token"} {
		if got := nextLine(t, lines); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	documents := url + "/invx/apis/v1/orgs/acme/edocuments/"
	for _, call := range []struct{ method, path, body, want string }{
		{"PATCH", "bulk", `[{"docId":"a","action":"dny"},{"docId":"b","action":"dny"}]`, "bulk 1: 2 documents, 0 denied, HTTP 400 err-incorrect-update-action"},
		{"PATCH", "bulk", `[{"docId":"a","action":"dny"}]`, "bulk 2: 1 documents, 1 denied, HTTP 200"},
		{"GET", "a", "", "read 1: HTTP 200"},
		{"GET", "a", "", "read 2: HTTP 503 [read.503]"},
		{"GET", "nobody", "", "read 3: HTTP 404 err-resource-not-found"},
		{"PUT", "bulk", "", "unknown 1: HTTP 400 err-issue-with-parameter"},
	} {
		go send(call.method, documents+call.path, call.body)
		if got := nextLine(t, lines); got != call.want {
			t.Errorf("%s %s: %s, want %s", call.method, call.path, got, call.want)
		}
	}
	stop()
	if got := nextLine(t, lines); got != "2 bulk calls with 3 documents, 1 denied (0 of them twice), 3 reads, 0 logins, 0 refreshes, 0 logouts" {
		t.Errorf("totals: %s", got)
	}
	if got := nextLine(t, lines); got != "1 requests broke the protocol:" {
		t.Errorf("violations: %s", got)
	}
}

func send(method, url, body string) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return
	}
	req.Header.Set("Authorization", "Bearer secret")
	if res, err := http.DefaultClient.Do(req); err == nil {
		res.Body.Close()
	}
}

func TestSimulateQuietlyWithALogin(t *testing.T) {
	lines, stop := simulating(t, "--quiet", "--handle", "h", "--password", "p")
	url := nextLine(t, lines)
	nextLine(t, lines)
	nextLine(t, lines)
	if got := nextLine(t, lines) + " " + nextLine(t, lines); got != "DENYBATCH_INVX_HANDLE=h DENYBATCH_INVX_PASSWORD=p" {
		t.Errorf("got %s", got)
	}
	nextLine(t, lines)
	nextLine(t, lines)
	send("GET", url+"/invx/apis/v1/orgs/x/edocuments/a", "")
	stop()
	if got := nextLine(t, lines); !strings.HasPrefix(got, "0 bulk calls") {
		t.Errorf("got %s, want the totals", got)
	}
}

func TestSimulateRefusesWhatItDoesNotUnderstand(t *testing.T) {
	for want, args := range map[string]string{
		"listens on this machine only": "--addr 0.0.0.0:8080",
		`unknown fault "lots"`:         "--fault lots=1",
		`mode "each"`:                  "--mode each",
		"no such file":                 "--seed-file missing.csv",
		"unknown command":              "extra",
	} {
		cmd := newSimulateCommand()
		cmd.SetArgs(strings.Fields(args))
		cmd.SetOut(io.Discard)
		cmd.SetErr(io.Discard)
		if err := cmd.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
}
