package sam

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// facts are what a document decides: each a subject and what is said of it ("deny-bulk", "Timeout"), with its value. Of
// permissions the value is yes.
type facts struct {
	of    map[fact]string
	calls func(name string) string // what the document calls a subject
}

type fact struct{ subject, what string }

const yes = "yes"

// leftOut are properties that may differ: where the code is, what tools note down, and what is compared in another form.
var leftOut = map[string]bool{
	"AWS::Lambda::Function Code": true, "AWS::Lambda::Function Tags": true, "AWS::ApiGatewayV2::Stage Tags": true,
	"AWS::Lambda::Permission FunctionName": true, "AWS::ApiGatewayV2::Api Body": true, "AWS::ApiGatewayV2::Api Name": true,
	"AWS::ApiGatewayV2::Api ProtocolType": true, "AWS::ApiGatewayV2::Api Description": true,
	"AWS::IAM::Role Policies": true, "AWS::IAM::Role AssumeRolePolicyDocument": true,
	"AWS::S3::BucketPolicy PolicyDocument": true, "AWS::SQS::QueuePolicy PolicyDocument": true,
}

// facts reads the document.
func (d *document) facts() (facts, error) {
	err := d.name()
	f := facts{of: map[fact]string{}, calls: d.logical}
	for logical, r := range d.Resources {
		if name := d.names[logical]; name != "" {
			d.properties(f, name, r)
		}
		switch r.Type {
		case "AWS::IAM::Policy":
			for _, role := range d.texts(r.Properties["Roles"]) {
				d.permissions(f, role, r.Properties["PolicyDocument"])
			}
		case "AWS::ApiGatewayV2::Route":
			d.route(f, r)
		case "AWS::ApiGatewayV2::Api":
			d.paths(f, d.names[logical], at(r.Properties, "Body", "paths"))
		}
	}
	return f, err
}

func (f facts) say(subject, what, value string) { f.of[fact{subject, what}] = value }

// properties says everything about a resource.
func (d *document) properties(f facts, name string, r resource) {
	f.say(name, "Type", r.Type)
	f.say(name, "DeletionPolicy", cmp.Or(r.DeletionPolicy, "Delete"))
	f.say(name, "UpdateReplacePolicy", cmp.Or(r.UpdateReplacePolicy, "Delete"))
	for key, value := range r.Properties {
		if settled := d.settle(value); !leftOut[r.Type+" "+key] && settled != nothing {
			flatten(f, name, key, settled)
		}
	}
	if r.Type == "AWS::IAM::Role" {
		d.permissions(f, name, r.Properties["AssumeRolePolicyDocument"])
		inline, _ := r.Properties["Policies"].([]any)
		for _, policy := range inline {
			d.permissions(f, name, at(policy, "PolicyDocument"))
		}
	}
	if strings.HasSuffix(name, "-policy") {
		d.permissions(f, name, r.Properties["PolicyDocument"])
	}
}

// flatten says one thing for each leaf of a value.
func flatten(f facts, subject, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, one := range v {
			flatten(f, subject, path+"."+key, one)
		}
	case []any:
		for i, one := range v {
			step := strconv.Itoa(i)
			if id := at(one, "Id"); id != nil {
				step = show(id)
			}
			flatten(f, subject, path+"."+step, one)
		}
	default:
		f.say(subject, path, show(v))
	}
}

// permissions says one thing for each action and resource of a policy.
func (d *document) permissions(f facts, subject string, policy any) {
	statements, _ := at(policy, "Statement").([]any)
	for _, s := range statements {
		verb := "may"
		if at(s, "Effect") == "Deny" {
			verb = "denies"
		}
		for _, action := range d.texts(at(s, "Action")) {
			for _, resource := range d.texts(at(s, "Resource")) {
				f.say(subject, permission(verb, action, resource, d.settle(at(s, "Principal")), d.settle(at(s, "Condition"))), yes)
			}
		}
	}
}

func permission(verb, action, resource string, principal, condition any) string {
	text := verb + " " + action
	if resource != "<nil>" {
		text += " on " + resource
	}
	if principal != nil {
		text += " for " + show(principal)
	}
	if condition != nil {
		text += " where " + show(condition)
	}
	return text
}

// route says what the API does, from a route of its own.
func (d *document) route(f facts, r resource) {
	integration := d.Resources[first(references(r.Properties["Target"]))].Properties
	api := d.value(first(references(r.Properties["ApiId"])))
	f.say(api, "route "+fmt.Sprint(r.Properties["RouteKey"]), fmt.Sprintf("%s, payload %v, authorization %v",
		d.value(first(references(integration["IntegrationUri"]))), integration["PayloadFormatVersion"], r.Properties["AuthorizationType"]))
}

