package main

import (
	"slices"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
)

func TestStack(t *testing.T) {
	tpl := synthesise(t)
	for name, test := range map[string]func(*testing.T, template){
		"BucketsArePrivateVersionedEncryptedAndTLSOnly": bucketsAreSafe,
		"QueuesAreEncryptedAndTLSOnly":                  queuesAreSafe,
		"OnlyOurRuleSendsToTheQueues":                   onlyOurRule,
		"NewFilesForDenyBulkBecomeMessages":             newFiles,
		"EventsThatTheQueueDoesNotTakeAreDeadLetters":   undelivered,
		"OneMessageAtATimeAndFailuresOneByOne":          oneByOne,
		"LongBatchesMaySendThemselvesOn":                recursion,
		"NoFunctionsButOurs":                            noForeignFunctions,
		"DataOutlivesTheStack":                          dataStays,
		"OutputsHaveTheirNames":                         outputs,
	} {
		t.Run(name, func(t *testing.T) { test(t, tpl) })
	}
}

func bucketsAreSafe(t *testing.T, tpl template) {
	buckets := tpl.of("AWS::S3::Bucket")
	if !slices.Equal(buckets, []string{"exchange", "state"}) {
		t.Errorf("the buckets are %v: one for people and one for the machine", buckets)
	}
	for _, name := range buckets {
		for what, bad := range map[string]bool{
			"keeps no versions": tpl.get(name, "VersioningConfiguration", "Status") != "Enabled",
			"is not encrypted":  at(tpl.get(name, "BucketEncryption", "ServerSideEncryptionConfiguration"), 0) == nil,
			"may become public": !slices.Equal(publicAccess(tpl, name), []string{"true", "true", "true", "true"}),
			"has ACLs":          at(tpl.get(name, "OwnershipControls", "Rules"), 0, "ObjectOwnership") != "BucketOwnerEnforced",
			"keeps the parts of uploads that were given up": at(tpl.get(name, "LifecycleConfiguration", "Rules"), 0,
				"AbortIncompleteMultipartUpload", "DaysAfterInitiation") != 1.0,
			"can be reached without TLS": !tlsOnly(tpl, "AWS::S3::BucketPolicy", "Bucket", name, "s3:*"),
		} {
			if bad {
				t.Errorf("the bucket %s %s", name, what)
			}
		}
	}
}

func publicAccess(tpl template, bucket string) []string {
	var all []string
	for _, what := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		all = append(all, show(tpl.get(bucket, "PublicAccessBlockConfiguration", what)))
	}
	return all
}

// tlsOnly reports whether a policy denies everything on the resource to everybody who comes without TLS.
func tlsOnly(tpl template, kind, property, name, everything string) bool {
	for _, policy := range tpl.of(kind) {
		if !slices.Contains(list(tpl.get(policy, property)), name) {
			continue
		}
		for _, s := range statements(tpl.get(policy, "PolicyDocument")) {
			if s.effect == "Deny" && slices.Contains(s.actions, everything) && slices.Contains(s.resources, name) &&
				show(at(s.principal, "AWS")) == "*" && at(s.condition, "Bool", "aws:SecureTransport") == "false" {
				return true
			}
		}
	}
	return false
}

func queuesAreSafe(t *testing.T, tpl template) {
	for _, name := range tpl.of("AWS::SQS::Queue") {
		if tpl.get(name, "SqsManagedSseEnabled") != true {
			t.Errorf("the queue %s is not encrypted", name)
		}
		if !tlsOnly(tpl, "AWS::SQS::QueuePolicy", "Queues", name, "sqs:*") {
			t.Errorf("the queue %s can be reached without TLS", name)
		}
	}
}

func onlyOurRule(t *testing.T, tpl template) {
	for _, policy := range tpl.of("AWS::SQS::QueuePolicy") {
		for _, s := range statements(tpl.get(policy, "PolicyDocument")) {
			if s.effect == "Allow" && (show(at(s.condition, "ArnEquals", "aws:SourceArn")) != "NewFiles" || at(s.principal, "Service") != "events.amazonaws.com") {
				t.Errorf("%s lets %v in under %v", policy, s.principal, s.condition)
			}
		}
	}
}

func newFiles(t *testing.T, tpl template) {
	if tpl.get("exchange", "NotificationConfiguration", "EventBridgeConfiguration", "EventBridgeEnabled") != true {
		t.Error("the exchange bucket does not tell EventBridge of new files")
	}
	pattern := tpl.get("NewFiles", "EventPattern")
	if got := list(at(pattern, "detail", "bucket", "name")); !slices.Equal(got, []string{"exchange"}) {
		t.Errorf("the rule listens to the buckets %v, want exchange alone: the functions' own writes are no news", got)
	}
	if got := list(at(pattern, "detail", "object", "key")); !slices.Equal(got, []string{`{"prefix":"inbox/deny/"}`, `{"prefix":"inbox/check/"}`}) {
		t.Errorf("the rule takes the keys %v", got)
	}
	if got := show(at(tpl.get("NewFiles", "Targets"), 0, "Arn")); got != "work" {
		t.Errorf("new files go to %s, want work", got)
	}
}

func undelivered(t *testing.T, tpl template) {
	if got := show(at(tpl.get("NewFiles", "Targets"), 0, "DeadLetterConfig", "Arn")); got != "dead-letters" {
		t.Errorf("events that cannot be delivered go to %s, want dead-letters", got)
	}
}

