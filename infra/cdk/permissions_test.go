package main

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// decision is a sentence about what somebody may do: each of the actions, on each of the resources.
type decision struct {
	who, may  string
	actions   string
	resources string
}

// decisions are everything that anybody may do in this stack. What is not written here is forbidden, and tests see to both.
var decisions = []decision{
	{"deny-bulk", "read the inbox for denials and checks, in the version that an event names", "s3:GetObject s3:GetObjectVersion",
		"exchange/inbox/deny/o/f.csv exchange/inbox/check/o/f.csv"},
	{"deny-bulk", "write reports, in parts, and look whether it has done so already", "s3:GetObject s3:PutObject s3:AbortMultipartUpload",
		"exchange/reports/deny/o/f/b/report.csv exchange/reports/check/o/f/b/report.csv"},
	{"deny-bulk", "keep what it knows about batches", "s3:GetObject s3:PutObject s3:AbortMultipartUpload", "state/batches/b/batch.json"},
	{"deny-bulk", "remind the sweep of a batch", "s3:GetObject s3:PutObject", "state/due/202611210400/batch/b"},
	{"deny-bulk", "tell what is missing from what is forbidden", "s3:ListBucket", "exchange state"},
	{"deny-bulk", "take work from the queue", "sqs:ReceiveMessage sqs:DeleteMessage sqs:ChangeMessageVisibility sqs:GetQueueAttributes", "work"},
	{"deny-bulk", "send itself on", "sqs:SendMessage", "work"},
	{"deny-bulk", "announce that a batch has ended", "events:PutEvents", "default-bus"},
	{"deny-bulk", "read the secret for InvX", "secretsmanager:GetSecretValue", "invx-secret"},
	{"deny-bulk", "write its own log", "logs:CreateLogStream logs:PutLogEvents", "deny-bulk-log"},
	{"deny-bulk", "be traced", "xray:PutTraceSegments xray:PutTelemetryRecords", "*"},

	{"reprocess", "read the inbox for requests", "s3:GetObject s3:GetObjectVersion", "exchange/inbox/reprocess/i/f.csv"},
	{"reprocess", "write reports of sweeps, in parts, and look whether it has done so already", "s3:GetObject s3:PutObject s3:AbortMultipartUpload",
		"exchange/reports/reprocess/d/s/report.csv"},
	{"reprocess", "find files, and what is due", "s3:ListBucket", "exchange state"},
	{"reprocess", "keep what it knows about requests", "s3:GetObject s3:PutObject", "state/requests/i/r.json"},
	{"reprocess", "keep and clear what is due", "s3:GetObject s3:PutObject s3:DeleteObject", "state/due/202611210400/request/r"},
	{"reprocess", "keep what it knows about sweeps", "s3:GetObject s3:PutObject", "state/sweeps/lease.json"},
	{"reprocess", "take batches over", "s3:GetObject s3:PutObject", "state/batches/b/batch.json"},
	{"reprocess", "read what ROIT called back", "s3:GetObject", "state/callbacks/d/c.json"},
	{"reprocess", "send batches on", "sqs:SendMessage", "work"},
	{"reprocess", "announce that a sweep has ended", "events:PutEvents", "default-bus"},
	{"reprocess", "read the secret for ROIT", "secretsmanager:GetSecretValue", "roit-secret"},
	{"reprocess", "leave a message of a sweep that failed", "sqs:SendMessage", "sweep-dead-letters"},
	{"reprocess", "write its own log", "logs:CreateLogStream logs:PutLogEvents", "reprocess-log"},
	{"reprocess", "be traced", "xray:PutTraceSegments xray:PutTelemetryRecords", "*"},

	{"callback", "keep what ROIT called back", "s3:GetObject s3:PutObject", "state/callbacks/d/c.json"},
	{"callback", "keep what it knows about requests", "s3:GetObject s3:PutObject", "state/requests/i/r.json"},
	{"callback", "keep and clear what is due", "s3:GetObject s3:PutObject s3:DeleteObject", "state/due/202611210400/callback/c"},
	{"callback", "tell what is missing from what is forbidden", "s3:ListBucket", "state"},
	{"callback", "read the token that ROIT has to show", "secretsmanager:GetSecretValue", "callback-secret"},
	{"callback", "write its own log", "logs:CreateLogStream logs:PutLogEvents", "callback-log"},
	{"callback", "be traced", "xray:PutTraceSegments xray:PutTelemetryRecords", "*"},

	{"schedule", "start sweeps", "lambda:InvokeFunction", "reprocess"},
	{"schedule", "leave a message of a sweep that it could not start", "sqs:SendMessage", "sweep-dead-letters"},

	{"business-users", "drop files in", "s3:PutObject", "exchange/inbox/deny/o/f.csv exchange/inbox/check/o/f.csv exchange/inbox/reprocess/i/f.csv"},
	{"business-users", "read reports", "s3:GetObject",
		"exchange/reports/deny/o/f/b/report.csv exchange/reports/check/o/f/b/report.csv exchange/reports/reprocess/d/s/report.csv"},
	{"business-users", "look around in the inbox and among the reports", "s3:ListBucket",
		"exchange?prefix=inbox/ exchange?prefix=inbox/deny/o/ exchange?prefix=reports/ exchange?prefix=reports/deny/o/"},
}

