package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"denybatch/internal/needs"
	envs "denybatch/internal/settings"
)

func from(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

var nothing = from(nil)

func TestDefaults(t *testing.T) {
	s, err := loadSettings(nothing, nothing)
	if err != nil {
		t.Fatal(err)
	}
	if s.arch != "arm64" || s.denyBulkTimeout != 900 || s.maxReceives != 5 || s.batchesAtOnce != 4 || s.login != "token" {
		t.Errorf("without any setting: %+v", s)
	}
}

func TestContextCountsBeforeTheEnvironment(t *testing.T) {
	s, err := loadSettings(
		from(map[string]string{"invx-org": "context"}),
		from(map[string]string{"DENYBATCH_INVX_ORG": "environment", "DENYBATCH_INVX_URL": "https://environment.example"}))
	if err != nil {
		t.Fatal(err)
	}
	if s.invx["DENYBATCH_INVX_ORG"] != "context" || s.invx["DENYBATCH_INVX_URL"] != "https://environment.example" {
		t.Errorf("got %v", s.invx)
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	bad := map[string]string{
		"arch": "mips", "deny-bulk-timeout": "901", "deny-bulk-memory": "much", "batches-at-once": "1", "max-receives": "0",
		"invx-url": "invx.example", "theodore-url": "ftp://x", "invx-auth": "basic", "chunk": "0", "concurrency": "1000",
		"invx-login": "handle", "invx-token-arn": "arn:x", "invx-password-arn": "secret", "deny-bulk-code": "no/such/folder",
	}
	_, err := loadSettings(from(bad), nothing)
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
	} {
		if _, err := loadSettings(from(context), nothing); err == nil {
			t.Errorf("%v was accepted", context)
		}
	}
}

func TestSecretsStayOutOfTheStack(t *testing.T) {
	environment := map[string]string{}
	for _, name := range inTheClear {
		environment[name] = "very-secret"
	}
	s, err := loadSettings(nothing, from(environment))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range s.invx {
		if value == "very-secret" {
			t.Errorf("%s would stand in the template", name)
		}
	}
}

func TestLimitsAreThoseOfTheFunctions(t *testing.T) {
	if maxChunk != envs.MaxChunk || maxConcurrency != envs.MaxConcurrency {
		t.Errorf("the stack accepts %d and %d, the functions %d and %d: copy the numbers of internal/settings",
			maxChunk, maxConcurrency, envs.MaxChunk, envs.MaxConcurrency)
	}
}

// inTheClear are the variables that only the command line and the local machine use: in AWS their _ARN twins hold secrets.
var inTheClear = []string{"DENYBATCH_INVX_TOKEN", "DENYBATCH_INVX_PASSWORD", "DENYBATCH_INVX_CREDENTIALS"}

func TestDenyBulkReadsWhatTheStackSets(t *testing.T) {
	set := map[string]bool{}
	for _, context := range [][]string{
		{"invx-auth=both", "chunk=1", "concurrency=1", "theodore-url=https://t.example"},
		{"invx-login=handle", "invx-handle=me@example.com"},
		{"invx-login=organisations"},
	} {
		tpl := synthesise(t, context...)
		for name := range tpl.get("deny-bulk", "Environment", "Variables").(map[string]any) {
			set[name] = true
		}
	}
	read := variablesIn(t, "../../functions/deny-bulk", "../../internal/settings")
	for name := range read {
		if !set[name] && !slices.Contains(inTheClear, name) {
			t.Errorf("deny-bulk reads %s, and no setting of the stack leads there: add it to settings.go", name)
		}
	}
	for name := range set {
		if !read[name] {
			t.Errorf("the stack sets %s, and deny-bulk does not read it", name)
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
	code, out, tmp := t.TempDir(), t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(code, "bootstrap"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "run", ".", "--out", out, "-c", "deny-bulk-code="+code)
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
