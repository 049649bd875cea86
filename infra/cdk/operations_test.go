package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"denybatch/internal/verdict"
)

func TestOperations(t *testing.T) {
	tpl := synthesise(t)
	for name, test := range map[string]func(*testing.T, template){
		"SweepsRunOnTheirSchedule":                           sweepsOnSchedule,
		"SweepsThatFailLeaveAMessageAndAreNotTriedAgain":     lostSweeps,
		"OnlyOneSweepRunsAtATime":                            oneSweep,
		"DenyBulkIsCappedByItsQueueAlone":                    noReserve,
		"TheCallbackHasOneAddressThrottledAndLogged":         oneAddress,
		"OnlyTheCallbacksAddressInvokesTheCallback":          onlyTheAddress,
		"TheAccessLogHoldsNoHeaders":                         noHeaders,
		"TheCallbackTokenIsRandom":                           randomToken,
		"FunctionsAreTracedAndWriteJSON":                     traced,
		"RequestsAreRememberedForEver":                       rememberedForEver,
		"StateOutlivesFiles":                                 stateOutlives,
		"AnOverwrittenFileStaysForItsBatch":                  overwritten,
		"EveryAlarmTellsTheTopicAndSaysWhatToDo":             alarmsTell,
		"AlarmsListenToMetricsThatTheFunctionsWrite":         metricsExist,
		"SilenceOfTheSweepIsAnAlarmAndOtherwiseNone":         silence,
		"TopicsAreEncryptedAndTLSOnlyAndTakeOnePublisher":    topicsAreSafe,
		"TheKeyOfTheTopicsLetsAlarmsAndRulesUseItOnly":       keyIsTight,
		"EndingsAreToldInWords":                              endings,
		"TheDashboardShowsEveryAlarm":                        dashboardShowsAlarms,
		"NobodyIsSubscribedWhoWasNotNamed":                   nobodySubscribed,
		"TheEmulatorIsSparedWhatItCannotDoAndNothingElse":    spared,
		"BusinessUsersGetAPolicyAndNoRoleOrUserOfOurs":       policyOnly,
		"LogsAreKeptForNinetyDays":                           logsKept,
		"TheScheduleIsFlexible":                              flexibleSchedule,
		"SecretsAreNotInTheEnvironment":                      noSecretsInside,
		"TheStackIsCalledDenybatchWhereThereIsNoEnvironment": plainName,
	} {
		t.Run(name, func(t *testing.T) { test(t, tpl) })
	}
}

// expect compares properties of a resource, shown as text.
func expect(t *testing.T, tpl template, resource string, want map[string]string) {
	t.Helper()
	for property, text := range want {
		var steps []any
		for _, step := range strings.Split(property, ".") {
			steps = append(steps, step)
		}
		if got := show(tpl.get(resource, steps...)); got != text {
			t.Errorf("%s of %s is %s, want %s", property, resource, got, text)
		}
	}
}

func sweepsOnSchedule(t *testing.T, tpl template) {
	expect(t, tpl, "Sweeps", map[string]string{"ScheduleExpression": "rate(15 minutes)", "Target.Arn": "reprocess", "State": "<nil>", "Target.Input": "<nil>"})
}

func flexibleSchedule(t *testing.T, tpl template) {
	expect(t, tpl, "Sweeps", map[string]string{"FlexibleTimeWindow.Mode": "FLEXIBLE", "FlexibleTimeWindow.MaximumWindowInMinutes": "3"})
	expect(t, synthesise(t, "sweep-every=1 minute"), "Sweeps", map[string]string{"FlexibleTimeWindow.Mode": "OFF"})
}

func lostSweeps(t *testing.T, tpl template) {
	expect(t, tpl, "Sweeps", map[string]string{
		"Target.DeadLetterConfig.Arn": "sweep-dead-letters", "Target.RetryPolicy.MaximumEventAgeInSeconds": "900",
	})
	expect(t, tpl, "FailedSweeps", map[string]string{
		"FunctionName": "reprocess", "MaximumRetryAttempts": "0", "MaximumEventAgeInSeconds": "900",
		"DestinationConfig.OnFailure.Destination": "sweep-dead-letters",
	})
}

func oneSweep(t *testing.T, tpl template) {
	expect(t, tpl, "reprocess", map[string]string{"ReservedConcurrentExecutions": "1", "Timeout": "300", "MemorySize": "256"})
	expect(t, synthesise(t, "reserve-concurrency=no"), "reprocess", map[string]string{"ReservedConcurrentExecutions": "<nil>"})
}