// everybody is who has permissions in this stack.
var everybody = []string{"deny-bulk", "reprocess", "callback", "schedule", "business-users"}

// somethingOfEverything is one resource of every kind that there is, and neighbours that nobody should reach.
var somethingOfEverything = strings.Fields(`
	exchange exchange?prefix= exchange?prefix=inbox/ exchange?prefix=inbox/deny/o/ exchange?prefix=reports/ exchange?prefix=reports/deny/o/
	exchange?prefix=elsewhere/ exchange?prefix=in
	exchange/inbox/deny/o/f.csv exchange/inbox/check/o/f.csv exchange/inbox/reprocess/i/f.csv exchange/inbox/elsewhere exchange/elsewhere
	exchange/reports/deny/o/f/b/report.csv exchange/reports/check/o/f/b/report.csv exchange/reports/reprocess/d/s/report.csv exchange/reports
	state state?prefix= state?prefix=due/ state/elsewhere state/batches/b/batch.json state/requests/i/r.json state/sweeps/lease.json
	state/callbacks/d/c.json state/due/202611210400/batch/b state/due/202611210400/request/r state/due/202611210400/callback/c
	work dead-letters sweep-dead-letters invx-secret roit-secret callback-secret default-bus another-bus
	deny-bulk reprocess callback deny-bulk-log reprocess-log callback-log another-log alarms endings callback-api *`)

// anyAction are actions that matter beside those of the decisions.
var anyAction = strings.Fields(`
	s3:DeleteObject s3:DeleteObjectVersion s3:GetObjectVersion s3:PutObjectTagging s3:PutObjectAcl s3:PutBucketPolicy s3:ListBucketVersions
	s3:PutLifecycleConfiguration s3:DeleteBucket s3:ReplicateObject s3:BypassGovernanceRetention sqs:PurgeQueue sqs:SetQueueAttributes sqs:DeleteQueue
	secretsmanager:PutSecretValue secretsmanager:DescribeSecret lambda:InvokeFunction lambda:UpdateFunctionCode iam:PassRole sts:AssumeRole
	events:PutRule sns:Publish kms:Decrypt logs:CreateLogGroup logs:DeleteLogGroup logs:GetLogEvents`)

func TestEverybodyMayDoTheirWork(t *testing.T) {
	policies := synthesise(t).policies(t)
	for _, d := range decisions {
		t.Run(d.who+" may "+d.may, func(t *testing.T) {
			for _, missing := range d.missing(policies[d.who]) {
				t.Error(missing)
			}
		})
	}
}