// paths says the same from an OpenAPI description.
func (d *document) paths(f facts, api string, paths any) {
	all, _ := paths.(map[string]any)
	for path, methods := range all {
		for method, call := range methods.(map[string]any) {
			integration := at(call, "x-amazon-apigateway-integration")
			method = strings.ToUpper(strings.TrimSuffix(strings.TrimPrefix(method, "x-amazon-apigateway-"), "-method"))
			function := slices.DeleteFunc(references(at(integration, "uri")), func(s string) bool { return strings.HasPrefix(s, "AWS::") })
			authorization := "NONE"
			if at(call, "security") != nil {
				authorization = show(at(call, "security"))
			}
			f.say(api, "route "+method+" "+path, fmt.Sprintf("%s, payload %v, authorization %v",
				d.value(first(function)), at(integration, "payloadFormatVersion"), authorization))
		}
	}
}

// sources are the files of infra/cdk where subjects are decided, by how their names begin; the longest that fits counts.
var sources = map[string]string{
	"exchange": "buckets.go", "state": "buckets.go", "work": "queues.go", "dead-letters": "queues.go", "new-files": "queues.go",
	"lost-sweeps": "reprocess.go", "deny-bulk": "denybulk.go", "deny-bulk-source": "queues.go", "reprocess": "reprocess.go",
	"callback": "callback.go", "invx-secret": "secrets.go", "roit-secret": "secrets.go", "callback-secret": "secrets.go",
}

func source(subject string) string {
	longest := ""
	for prefix := range sources {
		if strings.HasPrefix(subject, prefix) && len(prefix) > len(longest) {
			longest = prefix
		}
	}
	return "infra/cdk/" + cmp.Or(sources[longest], "stack.go")
}

// differences are one sentence each, in order.
func differences(stack, template facts) (sentences []string) {
	all := map[fact]bool{}
	for _, f := range slices.Concat(slices.Collect(maps.Keys(stack.of)), slices.Collect(maps.Keys(template.of))) {
		all[f] = true
	}
	inOrder := func(a, b fact) int { return cmp.Or(cmp.Compare(a.subject, b.subject), cmp.Compare(a.what, b.what)) }
	for _, f := range slices.SortedFunc(maps.Keys(all), inOrder) {
		there, here := side{stack.of, source(f.subject)}, side{template.of, place(f.subject, template)}
		switch {
		case !there.knows(f.subject):
			sentences = append(sentences, missing(f.subject, here, "infra/cdk"))
		case !here.knows(f.subject):
			sentences = append(sentences, missing(f.subject, there, "template.yaml"))
		case there.of[f] != here.of[f] || there.says(f) != here.says(f):
			sentences = append(sentences, sentence(f, there, here))
		}
	}
	return slices.Compact(sentences)
}

// side is one of the two documents, and where in it the subject in question is decided.
type side struct {
	of    map[fact]string
	where string
}

func (s side) says(f fact) bool          { _, ok := s.of[f]; return ok }
func (s side) knows(subject string) bool { return s.says(fact{subject, "Type"}) }

func missing(subject string, in side, notIn string) string {
	return fmt.Sprintf("%s (%s) is in %s and is missing in %s: add it there, or take it out here",
		subject, in.of[fact{subject, "Type"}], in.where, notIn)
}

func sentence(f fact, there, here side) string {
	if there.says(f) && here.says(f) {
		return fmt.Sprintf("%s: %s is %q in %s and %q in %s: make them the same", f.subject, f.what, there.of[f], there.where, here.of[f], here.where)
	}
	in, notIn := there, here
	if here.says(f) {
		in, notIn = here, there
	}
	what := fmt.Sprintf("%s: %s is %q", f.subject, f.what, in.of[f])
	if in.of[f] == yes {
		what = f.subject + " " + f.what
	}
	return fmt.Sprintf("%s in %s, and %s does not say so: add it there, or take it out of the first", what, in.where, notIn.where)
}

// place is where template.yaml decides a subject: under its own name, or else under the one it belongs to.
func place(subject string, template facts) string {
	for name := subject; name != ""; name = name[:max(0, strings.LastIndex(name, "-"))] {
		if logical := template.calls(name); logical != "" {
			return "template.yaml (" + logical + ")"
		}
	}
	return "template.yaml"
}
