package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

func from(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

func TestTheSecretDecidesHowToLogIn(t *testing.T) {
	for want, environment := range map[string]map[string]string{
		"token DENYBATCH_INVX_TOKEN":               {},
		"handle DENYBATCH_INVX_PASSWORD":           {"DENYBATCH_INVX_HANDLE": "me", "DENYBATCH_INVX_TOKEN": "t"},
		"organisations DENYBATCH_INVX_CREDENTIALS": {"DENYBATCH_INVX_CREDENTIALS": "{}", "DENYBATCH_INVX_HANDLE": "me"},
	} {
		if way, secret := invxLogin(from(environment)); way+" "+secret != want {
			t.Errorf("with %v: %s %s, want %s", environment, way, secret, want)
		}
	}
}

func TestSecretsInAWSAreNotLookedForHere(t *testing.T) {
	got := stackEnvironment([]string{"DENYBATCH_INVX_TOKEN_ARN=arn:x", "DENYBATCH_INVX_URL=u", "SOME_ARN=y"})
	if want := []string{"DENYBATCH_INVX_URL=u", "SOME_ARN=y"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestTheSecretDecidesHowToLogInAtROIT(t *testing.T) {
	for want, environment := range map[string]map[string]string{
		"token DENYBATCH_ROIT_TOKEN":        {},
		"fetched DENYBATCH_ROIT_TOKEN_BODY": {"DENYBATCH_ROIT_TOKEN_URL": "https://hom.roit.ai/login"},
	} {
		if way, secret := roitLogin(from(environment)); way+" "+secret != want {
			t.Errorf("with %v: %s %s, want %s", environment, way, secret, want)
		}
	}
}

func TestWhatTheStackIsToldBesidesTheEnvironment(t *testing.T) {
	for _, c := range []struct {
		name        string
		environment map[string]string
		want        map[string]string
	}{
		{"nothing", nil, map[string]string{
			"invx-login": "token", "invx-url": "http://127.0.0.1:9", "invx-org": "nobody", "roit-login": "token", "roit-url": "http://127.0.0.1:9",
		}},
		{"a token of ROIT", map[string]string{
			"DENYBATCH_INVX_URL": "u", "DENYBATCH_INVX_ORG": "o", "DENYBATCH_ROIT_URL": "r", "DENYBATCH_ROIT_TOKEN": "t", "SWEEP_EVERY": "1 minute",
		}, map[string]string{"invx-login": "token", "roit-login": "token", "sweep-every": "1 minute"}},
		{"a token to be fetched", map[string]string{
			"DENYBATCH_INVX_URL": "u", "DENYBATCH_INVX_ORG": "o", "DENYBATCH_ROIT_URL": "r", "DENYBATCH_ROIT_TOKEN_URL": "l",
			"DENYBATCH_ROIT_TOKEN_BODY": "{}", "TIMEOUT": "5", "MAX_RECEIVES": "2",
		}, map[string]string{"invx-login": "token", "roit-login": "fetched", "deny-bulk-timeout": "5", "max-receives": "2"}},
		{"a body and no address to post it to", map[string]string{
			"DENYBATCH_INVX_URL": "u", "DENYBATCH_INVX_ORG": "o", "DENYBATCH_ROIT_URL": "r", "DENYBATCH_ROIT_TOKEN_BODY": "{}",
		}, map[string]string{"invx-login": "token", "roit-login": "fetched", "roit-token-url": "http://127.0.0.1:9"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := stackContext(from(c.environment))
			delete(got, "arch")
			if !maps.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestSecretsGoIntoTheSecretsOfTheStack(t *testing.T) {
	got := secretValues(from(map[string]string{
		"DENYBATCH_INVX_TOKEN": "i", "DENYBATCH_ROIT_TOKEN": "r", "DENYBATCH_CALLBACK_TOKEN": "c", "DENYBATCH_ROIT_TOKEN_BODY": "",
	}))
	if want := map[string]string{"InvxSecret": "i", "RoitSecret": "r", "CallbackSecret": "c"}; !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	got = secretValues(from(map[string]string{"DENYBATCH_ROIT_TOKEN_URL": "l", "DENYBATCH_ROIT_TOKEN_BODY": "{}"}))
	if got["RoitSecret"] != "{}" || got["InvxSecret"] != "" {
		t.Errorf("got %v", got)
	}
	again := secretValues(from(nil))
	if made := got["CallbackSecret"]; len(made) < 32 || made == again["CallbackSecret"] {
		t.Errorf("the tokens made up are %q and %q", made, again["CallbackSecret"])
	}
}

// What the functions would refuse is refused before anything is deployed, all of it at once, and no secret is repeated.
func TestFaultySettingsAreSaidBeforeAnythingIsDeployed(t *testing.T) {
	err := checkSettings(from(map[string]string{
		"DENYBATCH_ROIT_TOKEN": "hush", "DENYBATCH_ROIT_TOKEN_URL": "https://hom.roit.ai/login", "DENYBATCH_SWEEP_LIMIT": "0",
		"DENYBATCH_CALLBACK_TOKEN": "hush hush", "DENYBATCH_CALLBACK_TOKEN_ARN": "arn:x",
	}))
	for _, name := range []string{"DENYBATCH_ROIT_TOKEN ", "DENYBATCH_SWEEP_LIMIT", "DENYBATCH_CALLBACK_TOKEN: "} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("no fault names %s: %v", name, err)
		}
	}
	if err != nil && (strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "ARN")) {
		t.Errorf("a secret is repeated, or an ARN looked at: %v", err)
	}
	if err := checkSettings(from(map[string]string{"DENYBATCH_ROIT_TOKEN_ARN": "arn:x", "DENYBATCH_ROIT_TOKEN_URL": "https://hom.roit.ai/login"})); err != nil {
		t.Error(err)
	}
}

func TestTheCallbackIsReachableOnThisMachine(t *testing.T) {
	for api, want := range map[string]string{
		"https://0a1b2c3d.execute-api.127.0.0.1:4566/callback": "https://127.0.0.1:4566/_aws/execute-api/0a1b2c3d/callback",
		"https://elsewhere.example/callback":                   "https://elsewhere.example/callback",
		"":                                                     "",
	} {
		if got := (place{port: 4566, strict: true}).reachable(api); got != want {
			t.Errorf("%s: got %s, want %s", api, got, want)
		}
	}
}

func TestPackedProgramsCanBeRun(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "bootstrap"), []byte("program"), 0o755); err != nil {
		t.Fatal(err)
	}
	content, err := pack(folder, "zip")
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	about, err := fs.Stat(z, "bootstrap")
	if err != nil || about.Mode().Perm()&0o111 == 0 {
		t.Errorf("bootstrap is packed as %v, %v: want it executable", about, err)
	}
}

func TestFaultyPorts(t *testing.T) {
	for _, port := range []string{"x", "0", "65536"} {
		if _, err := findPlace(from(map[string]string{"PORT": port})); err == nil || !strings.Contains(err.Error(), "PORT") {
			t.Errorf("PORT=%s: %v", port, err)
		}
	}
}

func TestATakenPortIsSaidAtOnce(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p := place{port: l.Addr().(*net.TCPAddr).Port}
	if err := free(p); err == nil || !strings.Contains(err.Error(), "set PORT") {
		t.Errorf("got %v", err)
	}
}

// Up prints one line of JSON; a second up starts afresh; down ends it all.
func TestUpTwiceAndDown(t *testing.T) {
	needCloud(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := place{root: "../..", port: l.Addr().(*net.TCPAddr).Port}
	l.Close()
	t.Cleanup(func() {
		local(t, p, "down")
		os.RemoveAll(filepath.Join(p.root, "build", fmt.Sprintf("cloud-%d", p.port)))
	})

	first := local(t, p, "up")
	var described map[string]any
	if err := json.Unmarshal(first, &described); err != nil || bytes.Count(first, []byte("\n")) != 1 {
		t.Fatalf("up printed %s: %v", first, err)
	}
	if got, want := slices.Sorted(maps.Keys(described)), []string{"callback_secret", "callback_url", "dead_letter_queue_url", "endpoint",
		"exchange_bucket", "functions", "queue_url", "region", "state_bucket"}; !slices.Equal(got, want) {
		t.Errorf("up tells %v, want %v", got, want)
	}
	if described["endpoint"] != p.endpoint() {
		t.Errorf("the endpoint is %v, want %s", described["endpoint"], p.endpoint())
	}
	if functions, _ := described["functions"].(map[string]any); len(functions) != 3 {
		t.Errorf("the functions are %v, want three", functions)
	}
	res, err := http.Post(fmt.Sprint(described["callback_url"]), "application/json", strings.NewReader("{}"))
	if err != nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("a callback without a token: %v, %v", res, err)
	}
	second := local(t, p, "up")
	if bytes.Equal(first, second) {
		t.Errorf("the second up describes the first one's buckets: %s", second)
	}
	if res, err := http.Get(p.endpoint() + "/_ministack/health"); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("after the second up: %v, %v", res, err)
	}
	local(t, p, "down")
	if _, err := net.DialTimeout("tcp", p.address(), time.Second); err == nil {
		t.Errorf("something listens at %s after down", p.address())
	}
}

// local runs this program as make does.
func local(t *testing.T, p place, verb string) []byte {
	t.Helper()
	cmd := exec.Command("go", "run", "./infra/local", verb)
	cmd.Dir = p.root
	cmd.Env = append(os.Environ(), "PORT="+strconv.Itoa(p.port), "STRICT=")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("local %s: %v\n%s", verb, err, said.Bytes())
	}
	return out
}

// needCloud ends the test where a program is missing: with a line that says so, or as a failure where CI=true is set.
func needCloud(t *testing.T) {
	t.Helper()
	why := ""
	if _, err := exec.LookPath("node"); err != nil {
		why = "node is not installed: install Node.js 20 or newer"
	}
	if _, err := os.Stat("../../.tools/ministack/made"); err != nil {
		why = "ministack is not installed: make tools"
	}
	if why != "" && os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	if why != "" {
		t.Skip(why)
	}
}
