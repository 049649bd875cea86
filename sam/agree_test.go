// Package sam holds template.yaml to the stack in infra/cdk, and runs it: as users do, with SAM CLI, in containers.
package sam

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"denybatch/internal/needs"
)

const root = ".."

// What SAM makes of template.yaml is what the CDK makes of infra/cdk, in all that decides how the functions run, on what,
// and what they may do.
func TestTemplateAndStackAgree(t *testing.T) {
	template := read(t, expanded(t))
	for _, said := range differences(read(t, synthesised(t)), template) {
		t.Error(said)
	}
}

// Whatever is changed in one of them only is told in a sentence that names it and both places.
func TestDifferencesAreNamed(t *testing.T) {
	template := expanded(t)
	for _, c := range []struct{ name, was, is, want string }{
		{"timeout", `"Timeout": 900`, `"Timeout": 600`,
			`deny-bulk: Timeout is "900" in infra/cdk/denybulk.go and "600" in template.yaml (DenyBulkFunction): make them the same`},
		{"permission", `"xray:PutTraceSegments", `, ``,
			`callback-role may xray:PutTraceSegments on * in infra/cdk/callback.go, and template.yaml (CallbackRole) does not say so`},
		{"prefix of a permission", `${Exchange.Arn}/inbox/reprocess/*`, `${Exchange.Arn}/*`,
			`reprocess-role may s3:GetObject on exchange.Arn/* in template.yaml (ReprocessRole), and infra/cdk/reprocess.go does not say so`},
		{"environment", `"DENYBATCH_ROIT_URL"`, `"DENYBATCH_ROIT_ADDRESS"`,
			`reprocess: Environment.Variables.DENYBATCH_ROIT_URL is "${RoitUrl}" in infra/cdk/reprocess.go, and template.yaml (ReprocessFunction) does not say so`},
		{"value in the environment", `"DENYBATCH_QUEUE_URL": {"Ref": "Work"}`, `"DENYBATCH_QUEUE_URL": {"Ref": "DeadLetters"}`,
			`deny-bulk: Environment.Variables.DENYBATCH_QUEUE_URL is "work" in infra/cdk/denybulk.go and "dead-letters" in template.yaml (DenyBulkFunction)`},
		{"schedule", `rate(15 minutes)`, `rate(1 hour)`,
			`reprocess-schedule: ScheduleExpression is "rate(15 minutes)" in infra/cdk/reprocess.go and "rate(1 hour)" in template.yaml (ReprocessFunctionSweeps)`},
		{"route", `"/callback": {`, `"/hook": {`,
			`callback-api: route ANY /callback is "callback, payload 2.0, authorization NONE" in infra/cdk/callback.go, and template.yaml (CallbackApi) does not say so`},
		{"event source", `"BatchSize": 1`, `"BatchSize": 10`,
			`deny-bulk-source: BatchSize is "1" in infra/cdk/queues.go and "10" in template.yaml (DenyBulkFunctionWork)`},
		{"a whole resource", `"Type": "AWS::Lambda::EventInvokeConfig"`, `"Type": "AWS::Other::Thing"`,
			`reprocess-invocations (AWS::Lambda::EventInvokeConfig) is in infra/cdk/reprocess.go and is missing in template.yaml`},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := bytes.ReplaceAll(template, []byte(c.was), []byte(c.is))
			said := strings.Join(differences(read(t, template), read(t, changed)), "\n")
			if !strings.Contains(said, c.want) {
				t.Errorf("it says %q, want %q", said, c.want)
			}
		})
	}
}

// synthesised is the stack with its default settings, as CloudFormation.
func synthesised(t *testing.T) []byte {
	t.Helper()
	needs.Program(t, "node", "nodejs")
	out, code := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(code, "bootstrap"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "./infra/cdk", "-out", out}
	for _, name := range []string{"deny-bulk", "reprocess", "callback"} {
		args = append(args, "-c", name+"-code="+code) // not what this is about, so it is not built
	}
	run(t, "go", args...)
	text, err := os.ReadFile(filepath.Join(out, "Denybatch.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// expanded is template.yaml with its default parameters, as CloudFormation.
func expanded(t *testing.T) []byte {
	t.Helper()
	return run(t, samPython(t), "sam/expand.py", "template.yaml")
}

// samPython is the Python interpreter that SAM CLI is installed for.
func samPython(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, ".tools", "sam", "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, ".tools", "sam", "made")); err != nil {
		leaveOut(t, "SAM CLI is not installed: make sam")
	}
	return path
}

// leaveOut ends the test: skipped, or where CI=true is set, failed.
func leaveOut(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// run gives what a program prints that is run in the root of the checkout, with none of the developer's own settings.
func run(t *testing.T, program string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir, cmd.Env = root, ownEnvironment()
	var told strings.Builder
	cmd.Stderr = &told
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, told.String())
	}
	return out
}

func ownEnvironment() []string {
	env := []string{"AWS_DEFAULT_REGION=us-east-1"}
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "DENYBATCH_") && !strings.HasPrefix(entry, "AWS_") && !strings.HasPrefix(entry, "CDK_") {
			env = append(env, entry)
		}
	}
	return env
}

func read(t *testing.T, text []byte) facts {
	t.Helper()
	var d document
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	f, err := d.facts()
	if err != nil {
		t.Fatal(err)
	}
	return f
}