func oneByOne(t *testing.T, tpl template) {
	mappings := tpl.of("AWS::Lambda::EventSourceMapping")
	if len(mappings) != 1 {
		t.Fatalf("%d event source mappings, want one", len(mappings))
	}
	for what, want := range map[string]string{
		"FunctionName": "deny-bulk", "EventSourceArn": "work", "BatchSize": "1", "FunctionResponseTypes": "[ReportBatchItemFailures]",
		"ScalingConfig": `{"MaximumConcurrency":4}`,
	} {
		if got := show(tpl.get(mappings[0], what)); got != want {
			t.Errorf("%s is %s, want %s", what, got, want)
		}
	}
}

func recursion(t *testing.T, tpl template) {
	if got := tpl.get("deny-bulk", "RecursiveLoop"); got != "Allow" {
		t.Errorf("RecursiveLoop is %v: Lambda takes the continuations of a long batch for a loop and stops it after 16 of them", got)
	}
}

func noForeignFunctions(t *testing.T, tpl template) {
	if got := tpl.of("AWS::Lambda::Function"); !slices.Equal(got, []string{"callback", "deny-bulk", "reprocess"}) {
		t.Errorf("the functions are %v: a library has added its own, with permissions of its own", got)
	}
}

func dataStays(t *testing.T, tpl template) {
	_, s := define(t)
	for _, kind := range []string{"AWS::S3::Bucket", "AWS::Logs::LogGroup", "AWS::SecretsManager::Secret"} {
		holds(t, func() {
			assertions.Template_FromStack(s.stack, nil).AllResources(jsii.String(kind), map[string]any{
				"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain",
			})
		})
	}
}

func outputs(t *testing.T, tpl template) {
	for name := range names {
		if tpl.Outputs[name] == nil {
			t.Errorf("the stack has no output %s: the local cloud and the documents rely on it", name)
		}
	}
}

func TestMessagesStayHiddenForSixInvocations(t *testing.T) {
	for context, want := range map[string]float64{"deny-bulk-timeout=900": 5400, "deny-bulk-timeout=5": 30} {
		tpl := synthesise(t, context)
		if got := tpl.get("work", "VisibilityTimeout"); got != want {
			t.Errorf("with %s messages stay hidden for %v s, want %v", context, got, want)
		}
	}
}

func TestMessagesAreDeadAfterMaxReceives(t *testing.T) {
	tpl := synthesise(t, "max-receives=3")
	if got := tpl.get("work", "RedrivePolicy", "maxReceiveCount"); got != 3.0 {
		t.Errorf("messages are dead letters after %v receives, want 3", got)
	}
	if got := show(tpl.get("work", "RedrivePolicy", "deadLetterTargetArn")); got != "dead-letters" {
		t.Errorf("dead letters go to %s", got)
	}
	if got := tpl.get("deny-bulk", "Environment", "Variables", "DENYBATCH_MAX_RECEIVES"); got != "3" {
		t.Errorf("deny-bulk takes %v for the last receive, want 3: only then it knows when to write the reason down", got)
	}
	if dead, work := tpl.get("dead-letters", "MessageRetentionPeriod").(float64), tpl.get("work", "MessageRetentionPeriod").(float64); dead <= work {
		t.Errorf("dead letters are kept for %v s, which counts from their first day in the other queue, where they are kept for %v s", dead, work)
	}
}

func TestSecretsGivenByARN(t *testing.T) {
	arn := func(name string) string {
		return "arn:aws:secretsmanager:us-east-1:123456789012:secret:" + name + "-AbCdEf"
	}
	tpl := synthesise(t, "invx-token-arn="+arn("invx"), "roit-token-arn="+arn("roit"), "callback-token-arn="+arn("callback"))
	if made := tpl.of("AWS::SecretsManager::Secret"); len(made) != 0 {
		t.Errorf("made %v beside the secrets that exist", made)
	}
	policies := tpl.policies(t)
	for function, own := range map[string]string{"deny-bulk": "invx", "reprocess": "roit", "callback": "callback"} {
		for _, secret := range []string{"invx", "roit", "callback"} {
			if got := policies[function].allows("secretsmanager:GetSecretValue", arn(secret)); got != (own == secret) {
				t.Errorf("%s may read the secret %s: %v", function, secret, got)
			}
		}
	}
}

func TestWhatIsNotSetIsAskedForAtDeployment(t *testing.T) {
	open, set := synthesise(t, "roit-login=fetched"), synthesise(t, "roit-login=fetched",
		"invx-url=https://invx.example", "invx-org=o", "roit-url=https://roit.example", "roit-token-url=https://roit.example/token")
	for _, name := range []string{"InvxUrl", "InvxOrg", "RoitUrl", "RoitTokenUrl"} {
		if p := open.Parameters[name]; p == nil || at(p, "Default") != nil {
			t.Errorf("%s is not asked for: %v", name, p)
		}
		if set.Parameters[name] != nil {
			t.Errorf("%s is asked for although it is set", name)
		}
	}
}

// holds runs an assertion of the CDK library, which panics where it fails.
func holds(t *testing.T, assertion func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if failure := recover(); failure != nil {
			t.Error(failure)
		}
	}()
	assertion()
}