func noReserve(t *testing.T, tpl template) {
	for _, function := range []string{"deny-bulk", "callback"} {
		if got := tpl.get(function, "ReservedConcurrentExecutions"); got != nil {
			t.Errorf("%s has %v executions reserved: for deny-bulk that makes dead letters of messages that nobody looked at", function, got)
		}
	}
}

func oneAddress(t *testing.T, tpl template) {
	if routes := tpl.of("AWS::ApiGatewayV2::Route"); len(routes) != 1 {
		t.Errorf("the routes are %v, want one", routes)
	}
	expect(t, tpl, "CallbackRoute", map[string]string{"RouteKey": "ANY /callback", "ApiId": "callback-api", "Target": "integrations/CallbackIntegration"})
	expect(t, tpl, "CallbackIntegration", map[string]string{"IntegrationUri": "callback", "PayloadFormatVersion": "2.0", "IntegrationType": "AWS_PROXY"})
	expect(t, tpl, "CallbackStage", map[string]string{
		"StageName": "$default", "AutoDeploy": "true",
		"DefaultRouteSettings.ThrottlingRateLimit": "50", "DefaultRouteSettings.ThrottlingBurstLimit": "100",
	})
	if log := show(tpl.get("CallbackStage", "AccessLogSettings", "DestinationArn")); !slices.Contains(tpl.of("AWS::Logs::LogGroup"), log) {
		t.Errorf("calls are logged to %s, which is no log group of ours", log)
	}
	expect(t, tpl, "callback", map[string]string{"Timeout": "10", "MemorySize": "256"})
	if url := show(at(tpl.Outputs["CallbackUrl"], "Value")); !strings.HasSuffix(url, "/callback") {
		t.Errorf("CallbackUrl is %s, want it to end in /callback", url)
	}
}

func onlyTheAddress(t *testing.T, tpl template) {
	permissions := tpl.of("AWS::Lambda::Permission")
	if len(permissions) != 1 {
		t.Fatalf("functions are opened by %v, want one permission", permissions)
	}
	expect(t, tpl, permissions[0], map[string]string{
		"FunctionName": "callback", "Principal": "apigateway.amazonaws.com",
		"SourceArn": "arn:AWS::Partition:execute-api:AWS::Region:AWS::AccountId:callback-api/*/*/callback",
	})
}

func noHeaders(t *testing.T, tpl template) {
	format := show(tpl.get("CallbackStage", "AccessLogSettings", "Format"))
	var line map[string]string
	if err := json.Unmarshal([]byte(format), &line); err != nil {
		t.Fatalf("%s is no JSON: %v", format, err)
	}
	for name, value := range line {
		if strings.Contains(strings.ToLower(value), "header") || strings.Contains(strings.ToLower(value), "authorizer") {
			t.Errorf("%s is %s: a header holds the token", name, value)
		}
	}
	for _, name := range []string{"status", "ip", "requestId", "time"} {
		if line[name] == "" {
			t.Errorf("the access log does not say %s", name)
		}
	}
}

func randomToken(t *testing.T, tpl template) {
	if n, _ := tpl.get("callback-secret", "GenerateSecretString", "PasswordLength").(float64); n < 32 {
		t.Errorf("the token that ROIT shows is %v characters long", n)
	}
	for _, secret := range []string{"invx-secret", "roit-secret"} {
		if got := tpl.get(secret, "GenerateSecretString"); got != nil {
			t.Errorf("%s is made up, and upstream knows nothing of it", secret)
		}
	}
	for _, secret := range tpl.of("AWS::SecretsManager::Secret") {
		if tpl.get(secret, "SecretString") != nil {
			t.Errorf("the value of %s stands in the template", secret)
		}
	}
}

func traced(t *testing.T, tpl template) {
	for _, function := range functions {
		expect(t, tpl, function, map[string]string{
			"TracingConfig.Mode": "Active", "LoggingConfig.LogFormat": "JSON", "LoggingConfig.LogGroup": function + "-log", "Runtime": "provided.al2023",
		})
	}
}

