package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// addAlarms watches what somebody would want to be woken for, or at least written to. Each description says what it means and
// what to do first; docs/operations.md says the rest.
func (s *denybatch) addAlarms() {
	s.watchQueues()
	s.watchFunctions()
	s.watchSweeps()
	s.watchRows()
	s.watchCallbacks()
}

func (s *denybatch) watchQueues() {
	s.alarm("DeadLetters", "A file or a batch was given up after several tries. Look at batch.json of the batch for the failure, mend its cause, "+
		"then move the message back (redrive).",
		s.deadLetters.MetricApproximateNumberOfMessagesVisible(over(5, "Maximum")), reaches(1))
	s.alarm("LostSweeps", "A sweep could not be started, or failed. Look at reprocess's log. The next sweep does the same work, so the message can be "+
		"deleted once the cause is mended.",
		s.lostSweeps.MetricApproximateNumberOfMessagesVisible(over(5, "Maximum")), reaches(1))
	s.alarm("WorkWaits", "A file has waited for two hours. Either many large files came at once, or deny-bulk is not invoked: look whether its event "+
		"source mapping is enabled and its log moves on.",
		s.work.MetricApproximateAgeOfOldestMessage(over(5, "Maximum")), reaches(2*60*60))
}

func (s *denybatch) watchFunctions() {
	for _, f := range s.all() {
		s.alarm("ErrorsOf-"+f.name, f.name+" failed: look at its log for lines of level ERROR. Nothing is lost: what it did is recorded, and its next run goes on from there.",
			f.MetricErrors(over(5, "Sum")), reaches(1))
		s.alarm("ThrottlesOf-"+f.name, f.name+" has been turned away for a quarter of an hour, because as many functions run as the account allows, "+
			"or, if it is reprocess, because sweeps overlap. Look at the account's concurrency.",
			f.MetricThrottles(over(5, "Sum")), reaches(1).times(3))
	}
}

func (s *denybatch) watchSweeps() {
	every := float64(s.set.sweepEvery.minutes)
	s.alarm("SweepNotRun", "Three times in a row no sweep ended. Look whether the schedule is enabled, and at reprocess's log. "+
		"Right after the first deployment this is normal until the first sweep.",
		ours("Sweeps", over(every, "Sum")), staysBelow(1).times(3))
	s.alarm("BatchStuck", "A batch is not finished although it is older than it should be. Look at its batch.json: who works on it, until when, and what failed.",
		ours("OldestBatchMinutes", over(every, "Maximum")), reaches(float64(s.set.alarmBatchMinutes)))
	s.alarm("RequestsExhausted", "Requests failed at ROIT as often as they may be asked. They stand in the sweep's report as exhausted: somebody has to look "+
		"at ROIT why.",
		ours("Exhausted", over(every, "Sum")), reaches(1))
	s.alarm("RequestsUnknown", "Nobody knows whether ROIT took some requests, and they are not asked again by themselves. They stand in the sweep's report as "+
		"unknown: look at ROIT, and drop in again those that it did not take, with yes in the column confirm.",
		ours("UnknownRequests", over(every, "Sum")), reaches(1))
}

// watchRows leaves hours with a handful of rows alone: one bad row in three is no sign of anything.
func (s *denybatch) watchRows() {
	share := awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{
		Label:      jsii.String("Rejected rows in percent"),
		Expression: jsii.String("IF(rows >= 20, 100 * rejected / rows, 0)"),
		Period:     awscdk.Duration_Hours(jsii.Number(1)),
		UsingMetrics: &map[string]awscloudwatch.IMetric{
			"rows": ours("Rows", over(60, "Sum")), "rejected": ours("Rejected", over(60, "Sum")),
		},
	})
	alarm := s.alarm("RejectedShareHigh", "InvX refused an unusual share of the rows. Look at result_message in the reports: often it is one wrong file.",
		share, reaches(float64(s.set.alarmRejectedPercent)))
	s.onlyInAWS(alarm)
}