func TestNobodyMayDoAnythingElse(t *testing.T) {
	policies := synthesise(t).policies(t)
	actions := slices.Clone(anyAction)
	for _, d := range decisions {
		actions = append(actions, strings.Fields(d.actions)...)
	}
	slices.Sort(actions)
	actions = slices.Compact(actions)
	for _, who := range everybody {
		for _, action := range actions {
			for _, resource := range somethingOfEverything {
				if policies[who].allows(action, resource) && !decided(who, action, resource) {
					t.Errorf("%s may %s %s, and no decision says so", who, action, resource)
				}
			}
		}
	}
}

// These stand in the table already, by not standing there. Here they are in words.
func TestWhatMustNeverBe(t *testing.T) {
	policies := synthesise(t).policies(t)
	for _, never := range []decision{
		{"deny-bulk", "write the inbox", "s3:PutObject s3:DeleteObject s3:DeleteObjectVersion", "exchange/inbox/deny/o/f.csv exchange/inbox/check/o/f.csv"},
		{"deny-bulk", "take a report back", "s3:DeleteObject s3:DeleteObjectVersion", "exchange/reports/deny/o/f/b/report.csv"},
		{"deny-bulk", "know of requests, callbacks and sweeps", "s3:GetObject s3:PutObject", "state/requests/i/r.json state/callbacks/d/c.json state/sweeps/lease.json"},
		{"reprocess", "put into the inbox", "s3:PutObject s3:DeleteObject", "exchange/inbox/deny/o/f.csv exchange/inbox/check/o/f.csv exchange/inbox/reprocess/i/f.csv"},
		{"reprocess", "invent callbacks", "s3:PutObject s3:DeleteObject", "state/callbacks/d/c.json"},
		{"reprocess", "take work from the queue", "sqs:ReceiveMessage sqs:DeleteMessage sqs:PurgeQueue", "work"},
		{"callback", "touch the exchange", "s3:GetObject s3:GetObjectVersion s3:PutObject s3:DeleteObject s3:ListBucket",
			"exchange exchange/inbox/deny/o/f.csv exchange/inbox/reprocess/i/f.csv exchange/reports/deny/o/f/b/report.csv exchange/elsewhere"},
		{"callback", "touch batches or sweeps", "s3:GetObject s3:PutObject s3:DeleteObject", "state/batches/b/batch.json state/sweeps/lease.json"},
		{"callback", "send anything to anybody", "sqs:SendMessage events:PutEvents sns:Publish lambda:InvokeFunction",
			"work dead-letters sweep-dead-letters default-bus alarms endings deny-bulk reprocess"},
		{"callback", "read the secrets for upstream", "secretsmanager:GetSecretValue", "invx-secret roit-secret"},
		{"schedule", "start anything but sweeps", "lambda:InvokeFunction", "deny-bulk callback *"},
		{"business-users", "read what others have dropped in", "s3:GetObject s3:GetObjectVersion", "exchange/inbox/deny/o/f.csv exchange/inbox/check/o/f.csv exchange/inbox/reprocess/i/f.csv"},
		{"business-users", "write or take back reports", "s3:PutObject s3:DeleteObject s3:DeleteObjectVersion", "exchange/reports/deny/o/f/b/report.csv"},
		{"business-users", "look around elsewhere", "s3:ListBucket s3:ListBucketVersions", "exchange exchange?prefix= exchange?prefix=in exchange?prefix=elsewhere/ state state?prefix=inbox/"},
		{"business-users", "touch what is the machine's", "s3:GetObject s3:PutObject s3:ListBucket", "state state/batches/b/batch.json state/requests/i/r.json"},
		{"business-users", "put a file where nobody looks", "s3:PutObject", "exchange/inbox/elsewhere exchange/elsewhere"},
	} {
		t.Run(never.who+" may not "+never.may, func(t *testing.T) {
			for _, action := range strings.Fields(never.actions) {
				for _, resource := range strings.Fields(never.resources) {
					if policies[never.who].allows(action, resource) {
						t.Errorf("%s may %s %s, and must not", never.who, action, resource)
					}
				}
			}
		})
	}
	t.Run("nobody may delete objects but what is due no longer", func(t *testing.T) {
		for _, who := range everybody {
			for _, g := range policies[who] {
				if strings.HasPrefix(g.action, "s3:Delete") && (g.action != "s3:DeleteObject" || g.resource != "state/due/*") {
					t.Errorf("%s may %s %s", who, g.action, g.resource)
				}
			}
		}
	})
}