// lifecycle is what becomes of a bucket's keys with a prefix: days until they go, and until their old versions do.
func lifecycle(tpl template, bucket, prefix string) (days, noncurrent float64) {
	rules, _ := tpl.get(bucket, "LifecycleConfiguration", "Rules").([]any)
	for _, rule := range rules {
		if at(rule, "Prefix") == prefix && at(rule, "Status") == "Enabled" {
			days, _ = at(rule, "ExpirationInDays").(float64)
			noncurrent, _ = at(rule, "NoncurrentVersionExpiration", "NoncurrentDays").(float64)
		}
	}
	return days, noncurrent
}

func rememberedForEver(t *testing.T, tpl template) {
	for _, prefix := range []string{"requests/", "due/"} {
		if days, old := lifecycle(tpl, "state", prefix); days != 0 || old == 0 {
			t.Errorf("%s goes after %v days, its old versions after %v: want the first to stay, for it keeps requests from being asked twice", prefix, days, old)
		}
	}
}

func stateOutlives(t *testing.T, tpl template) {
	inbox, old := lifecycle(tpl, "exchange", "inbox/")
	for _, prefix := range []string{"batches/", "sweeps/", "callbacks/"} {
		if days, _ := lifecycle(tpl, "state", prefix); inbox == 0 || days <= inbox+old {
			t.Errorf("%s goes after %v days, and files can be read for %v: what was done with them would be done again", prefix, days, inbox+old)
		}
	}
	if days, _ := lifecycle(tpl, "exchange", "reports/"); days != 365 {
		t.Errorf("reports go after %v days", days)
	}
	if days, _ := lifecycle(synthesise(t, "report-days=30"), "exchange", "reports/"); days != 30 {
		t.Errorf("with report-days=30 reports go after %v days", days)
	}
}

func overwritten(t *testing.T, tpl template) {
	if inbox, old := lifecycle(tpl, "exchange", "inbox/"); old < inbox {
		t.Errorf("a file stays for %v days, but only %v once it is overwritten: its batch may still run", inbox, old)
	}
}

// alarms are all there are, by the names that we gave them.
func alarms(tpl template) map[string]any {
	all := map[string]any{}
	for _, name := range tpl.of("AWS::CloudWatch::Alarm") {
		all[strings.TrimPrefix(show(tpl.get(name, "AlarmName")), "Denybatch-")] = tpl.Resources[name].Properties
	}
	return all
}

func alarmsTell(t *testing.T, tpl template) {
	all := alarms(tpl)
	want := []string{
		"BatchStuck", "CallbacksFail", "CallbacksTurnedAway", "DeadLetters", "ErrorsOf-callback", "ErrorsOf-deny-bulk", "ErrorsOf-reprocess", "LostSweeps",
		"RejectedShareHigh", "RequestsExhausted", "RequestsUnknown", "SweepNotRun", "ThrottlesOf-callback", "ThrottlesOf-deny-bulk", "ThrottlesOf-reprocess",
		"WorkWaits",
	}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Errorf("the alarms are %v, want %v", got, want)
	}
	for name, alarm := range all {
		for _, when := range []string{"AlarmActions", "OKActions"} {
			if got := list(at(alarm, when)); !slices.Equal(got, []string{"alarms"}) {
				t.Errorf("%s: %s are %v, want the topic of alarms", name, when, got)
			}
		}
		if said := show(at(alarm, "AlarmDescription")); !strings.Contains(strings.ToLower(said), "look") {
			t.Errorf("%s says %q, and not where to look first", name, said)
		}
	}
}

func silence(t *testing.T, tpl template) {
	for name, alarm := range alarms(tpl) {
		want := "notBreaching"
		if name == "SweepNotRun" {
			want = "breaching"
		}
		if got := at(alarm, "TreatMissingData"); got != want {
			t.Errorf("%s takes silence as %v, want %s", name, got, want)
		}
	}
	silent := alarms(tpl)["SweepNotRun"]
	for property, want := range map[string]any{
		"Namespace": "Denybatch", "MetricName": "Sweeps", "Period": 900.0, "EvaluationPeriods": 3.0, "Statistic": "Sum",
		"ComparisonOperator": "LessThanThreshold", "Threshold": 1.0,
	} {
		if got := at(silent, property); got != want {
			t.Errorf("SweepNotRun: %s is %v, want %v", property, got, want)
		}
	}
	if at(silent, "Dimensions") != nil {
		t.Error("SweepNotRun has dimensions, and the functions write the metric without")
	}
}