// onlyInAWS leaves an alarm out where the template is deployed to the emulator, which cannot compute with metrics and would refuse
// the whole stack for it. The emulator's account cannot exist in AWS, and in conditions it knows no partition.
func (s *denybatch) onlyInAWS(alarm awscloudwatch.Alarm) {
	partition := func(name string) awscdk.ICfnRuleConditionExpression {
		return awscdk.Fn_ConditionEquals(awscdk.Aws_PARTITION(), jsii.String(name))
	}
	inAWS := awscdk.NewCfnCondition(s.stack, jsii.String("InAWS"), &awscdk.CfnConditionProps{
		Expression: awscdk.Fn_ConditionAnd(
			awscdk.Fn_ConditionOr(partition("aws"), partition("aws-cn"), partition("aws-us-gov")),
			awscdk.Fn_ConditionNot(awscdk.Fn_ConditionEquals(awscdk.Aws_ACCOUNT_ID(), jsii.String("000000000000"))),
		),
	})
	alarm.Node().DefaultChild().(awscloudwatch.CfnAlarm).CfnOptions().SetCondition(inAWS)
}

func (s *denybatch) watchCallbacks() {
	s.alarm("CallbacksFail", "ROIT called back and was answered with a failure of ours. Look at callback's log; ROIT's next status of the request settles what was missed.",
		s.calls("5xx", over(5, "Sum")), reaches(1))
	s.alarm("CallbacksTurnedAway", "Many calls were refused within an hour: the token that ROIT shows is not the one in the secret, or a stranger is knocking. "+
		"Look at the access log: it says where from.",
		s.calls("4xx", over(60, "Sum")), reaches(10))
}

// threshold is what a metric must do for an alarm.
type threshold struct {
	value   float64
	periods float64 // in a row
	compare awscloudwatch.ComparisonOperator
	missing awscloudwatch.TreatMissingData
}

// reaches is a metric of which nothing is heard while all is well.
func reaches(value float64) threshold {
	return threshold{value, 1, awscloudwatch.ComparisonOperator_GREATER_THAN_OR_EQUAL_TO_THRESHOLD, awscloudwatch.TreatMissingData_NOT_BREACHING}
}

// staysBelow is a metric whose silence is the alarm.
func staysBelow(value float64) threshold {
	return threshold{value, 1, awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD, awscloudwatch.TreatMissingData_BREACHING}
}

func (t threshold) times(periods float64) threshold {
	t.periods = periods
	return t
}

// alarm tells the topic when a metric does what it should not, and when that is over.
func (s *denybatch) alarm(name, description string, metric awscloudwatch.IMetric, when threshold) awscloudwatch.Alarm {
	fullName := *s.stack.StackName() + "-" + name
	alarm := awscloudwatch.NewAlarm(s.stack, jsii.String(name+"-alarm"), &awscloudwatch.AlarmProps{
		AlarmName:          jsii.String(fullName),
		AlarmDescription:   jsii.String(description),
		Metric:             metric,
		Threshold:          jsii.Number(when.value),
		EvaluationPeriods:  jsii.Number(when.periods),
		ComparisonOperator: when.compare,
		TreatMissingData:   when.missing,
	})
	tell := awscloudwatchactions.NewSnsAction(s.alarms)
	alarm.AddAlarmAction(tell)
	alarm.AddOkAction(tell)
	s.watched = append(s.watched, awscloudwatch.Alarm_FromAlarmArn(s.stack, jsii.String(name+"-watched"), s.arn("cloudwatch", "alarm:"+fullName)))
	return alarm
}

// over is a period in minutes, and how a metric is summed up within it.
func over(minutes float64, statistic string) *awscloudwatch.MetricOptions {
	return &awscloudwatch.MetricOptions{
		Period: awscdk.Duration_Minutes(jsii.Number(minutes)), Statistic: jsii.String(statistic),
	}
}

// ours is a metric that the functions write.
func ours(name string, o *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("Denybatch"), MetricName: jsii.String(name), Period: o.Period, Statistic: o.Statistic,
	})
}

// calls is a metric of the callback's address.
func (s *denybatch) calls(name string, o *awscloudwatch.MetricOptions) awscloudwatch.Metric {
	return awscloudwatch.NewMetric(&awscloudwatch.MetricProps{
		Namespace: jsii.String("AWS/ApiGateway"), MetricName: jsii.String(name), Period: o.Period, Statistic: o.Statistic,
		DimensionsMap: &map[string]*string{"ApiId": s.api.Ref()},
	})
}

// named is a function and what we call it.
type named struct {
	name string
	awslambda.Function
}

func (s *denybatch) all() []named {
	return []named{{"deny-bulk", s.denyBulk}, {"reprocess", s.reprocess}, {"callback", s.callback}}
}
