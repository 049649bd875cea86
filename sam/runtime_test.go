package sam

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// lambda is a function's own program under a runtime API like Lambda's.
type lambda struct {
	name    string
	events  chan string
	answers chan answer
	ended   chan error
	said    bytes.Buffer // complete when it has ended
}

// answer is what the function returned, or failed with.
type answer struct {
	failed bool
	body   []byte
}

// start builds functions/<name> and runs it, with the environment and what Lambda itself sets, until the test ends.
func start(t *testing.T, name string, environment map[string]string) *lambda {
	t.Helper()
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	run(t, "go", "build", "-buildvcs=false", "-o", bootstrap, "./functions/"+name)
	l := &lambda{name: name, events: make(chan string), answers: make(chan answer), ended: make(chan error, 1)}
	server := httptest.NewServer(l)
	t.Cleanup(server.Close)
	cmd := exec.CommandContext(t.Context(), bootstrap)
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + server.Listener.Addr().String(), "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "TMPDIR=" + t.TempDir(),
	}
	for variable, value := range environment {
		cmd.Env = append(cmd.Env, variable+"="+value)
	}
	cmd.Stdout, cmd.Stderr = &l.said, &l.said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { l.ended <- cmd.Wait() }()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-l.ended
	})
	return l
}

// ServeHTTP plays the runtime API: one event after the other.
func (l *lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		select {
		case event := <-l.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			io.WriteString(w, event)
		case <-r.Context().Done():
		}
		return
	}
	body, _ := io.ReadAll(r.Body)
	w.WriteHeader(http.StatusAccepted)
	l.answers <- answer{filepath.Base(r.URL.Path) != "response", body}
}

// invoke gives the function's answer to an event, into the value.
func (l *lambda) invoke(t *testing.T, event string, into any) {
	t.Helper()
	select {
	case l.events <- event:
	case err := <-l.ended:
		l.ended <- err
		t.Fatalf("%s ended: %v\n%s", l.name, err, l.said.String())
	}
	select {
	case a := <-l.answers:
		if err := json.Unmarshal(a.body, into); a.failed || err != nil {
			t.Fatalf("%s failed: %s", l.name, a.body)
		}
	case <-time.After(time.Minute):
		t.Fatalf("%s did not answer within a minute", l.name)
	}
}

// localEnvironment is samples/env.local.json, with our own addresses in place of those in it.
func localEnvironment(t *testing.T, addresses map[string]string) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "samples", "env.local.json"))
	if err != nil {
		t.Fatal(err)
	}
	for theirs, ours := range addresses {
		text = bytes.ReplaceAll(text, []byte(theirs), []byte(ours))
	}
	var byFunction map[string]map[string]string
	if err := json.Unmarshal(text, &byFunction); err != nil {
		t.Fatal(err)
	}
	return byFunction
}