// A metric of ours that nobody writes makes an alarm that never rings.
func metricsExist(t *testing.T, tpl template) {
	text, err := json.Marshal(tpl)
	if err != nil {
		t.Fatal(err)
	}
	written := quotedIn(t, "deny-bulk") + quotedIn(t, "reprocess")
	names := map[string]bool{}
	for _, pattern := range []string{`"MetricName":"(\w+)","Namespace":"Denybatch"`, `\\"Denybatch\\",\\"(\w+)\\"`} {
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
	}
	for _, name := range []string{"Sweeps", "OldestBatchMinutes", "Exhausted", "UnknownRequests", "Rows", "Rejected"} {
		if !names[name] {
			t.Errorf("nothing listens to %s", name)
		}
	}
	for name := range names {
		if !strings.Contains(written, `"`+name+`"`) {
			t.Errorf("somebody listens to the metric %s, and no function writes it", name)
		}
	}
}

// quotedIn is the source of a function, tests aside.
func quotedIn(t *testing.T, function string) string {
	t.Helper()
	files, err := filepath.Glob("../../functions/" + function + "/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no Go files of %s: %v", function, err)
	}
	var all strings.Builder
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

func topicsAreSafe(t *testing.T, tpl template) {
	for topic, publisher := range map[string]string{"alarms": "cloudwatch.amazonaws.com", "endings": "events.amazonaws.com"} {
		if key := show(tpl.get(topic, "KmsMasterKeyId")); !slices.Contains(tpl.of("AWS::KMS::Key"), key) {
			t.Errorf("%s is encrypted with %s, want our key: AWS's own lets neither alarms nor rules publish", topic, key)
		}
		var allowed, denied []string
		for _, policy := range tpl.of("AWS::SNS::TopicPolicy") {
			for _, s := range statements(tpl.get(policy, "PolicyDocument")) {
				switch {
				case !slices.Contains(s.resources, topic):
				case s.effect == "Allow":
					allowed = append(allowed, list(at(s.principal, "Service"))...)
				case at(s.condition, "Bool", "aws:SecureTransport") == "false":
					denied = append(denied, show(s.principal))
				}
			}
		}
		if !slices.Equal(allowed, []string{publisher}) || !slices.Equal(denied, []string{"*"}) {
			t.Errorf("%s takes messages from %v, and refuses them without TLS from %v: want %s, and everybody", topic, allowed, denied, publisher)
		}
	}
}

func keyIsTight(t *testing.T, tpl template) {
	keys := tpl.of("AWS::KMS::Key")
	if len(keys) != 1 || tpl.get(keys[0], "EnableKeyRotation") != true {
		t.Fatalf("the keys are %v: want one, which is rotated", keys)
	}
	for _, s := range statements(tpl.get(keys[0], "KeyPolicy")) {
		services := list(at(s.principal, "Service"))
		if at(s.principal, "Service") == nil {
			continue // the account itself
		}
		if !slices.Equal(services, []string{"cloudwatch.amazonaws.com", "events.amazonaws.com"}) || !slices.Equal(s.actions, []string{"kms:Decrypt", "kms:GenerateDataKey*"}) {
			t.Errorf("%v may %v", services, s.actions)
		}
	}
}

func endings(t *testing.T, tpl template) {
	for rule, of := range map[string]struct {
		event, function string
		results         []verdict.Result
	}{
		"EndedBatches": {"Denial Batch Completed", "deny-bulk", verdict.Results},
		"EndedSweeps":  {"Reprocess Sweep Completed", "reprocess", verdict.RequestResults},
	} {
		source := quotedIn(t, of.function)
		if pattern := show(tpl.get(rule, "EventPattern")); pattern != `{"detail-type":["`+of.event+`"],"source":["denybatch"]}` {
			t.Errorf("%s listens to %s", rule, pattern)
		}
		target := at(tpl.get(rule, "Targets"), 0)
		if to := show(at(target, "Arn")); to != "endings" {
			t.Errorf("%s tells %s, want the topic of endings", rule, to)
		}
		paths, _ := at(target, "InputTransformer", "InputPathsMap").(map[string]any)
		told := show(at(target, "InputTransformer", "InputTemplate"))
		for name, path := range paths {
			parts := strings.Split(show(path), ".")
			if !strings.Contains(source, "`json:\""+parts[2]+"\"`") {
				t.Errorf("%s tells %s, and %s writes no field %s", rule, path, of.function, parts[2])
			}
			if parts[2] == "counts" && !slices.Contains(of.results, verdict.Result(parts[3])) {
				t.Errorf("%s tells how many are %s, and nothing ever is", rule, parts[3])
			}
			if !strings.Contains(told, "<"+name+">") {
				t.Errorf("%s has %s and tells nobody", rule, name)
			}
		}
		for _, result := range of.results {
			if paths[string(result)] == nil {
				t.Errorf("%s does not tell how many are %s", rule, result)
			}
		}
		for _, m := range regexp.MustCompile(`<(\w+)>`).FindAllStringSubmatch(told, -1) {
			if paths[m[1]] == nil {
				t.Errorf("%s tells <%s>, and does not take it from the event", rule, m[1])
			}
		}
		for _, line := range strings.Split(told, "\n") {
			if !strings.HasPrefix(line, `"`) || !strings.HasSuffix(line, `"`) || strings.Count(line, `"`) != 2 {
				t.Errorf("%s has the line %s: EventBridge wants each in quotes", rule, line)
			}
		}
	}
}