// Each permission is taken away in turn. Then a decision must fail and name it: otherwise nobody needs that permission, or
// nobody has said what for.
func TestEveryPermissionIsDemanded(t *testing.T) {
	for name, context := range variants {
		if name == "secrets that exist" {
			continue // TestSecretsGivenByARN knows their names
		}
		policies := synthesise(t, context...).policies(t)
		for _, who := range everybody {
			for i, g := range policies[who] {
				rest := slices.Delete(slices.Clone(policies[who]), i, i+1)
				if !slices.ContainsFunc(decisions, func(d decision) bool { return d.who == who && d.demands(g, policies[who], rest) }) {
					t.Errorf("%s: %s may %s %s (%s), and no decision demands it: take it out of the stack, or write down what it is for", name, who, g.action, g.resource, g.what)
				}
			}
		}
	}
}

// demands reports whether the decision fails, and names the action and whose it is, once a grant is taken from a policy.
func (d decision) demands(taken grant, whole, rest policy) bool {
	before := d.missing(whole)
	return slices.ContainsFunc(d.missing(rest), func(said string) bool {
		return !slices.Contains(before, said) && strings.HasPrefix(said, d.who+" may not "+taken.action+" ")
	})
}

// missing says what a policy lacks.
func (d decision) missing(p policy) []string {
	var all []string
	for _, action := range strings.Fields(d.actions) {
		for _, resource := range strings.Fields(d.resources) {
			if !p.allows(action, resource) {
				all = append(all, fmt.Sprintf("%s may not %s %s, and has to, to %s", d.who, action, resource, d.may))
			}
		}
	}
	return all
}

// decided reports whether a decision allows it. Whoever may list a whole bucket may list a part of it.
func decided(who, action, resource string) bool {
	whole, _, _ := strings.Cut(resource, "?")
	return slices.ContainsFunc(decisions, func(d decision) bool {
		resources := strings.Fields(d.resources)
		return d.who == who && slices.Contains(strings.Fields(d.actions), action) &&
			(slices.Contains(resources, resource) || slices.Contains(resources, whole) || slices.Contains(resources, "*") || sameFolder(resources, resource))
	})
}

// sameFolder reports whether one of the resources stands under the same two names, such as state/due/.
func sameFolder(resources []string, resource string) bool {
	parts := strings.SplitN(resource, "/", 3)
	return len(parts) == 3 && parts[0] == "state" && slices.ContainsFunc(resources, func(r string) bool {
		return strings.HasPrefix(r, parts[0]+"/"+parts[1]+"/")
	})
}

func TestPoliciesNameEachActionAndEachPrefix(t *testing.T) {
	tpl := synthesise(t)
	for who, p := range tpl.policies(t) {
		for _, g := range p {
			if strings.Contains(g.action, "*") {
				t.Errorf("%s: %s allows %s: name the actions one by one", who, g.what, g.action)
			}
			if g.resource == "*" && strings.HasPrefix(g.action, "xray:Put") {
				continue // X-Ray knows no resources
			}
			if prefix := strings.TrimSuffix(g.resource, "/*"); strings.Contains(prefix, "*") || prefix != g.resource && !strings.Contains(prefix, "/") {
				t.Errorf("%s: %s allows %s on %s: name what it is for, at most by a prefix of keys", who, g.what, g.action, g.resource)
			}
		}
	}
	for _, name := range tpl.of("AWS::IAM::Role") {
		if managed := tpl.get(name, "ManagedPolicyArns"); managed != nil {
			t.Errorf("%s takes the managed policies %v, which allow more than is needed", name, managed)
		}
		if inline := tpl.get(name, "Policies"); inline != nil {
			t.Errorf("%s has policies of its own, which no test sees: %v", name, inline)
		}
	}
}

