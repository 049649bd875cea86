package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"

	"denybatch/infra/cdk/node"
	"denybatch/internal/needs"
)

func TestMain(m *testing.M) {
	status := m.Run()
	node.CleanUp()
	os.Exit(status)
}

// template is what was synthesised. What the stack's outputs name is called by a name of ours in it.
type template struct {
	Resources  map[string]resource
	Parameters map[string]any
	Outputs    map[string]any
}

type resource struct {
	Type       string
	Condition  string
	Properties map[string]any
}

// names are ours for what the outputs name.
var names = map[string]string{
	"ExchangeBucket": "exchange", "StateBucket": "state", "QueueUrl": "work", "DeadLetterQueueUrl": "dead-letters",
	"SweepDeadLetterQueueUrl": "sweep-dead-letters", "CallbackUrl": "callback-api",
	"DenyBulkFunction": "deny-bulk", "ReprocessFunction": "reprocess", "CallbackFunction": "callback",
	"AlarmTopic": "alarms", "EndingsTopic": "endings", "BusinessUserPolicy": "business-users",
	"InvxSecret": "invx-secret", "RoitSecret": "roit-secret", "CallbackSecret": "callback-secret",
}

// define builds the stack with a context such as "arch=x86_64", in an empty environment.
func define(t *testing.T, context ...string) (awscdk.App, *denybatch) {
	t.Helper()
	needs.Program(t, "node", "nodejs")
	code := t.TempDir()
	if err := os.WriteFile(filepath.Join(code, "bootstrap"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	given := contextFlag{}
	for _, name := range functions {
		given[name+"-code"] = code
	}
	for _, c := range context {
		if err := given.Set(c); err != nil {
			t.Fatal(err)
		}
	}
	app := newApp(jsii.String(t.TempDir()), given)
	set, err := loadSettings(contextOf(app), nothing)
	if err != nil {
		t.Fatal(err)
	}
	return app, newDenybatch(app, set)
}

func synthesise(t *testing.T, context ...string) template {
	t.Helper()
	_, s := define(t, context...)
	text, err := json.Marshal(assertions.Template_FromStack(s.stack, nil).ToJSON())
	if err != nil {
		t.Fatal(err)
	}
	return read(t, string(text))
}

func read(t *testing.T, text string) template {
	t.Helper()
	var raw struct {
		Outputs map[string]struct{ Value any }
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		t.Fatal(err)
	}
	for output, name := range names {
		value := raw.Outputs[output].Value
		if begin := at(value, "Fn::Join", 1, 0); begin != nil { // an address begins with what names it
			value = begin
		}
		if logical := reference(value); logical != "" {
			text = strings.ReplaceAll(text, `"`+logical+`"`, `"`+name+`"`)
		}
	}
	tpl := parse(t, text)
	for _, function := range functions {
		log := show(tpl.get(function, "LoggingConfig", "LogGroup"))
		text = strings.ReplaceAll(text, `"`+log+`"`, `"`+function+`-log"`)
	}
	return parse(t, text)
}

func parse(t *testing.T, text string) (tpl template) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &tpl); err != nil {
		t.Fatal(err)
	}
	return tpl
}

// reference is the logical name that a Ref or a GetAtt refers to.
func reference(v any) string {
	m, _ := v.(map[string]any)
	if ref, ok := m["Ref"].(string); ok {
		return ref
	}
	if att, ok := m["Fn::GetAtt"].([]any); ok {
		return fmt.Sprint(att[0])
	}
	return ""
}

// show writes a value as one text, with references by name: an ARN in our bucket is "exchange/inbox/*".
func show(v any) string {
	if name := reference(v); name != "" {
		return name
	}
	m, isMap := v.(map[string]any)
	if join, ok := m["Fn::Join"].([]any); ok {
		var parts []string
		for _, part := range join[1].([]any) {
			parts = append(parts, show(part))
		}
		text := strings.Join(parts, fmt.Sprint(join[0]))
		if text == "arn:AWS::Partition:events:AWS::Region:AWS::AccountId:event-bus/default" {
			return "default-bus"
		}
		return text
	}
	if isMap {
		text, _ := json.Marshal(m)
		return string(text)
	}
	return fmt.Sprint(v)
}

// list is a value that CloudFormation lets stand alone or in a list, as texts.
func list(v any) []string {
	many, ok := v.([]any)
	if !ok {
		many = []any{v}
	}
	var all []string
	for _, one := range many {
		all = append(all, show(one))
	}
	return all
}

// at walks down into a value by the names of fields and the numbers of elements.
func at(v any, steps ...any) any {
	for _, step := range steps {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func (t template) get(name string, steps ...any) any {
	return at(t.Resources[name].Properties, steps...)
}

// of are the names of all resources of a type, in order.
func (t template) of(kind string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(t.Resources)) {
		if t.Resources[name].Type == kind {
			all = append(all, name)
		}
	}
	return all
}

// statement is one of a policy.
type statement struct {
	what               string // its Sid
	effect             string
	actions, resources []string
	principal          any
	condition          any
}

func statements(document any) []statement {
	var all []statement
	many, _ := at(document, "Statement").([]any)
	for _, s := range many {
		all = append(all, statement{
			what: show(at(s, "Sid")), effect: show(at(s, "Effect")), actions: list(at(s, "Action")), resources: list(at(s, "Resource")),
			principal: at(s, "Principal"), condition: at(s, "Condition"),
		})
	}
	return all
}
