package sam

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// document is a CloudFormation template.
type document struct {
	Resources  map[string]resource
	Parameters map[string]struct{ Default any }
	Outputs    map[string]struct{ Value any }

	names map[string]string // ours, by those in the document
}

type resource struct {
	Type                string
	Properties          map[string]any
	DeletionPolicy      string
	UpdateReplacePolicy string
}

// outputs are what both documents name in the same way, and our names for it.
var outputs = map[string]string{
	"ExchangeBucket": "exchange", "StateBucket": "state",
	"QueueUrl": "work", "DeadLetterQueueUrl": "dead-letters", "SweepDeadLetterQueueUrl": "lost-sweeps",
	"DenyBulkFunction": "deny-bulk", "ReprocessFunction": "reprocess", "CallbackFunction": "callback",
	"InvxSecret": "invx-secret", "RoitSecret": "roit-secret", "CallbackSecret": "callback-secret",
	"CallbackUrl": "callback-api",
}

// name gives our names to what the outputs name, and to what hangs on that.
func (d *document) name() error {
	d.names = map[string]string{}
	var errs []error
	for output, name := range outputs {
		logical := first(references(d.Outputs[output].Value))
		if logical == "" {
			errs = append(errs, fmt.Errorf("the output %s names nothing: the stack and template.yaml have the same outputs", output))
		}
		d.names[logical] = name
	}
	for _, l := range slices.Sorted(maps.Keys(d.Resources)) {
		d.nameBy(l, d.Resources[l])
	}
	for l, name := range maps.Clone(d.names) {
		p := d.Resources[l].Properties
		d.call(at(p, "Role"), name+"-role")
		d.call(at(p, "LoggingConfig", "LogGroup"), name+"-log")
		d.call(at(p, "Target", "RoleArn"), name+"-role")
		d.call(at(p, "AccessLogSettings", "DestinationArn"), name+"-log")
	}
	return errors.Join(errs...)
}

// nameBy names a resource by what it belongs to.
func (d *document) nameBy(logical string, r resource) {
	owner := func(steps ...any) string { return d.names[first(references(at(r.Properties, steps...)))] }
	switch r.Type {
	case "AWS::S3::BucketPolicy":
		d.names[logical] = owner("Bucket") + "-policy"
	case "AWS::SQS::QueuePolicy":
		d.names[logical] = owner("Queues", 0) + "-policy"
	case "AWS::Lambda::EventSourceMapping":
		d.names[logical] = owner("FunctionName") + "-source"
	case "AWS::Lambda::EventInvokeConfig":
		d.names[logical] = owner("FunctionName") + "-invocations"
	case "AWS::Lambda::Permission":
		d.names[logical] = owner("FunctionName") + "-permission"
	case "AWS::Scheduler::Schedule":
		d.names[logical] = owner("Target", "Arn") + "-schedule"
	case "AWS::ApiGatewayV2::Stage":
		d.names[logical] = owner("ApiId") + "-stage"
	case "AWS::Events::Rule":
		if to := owner("Targets", 0, "Arn"); to == "work" {
			d.names[logical] = "new-files"
		}
	case "AWS::Lambda::Function":
		if d.names[logical] == "" {
			d.names[logical] = logical
		}
	}
}

func (d *document) call(value any, name string) {
	if logical := first(references(value)); logical != "" {
		d.names[logical] = name
	}
}

// logical is what the document itself calls a resource of ours.
func (d *document) logical(name string) string {
	for l, n := range d.names {
		if n == name {
			return l
		}
	}
	return ""
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

var substitute = regexp.MustCompile(`\$\{([^}!]+)\}`)

// references are the logical names that stand in a value.
func references(v any) (all []string) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			all = append(all, references(one)...)
		}
	case map[string]any:
		if ref, ok := v["Ref"].(string); ok {
			return []string{ref}
		}
		if att, ok := v["Fn::GetAtt"].([]any); ok {
			return []string{fmt.Sprint(att[0])}
		}
		if text, ok := v["Fn::Sub"].(string); ok {
			for _, m := range substitute.FindAllStringSubmatch(text, -1) {
				resource, _, _ := strings.Cut(m[1], ".")
				all = append(all, resource)
			}
			return all
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			all = append(all, references(v[key])...)
		}
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

// nothing is a value that CloudFormation takes as if its property did not stand there.
const nothing = "${AWS::NoValue}"

// settle replaces the functions of CloudFormation in a value by text, in which resources go by our names and the parameters by
// their defaults: "exchange.Arn/inbox/*".
func (d *document) settle(v any) any {
	switch v := v.(type) {
	case []any:
		all := []any{}
		for _, one := range v {
			all = append(all, d.settle(one))
		}
		return all
	case map[string]any:
		if text, ok := d.function(v); ok {
			return text
		}
		all := map[string]any{}
		for key, one := range v {
			if s := d.settle(one); s != nothing {
				all[key] = s
			}
		}
		return all
	}
	return v
}

// function is the text for one of CloudFormation's functions.
func (d *document) function(v map[string]any) (any, bool) {
	if ref, ok := v["Ref"].(string); ok {
		return d.value(ref), true
	}
	if att, ok := v["Fn::GetAtt"].([]any); ok {
		return d.value(fmt.Sprint(att[0])) + "." + fmt.Sprint(att[1]), true
	}
	if join, ok := v["Fn::Join"].([]any); ok {
		return strings.Join(d.texts(join[1]), fmt.Sprint(join[0])), true
	}
	switch sub := v["Fn::Sub"].(type) {
	case string:
		return d.substituted(sub, nil), true
	case []any:
		return d.substituted(fmt.Sprint(sub[0]), sub[1].(map[string]any)), true
	}
	return nil, false
}

func (d *document) substituted(text string, values map[string]any) string {
	return substitute.ReplaceAllStringFunc(text, func(hit string) string {
		name := hit[2 : len(hit)-1]
		if v, ok := values[name]; ok {
			return fmt.Sprint(d.settle(v))
		}
		resource, attribute, _ := strings.Cut(name, ".")
		if attribute != "" {
			attribute = "." + attribute
		}
		return d.value(resource) + attribute
	})
}

// value is what a name stands for: our name of a resource, or the default of a parameter.
func (d *document) value(name string) string {
	if ours, ok := d.names[name]; ok {
		return ours
	}
	if p, ok := d.Parameters[name]; ok && p.Default != nil {
		return fmt.Sprint(p.Default)
	}
	return "${" + name + "}"
}

// texts is a value that may stand alone or in a list, settled.
func (d *document) texts(v any) (all []string) {
	settled := d.settle(v)
	many, ok := settled.([]any)
	if !ok {
		many = []any{settled}
	}
	for _, one := range many {
		all = append(all, show(one))
	}
	return all
}

// show is a settled value as text. JSON within text is shown in one form, however it was written.
func show(v any) string {
	switch v := v.(type) {
	case string:
		var inner map[string]any
		if json.Unmarshal([]byte(v), &inner) == nil {
			return show(inner)
		}
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case nil, bool:
		return fmt.Sprint(v)
	}
	text, _ := json.Marshal(v)
	return string(text)
}