func TestRolesAreTakenByOneServiceEach(t *testing.T) {
	tpl := synthesise(t)
	want := map[string]string{"schedule": "scheduler.amazonaws.com", "deny-bulk": "lambda.amazonaws.com", "reprocess": "lambda.amazonaws.com", "callback": "lambda.amazonaws.com"}
	for who, service := range want {
		trust := statements(tpl.get(tpl.role(who), "AssumeRolePolicyDocument"))
		if len(trust) != 1 || show(at(trust[0].principal, "Service")) != service {
			t.Errorf("the role of %s is taken by %v, want %s alone", who, trust, service)
		}
	}
	if got := len(tpl.of("AWS::IAM::Role")); got != len(want) {
		t.Errorf("there are %d roles, and the tests know of %d", got, len(want))
	}
	trust := statements(tpl.get(tpl.role("schedule"), "AssumeRolePolicyDocument"))[0]
	if got := show(at(trust.condition, "StringEquals", "aws:SourceAccount")); got != "AWS::AccountId" {
		t.Errorf("the schedule's role is taken for the account %s: another's schedules could use it", got)
	}
}

// grant is one action on one resource that a policy allows.
type grant struct {
	what, action, resource string
	prefixes               []string // of the keys that may be listed; nil means any
}

type policy []grant

// role is the role of a function or of the schedule.
func (t template) role(who string) string {
	if who == "schedule" {
		return show(t.get("Sweeps", "Target", "RoleArn"))
	}
	return show(t.get(who, "Role"))
}

// policies are what everybody is allowed. That there is no further policy is tested, too.
func (tpl template) policies(t *testing.T) map[string]policy {
	t.Helper()
	all := map[string]policy{"business-users": grantsIn(t, tpl.get("business-users", "PolicyDocument"))}
	for _, name := range tpl.of("AWS::IAM::Policy") {
		i := slices.IndexFunc(everybody[:4], func(who string) bool { return slices.Contains(list(tpl.get(name, "Roles")), tpl.role(who)) })
		if i < 0 {
			t.Errorf("the policy %s is nobody's that the tests know", name)
			continue
		}
		all[everybody[i]] = append(all[everybody[i]], grantsIn(t, tpl.get(name, "PolicyDocument"))...)
	}
	if managed := tpl.of("AWS::IAM::ManagedPolicy"); !slices.Equal(managed, []string{"business-users"}) {
		t.Errorf("the managed policies are %v", managed)
	}
	return all
}

// grantsIn takes a policy document apart.
func grantsIn(t *testing.T, document any) policy {
	t.Helper()
	var p policy
	for _, s := range statements(document) {
		if s.effect != "Allow" {
			t.Fatalf("%s denies something, and this test cannot judge that", s.what)
		}
		for _, action := range s.actions {
			for _, resource := range s.resources {
				p = append(p, grant{s.what, action, resource, prefixesIn(t, s)})
			}
		}
	}
	return p
}

// prefixesIn is the one kind of condition that the stack puts on permissions.
func prefixesIn(t *testing.T, s statement) []string {
	t.Helper()
	if s.condition == nil {
		return nil
	}
	prefixes := at(s.condition, "StringLike", "s3:prefix")
	if len(s.condition.(map[string]any)) != 1 || len(at(s.condition, "StringLike").(map[string]any)) != 1 || prefixes == nil {
		t.Fatalf("%s has the condition %v, and this test cannot judge that", s.what, s.condition)
	}
	return list(prefixes)
}

// allows judges as IAM does. A resource such as exchange?prefix=inbox/ is a listing with that prefix.
func (p policy) allows(action, resource string) bool {
	name, prefix, listed := strings.Cut(resource, "?prefix=")
	return slices.ContainsFunc(p, func(g grant) bool {
		return matches(g.action, action) && matches(g.resource, name) &&
			(g.prefixes == nil || listed && slices.ContainsFunc(g.prefixes, func(pattern string) bool { return matches(pattern, prefix) }))
	})
}

// matches compares as IAM does: a star stands for anything, slashes included.
func matches(pattern, text string) bool {
	ok, _ := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(text, "/", "\x00"))
	return ok
}
