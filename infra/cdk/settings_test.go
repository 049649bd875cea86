package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/jsii-runtime-go"

	"denybatch/internal/needs"
	envs "denybatch/internal/settings"
)

func from(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

var nothing = from(nil)

func TestDefaults(t *testing.T) {
	s, err := loadSettings(nil, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if s.arch != "arm64" || s.denyBulkTimeout != 900 || s.maxReceives != 5 || s.batchesAtOnce != 4 || s.invx.login != "token" || s.roit.login != "token" ||
		s.reprocessTimeout != 300 || s.sweepEvery.expression() != "rate(15 minutes)" {
		t.Errorf("without any setting: %+v", s)
	}
}

func TestContextCountsBeforeTheEnvironment(t *testing.T) {
	s, err := loadSettings(
		map[string]string{"invx-org": "context"},
		from(map[string]string{"DENYBATCH_INVX_ORG": "environment", "DENYBATCH_INVX_URL": "https://environment.example"}))
	if err != nil {
		t.Fatal(err)
	}
	if s.invx.variables["DENYBATCH_INVX_ORG"] != "context" || s.invx.variables["DENYBATCH_INVX_URL"] != "https://environment.example" {
		t.Errorf("got %v", s.invx.variables)
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	bad := map[string]string{
		"arch": "mips", "deny-bulk-timeout": "901", "deny-bulk-memory": "much", "batches-at-once": "1", "max-receives": "0",
		"invx-url": "invx.example", "theodore-url": "ftp://x", "invx-auth": "basic", "chunk": "0", "concurrency": "1000",
		"invx-login": "handle", "invx-token-arn": "arn:x", "invx-password-arn": "secret", "deny-bulk-code": "no/such/folder",
		"reprocess-timeout": "1h", "reprocess-memory": "1", "sweep-every": "20 seconds", "callback-rate": "0", "callback-burst": "-1",
		"roit-url": "roit.example", "roit-login": "fetched", "roit-token-arn": "arn:x", "roit-token-body-arn": "secret", "roit-token-url": "x",
		"sweep-limit": "0", "sweep-attempts": "none", "sweep-backoff": "soon", "callback-token-arn": "secret",
		"reprocess-code": "no/such/folder", "callback-code": "no/such/folder",
		"env": "test", "reserve-concurrency": "maybe", "inbox-days": "1", "report-days": "never", "state-days": "0", "log-days": "91",
		"mail": "us", "alarm-mail": "a@example.com,b", "alarm-batch-minutes": "0", "alarm-rejected-percent": "101", "invx-ulr": "https://x.example",
	}
	_, err := loadSettings(bad, nothing)
	if err == nil {
		t.Fatal("no fault found")
	}
	for name := range bad {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("nothing is said of %s:\n%v", name, err)
		}
	}
	if !strings.Contains(err.Error(), "invx-handle is not set") {
		t.Errorf("nothing is said of the missing invx-handle:\n%v", err)
	}
}

func TestLoginsExcludeEachOther(t *testing.T) {
	for _, context := range []map[string]string{
		{"invx-password-arn": "arn:x"},
		{"invx-handle": "me"},
		{"invx-login": "organisations", "invx-token-arn": "arn:x"},
		{"roit-token-body-arn": "arn:x"},
		{"roit-token-url": "https://roit.example/token"},
		{"roit-login": "fetched", "roit-token-arn": "arn:x"},
	} {
		if _, err := loadSettings(context, nothing); err == nil {
			t.Errorf("%v was accepted", context)
		}
	}
}

func TestStateOutlivesFilesWhateverIsSet(t *testing.T) {
	_, err := loadSettings(map[string]string{"inbox-days": "100", "state-days": "200"}, nothing)
	if err == nil || !strings.Contains(err.Error(), "state-days is 200") {
		t.Errorf("state may go before files do: %v", err)
	}
	if _, err := loadSettings(map[string]string{"inbox-days": "100", "state-days": "201"}, nothing); err != nil {
		t.Error(err)
	}
}

func TestRehearsalAndProductionDoNotMix(t *testing.T) {
	for _, context := range []map[string]string{
		{"env": "hom", "roit-url": "https://app.roit.ai"},
		{"env": "hom", "roit-url": "https://APP.roit.ai:443/"},
		{"env": "hom", "invx-url": "https://services.vayana.com"},
		{"env": "hom", "theodore-url": "https://services.vayana.com/theodore/apis/v1"},
		{"env": "prod", "roit-url": "https://hom.roit.ai"},
		{"env": "prod", "roit-login": "fetched", "roit-token-url": "https://hom.roit.ai/token"},
		{"env": "prod", "invx-url": "https://sandbox.services.vayananet.com"},
	} {
		if _, err := loadSettings(context, nothing); err == nil || !strings.Contains(err.Error(), "env is "+context["env"]) {
			t.Errorf("%v: %v", context, err)
		}
	}
	_, err := loadSettings(map[string]string{"env": "hom"}, from(map[string]string{"DENYBATCH_ROIT_URL": "https://app.roit.ai"}))
	if err == nil {
		t.Error("the caller's environment led a rehearsal to production")
	}
}

// environmentSettings are read in a caller's environment that says something else.
func environmentSettings(t *testing.T, context ...string) settings {
	t.Helper()
	given := contextFlag{}
	for _, c := range context {
		if err := given.Set(c); err != nil {
			t.Fatal(err)
		}
	}
	set, err := loadSettings(contextOf(newApp(jsii.String(t.TempDir()), given)), from(map[string]string{
		"DENYBATCH_ROIT_URL": "https://left-over.example", "DENYBATCH_INVX_ORG": "left over",
	}))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestEnvironmentsAreBlocksOfSettings(t *testing.T) {
	needs.Program(t, "node", "nodejs")
	for env, want := range map[string][2]string{
		"hom":  {"https://hom.roit.ai", "https://sandbox.services.vayananet.com"},
		"prod": {"https://app.roit.ai", ""}, // where InvX is in production Vayana says to each customer
	} {
		s := environmentSettings(t, "env="+env)
		if got := [2]string{s.roit.variables["DENYBATCH_ROIT_URL"], s.invx.variables["DENYBATCH_INVX_URL"]}; got != want || s.env != env {
			t.Errorf("env=%s leads to %v, want %v", env, got, want)
		}
	}
	if s := environmentSettings(t, "env=hom", "roit-url=https://mine.example", "log-days=7"); s.roit.variables["DENYBATCH_ROIT_URL"] != "https://mine.example" || s.logDays != 7 {
		t.Errorf("what is given besides does not have the last word: %+v", s)
	}
	if s := environmentSettings(t); s.env != "" || s.roit.variables["DENYBATCH_ROIT_URL"] != "https://left-over.example" {
		t.Errorf("without an environment: %+v", s)
	}
}

func TestNoEnvironmentLeadsNowhere(t *testing.T) {
	s, err := loadSettings(nil, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.invx.variables)+len(s.roit.variables) > 0 {
		t.Errorf("without any setting: %v %v, want nothing that leads anywhere", s.invx.variables, s.roit.variables)
	}
}

func TestEnvironmentsOfTheFileAreValid(t *testing.T) {
	environments, _ := fileContext()["environments"].(map[string]any)
	for _, env := range []string{"hom", "prod"} {
		block, ok := environments[env].(map[string]any)
		if !ok {
			t.Errorf("cdk.json has no environment %s", env)
			continue
		}
		context := texts(block)
		context["env"] = env
		if _, err := loadSettings(context, nothing); err != nil {
			t.Errorf("cdk.json, %s: %v", env, err)
		}
	}
}

func TestSecretsStayOutOfTheStack(t *testing.T) {
	environment := map[string]string{}
	for _, name := range inTheClear {
		environment[name] = "very-secret"
	}
	s, err := loadSettings(nil, from(environment))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range s.invx.variables {
		if value == "very-secret" {
			t.Errorf("%s would stand in the template", name)
		}
	}
}

func TestSweepsAtAnyRate(t *testing.T) {
	for text, want := range map[string]string{
		"1 minute": "rate(1 minute)", "90 minutes": "rate(90 minutes)", "60 minutes": "rate(1 hour)", "2 hours": "rate(2 hours)", "1 day": "rate(1 day)",
	} {
		s, err := loadSettings(map[string]string{"sweep-every": text}, nothing)
		if err != nil || s.sweepEvery.expression() != want {
			t.Errorf("%s is %s (%v), want %s", text, s.sweepEvery.expression(), err, want)
		}
	}
	for _, text := range []string{"15", "0 minutes", "-5 minutes", "2 days", "15 minutes sharp", "15 seconds", "minutes", "1.5 hours"} {
		if _, err := loadSettings(map[string]string{"sweep-every": text}, nothing); err == nil {
			t.Errorf("%s was accepted", text)
		}
	}
}

func TestLimitsAreThoseOfTheFunctions(t *testing.T) {
	for what, is := range map[string][2]int{
		"chunk":          {maxChunk, envs.MaxChunk},
		"concurrency":    {maxConcurrency, envs.MaxConcurrency},
		"sweep-limit":    {maxSweepLimit, envs.MaxSweepLimit},
		"sweep-attempts": {maxSweepAttempts, envs.MaxSweepAttempts},
		"sweep-backoff":  {int(maxSweepBackoff), int(envs.MaxSweepBackoff)},
	} {
		if is[0] != is[1] {
			t.Errorf("%s: the stack accepts up to %d, the functions up to %d: copy the number of internal/settings", what, is[0], is[1])
		}
	}
}

// inTheClear are the variables that only the command line and the local machine use: in AWS their _ARN twins hold secrets.
var inTheClear = []string{
	"DENYBATCH_INVX_TOKEN", "DENYBATCH_INVX_PASSWORD", "DENYBATCH_INVX_CREDENTIALS",
	"DENYBATCH_ROIT_TOKEN", "DENYBATCH_ROIT_TOKEN_BODY", "DENYBATCH_CALLBACK_TOKEN",
}

// everySetting are contexts that together set every variable.
var everySetting = [][]string{
	{"invx-auth=both", "chunk=1", "concurrency=1", "theodore-url=https://t.example", "roit-auth-prefix=Bearer",
		"sweep-limit=1", "sweep-attempts=1", "sweep-backoff=1m"},
	{"invx-login=handle", "invx-handle=me@example.com", "roit-login=fetched", "roit-token-field=data.token"},
	{"invx-login=organisations"},
}

// variablesOf are those that the stack can set for each function.
func variablesOf(t *testing.T) map[string]map[string]bool {
	t.Helper()
	set := map[string]map[string]bool{}
	for _, name := range functions {
		set[name] = map[string]bool{}
	}
	for _, context := range everySetting {
		tpl := synthesise(t, context...)
		for _, function := range functions {
			for name := range tpl.get(function, "Environment", "Variables").(map[string]any) {
				set[function][name] = true
			}
		}
	}
	return set
}

func TestFunctionsReadWhatTheStackSets(t *testing.T) {
	set, anywhere := variablesOf(t), map[string]bool{}
	shared := variablesIn(t, "../../internal/settings")
	for _, function := range functions {
		maps.Copy(anywhere, set[function])
		own := variablesIn(t, "../../functions/"+function)
		for name := range own {
			if !set[function][name] && !slices.Contains(inTheClear, name) {
				t.Errorf("%s reads %s, and no setting of the stack leads there: add it to settings.go", function, name)
			}
		}
		for name := range set[function] {
			if !own[name] && !shared[name] {
				t.Errorf("the stack sets %s, and %s does not read it", name, function)
			}
		}
	}
	for name := range shared {
		if !anywhere[name] && !slices.Contains(inTheClear, name) {
			t.Errorf("internal/settings reads %s, and no setting of the stack leads there: add it to settings.go", name)
		}
	}
}

func TestEachFunctionKnowsOnlyItsOwnUpstream(t *testing.T) {
	set := variablesOf(t)
	for function, strange := range map[string][]string{
		"deny-bulk": {"DENYBATCH_ROIT_", "DENYBATCH_SWEEP_", "DENYBATCH_CALLBACK_"},
		"reprocess": {"DENYBATCH_INVX_", "DENYBATCH_THEODORE_", "DENYBATCH_CALLBACK_"},
		"callback":  {"DENYBATCH_INVX_", "DENYBATCH_THEODORE_", "DENYBATCH_ROIT_", "DENYBATCH_EXCHANGE", "DENYBATCH_QUEUE_URL", "DENYBATCH_SWEEP_LIMIT"},
	} {
		for name := range set[function] {
			if slices.ContainsFunc(strange, func(s string) bool { return strings.HasPrefix(name, s) }) {
				t.Errorf("%s gets %s, which is none of its business", function, name)
			}
		}
	}
}

// variablesIn are the DENYBATCH_ variables that stand as whole texts in the Go files of the folders, tests aside.
func variablesIn(t *testing.T, folders ...string) map[string]bool {
	t.Helper()
	variable := regexp.MustCompile(`"(DENYBATCH_[A-Z_]+)"`)
	found := map[string]bool{}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no Go files in %s: %v", folder, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range variable.FindAllStringSubmatch(string(text), -1) {
				found[m[1]] = true
			}
		}
	}
	return found
}

// A reader who sees a warning on every run stops reading them.
func TestSynthesisSaysNothing(t *testing.T) {
	needs.Program(t, "node", "nodejs")
	for name, context := range map[string][]string{"plain": nil, "rehearsal": {"-c", "env=hom", "-c", "mail=us@example.com"}} {
		t.Run(name, func(t *testing.T) { saysNothing(t, context...) })
	}
}

func saysNothing(t *testing.T, context ...string) {
	code, out, tmp := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(code, "bootstrap"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	arguments := append([]string{"run", ".", "--out", out}, context...)
	for _, name := range functions {
		arguments = append(arguments, "-c", name+"-code="+code)
	}
	cmd := exec.Command("go", arguments...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	if said, err := cmd.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("go run ./infra/cdk: %v, and it says:\n%s", err, said)
	}
	if _, err := os.Stat(filepath.Join(out, "Denybatch.template.json")); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("it left %v behind", left)
	}
}