func dashboardShowsAlarms(t *testing.T, tpl template) {
	boards := tpl.of("AWS::CloudWatch::Dashboard")
	if len(boards) != 1 {
		t.Fatalf("the dashboards are %v, want one", boards)
	}
	body := show(tpl.get(boards[0], "DashboardBody"))
	for name := range alarms(tpl) {
		if !strings.Contains(body, ":alarm:Denybatch-"+name) {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
}

func nobodySubscribed(t *testing.T, tpl template) {
	if got := tpl.of("AWS::SNS::Subscription"); got != nil {
		t.Errorf("somebody is subscribed: %v", got)
	}
}

func TestMailGoesToWhomTheSettingsName(t *testing.T) {
	for context, want := range map[string][]string{
		"mail=us@example.com": {"us@example.com alarms", "us@example.com endings"},
		"mail=us@example.com alarm-mail=a@example.com,b@example.com": {"a@example.com alarms", "b@example.com alarms", "us@example.com endings"},
		"alarm-mail=a@example.com":                                   {"a@example.com alarms"},
	} {
		tpl := synthesise(t, strings.Fields(context)...)
		var got []string
		for _, name := range tpl.of("AWS::SNS::Subscription") {
			got = append(got, show(tpl.get(name, "Endpoint"))+" "+show(tpl.get(name, "TopicArn")))
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("%s: mail goes to %v, want %v", context, got, want)
		}
	}
}

func spared(t *testing.T, tpl template) {
	for name, r := range tpl.Resources {
		math := r.Type == "AWS::CloudWatch::Alarm" && tpl.get(name, "Metrics") != nil
		if (r.Condition != "") != math {
			t.Errorf("%s stands under the condition %q: only alarms that compute do", name, r.Condition)
		}
	}
}

func policyOnly(t *testing.T, tpl template) {
	for _, property := range []string{"Roles", "Users", "Groups"} {
		if got := tpl.get("business-users", property); got != nil {
			t.Errorf("the policy of business users is attached to %v already", got)
		}
	}
	if users := tpl.of("AWS::IAM::User"); users != nil {
		t.Errorf("there are users: %v", users)
	}
}

func logsKept(t *testing.T, tpl template) {
	for context, want := range map[string]float64{"": 90, "log-days=365": 365} {
		if context != "" {
			tpl = synthesise(t, context)
		}
		for _, name := range tpl.of("AWS::Logs::LogGroup") {
			if got := tpl.get(name, "RetentionInDays"); got != want {
				t.Errorf("%s: %s is kept for %v days, want %v", context, name, got, want)
			}
		}
	}
}

func noSecretsInside(t *testing.T, tpl template) {
	for _, function := range functions {
		for name := range tpl.get(function, "Environment", "Variables").(map[string]any) {
			if slices.Contains(inTheClear, name) {
				t.Errorf("%s gets %s in the clear", function, name)
			}
		}
	}
}

func plainName(t *testing.T, tpl template) {
	if _, s := define(t); *s.stack.StackName() != "Denybatch" {
		t.Errorf("the stack is called %s", *s.stack.StackName())
	}
	if _, s := define(t, "env=hom"); *s.stack.StackName() != "Denybatch-hom" {
		t.Errorf("the stack of the rehearsal is called %s", *s.stack.StackName())
	}
}
