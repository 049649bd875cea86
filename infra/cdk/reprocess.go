package main

import (
	"fmt"
	"math"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/jsii-runtime-go"
)

// addReprocess makes the function that sweeps. Only one runs at a time, which spares ROIT; that no two sweeps ever work side by
// side is not left to it, but to the lease in the state bucket.
func (s *denybatch) addReprocess() {
	secret := s.roitSecret()
	s.lostSweeps = s.deadLetterQueue("LostSweeps")
	accept(s.lostSweeps, "AwsSolutions-SQS3", "It is a dead-letter queue: of a schedule and of a function, where the rule looks for those of queues only.")
	fn := s.function("reprocess", &awslambda.FunctionProps{
		Description:                  jsii.String("Asks ROIT to reprocess what is due, goes on with batches that stand still, and reports"),
		Timeout:                      awscdk.Duration_Seconds(jsii.Number(s.set.reprocessTimeout)),
		MemorySize:                   jsii.Number(s.set.reprocessMemory),
		ReservedConcurrentExecutions: s.oneAtATime(),
		Environment: environment(s.roit(), plain(s.set.sweep), variables{
			variable(roitLogins[s.set.roit.login]): secret,
			"DENYBATCH_EXCHANGE":                   s.address(s.exchange),
			"DENYBATCH_STATE":                      s.address(s.state),
			"DENYBATCH_QUEUE_URL":                  s.work.QueueUrl(),
		}),
	})
	fn.may("ReadFiles", "s3:GetObject s3:GetObjectVersion", within(s.exchange, "inbox/reprocess/"))
	fn.may("WriteReports", "s3:GetObject s3:PutObject s3:AbortMultipartUpload", within(s.exchange, "reports/reprocess/"))
	// Not only below inbox/: S3 says that an object is missing, rather than forbidden, to those who may list without a prefix.
	fn.may("FindFilesAndWhatIsDue", "s3:ListBucket", s.exchange.BucketArn(), s.state.BucketArn())
	fn.may("KeepRequests", "s3:GetObject s3:PutObject", within(s.state, "requests/"))
	fn.may("KeepWhatIsDue", "s3:GetObject s3:PutObject s3:DeleteObject", within(s.state, "due/"))
	fn.may("KeepSweeps", "s3:GetObject s3:PutObject", within(s.state, "sweeps/"))
	fn.may("TakeOverBatches", "s3:GetObject s3:PutObject", within(s.state, "batches/"))
	fn.may("ReadCallbacks", "s3:GetObject", within(s.state, "callbacks/"))
	fn.may("SendBatchesOn", "sqs:SendMessage", s.work.QueueArn())
	fn.may("AnnounceTheEnd", "events:PutEvents", s.arn("events", "event-bus/default"))
	fn.may("LogIn", "secretsmanager:GetSecretValue", secret)
	fn.may("LeaveFailedSweeps", "sqs:SendMessage", s.lostSweeps.QueueArn())
	s.reprocess = fn.Function
}

// oneAtATime is a concurrency of one, unless the account has none to reserve: a new one may only run ten functions in all.
func (s *denybatch) oneAtATime() *float64 {
	if s.set.reserve == "no" {
		return nil
	}
	return jsii.Number(1)
}

// roit is what reprocess knows of ROIT besides secrets.
func (s *denybatch) roit() variables {
	env := plain(s.set.roit.variables)
	s.ask(env, "DENYBATCH_ROIT_URL", "RoitUrl", "Address of ROIT, such as https://hom.roit.ai")
	if s.set.roit.login == "fetched" {
		s.ask(env, "DENYBATCH_ROIT_TOKEN_URL", "RoitTokenUrl", "Address at which ROIT gives out tokens")
	}
	return env
}

// sweepOnASchedule starts a sweep at a steady rate. A sweep that cannot be started, and one that fails, leaves a message for a
// person. It is not tried again: the next one does the same work, and knows what the failed one had begun.
func (s *denybatch) sweepOnASchedule() {
	awsscheduler.NewCfnSchedule(s.stack, jsii.String("Sweeps"), &awsscheduler.CfnScheduleProps{
		Description:        jsii.String("Starts reprocess"),
		ScheduleExpression: jsii.String(s.set.sweepEvery.expression()),
		FlexibleTimeWindow: flexible(s.set.sweepEvery),
		Target: &awsscheduler.CfnSchedule_TargetProperty{
			Arn:              s.reprocess.FunctionArn(),
			RoleArn:          s.scheduleRole().RoleArn(),
			DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: s.lostSweeps.QueueArn()},
			RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{
				MaximumEventAgeInSeconds: jsii.Number(s.staleAfter()),
				MaximumRetryAttempts:     jsii.Number(5),
			},
		},
	})
	awslambda.NewCfnEventInvokeConfig(s.stack, jsii.String("FailedSweeps"), &awslambda.CfnEventInvokeConfigProps{
		FunctionName:             s.reprocess.FunctionName(),
		Qualifier:                jsii.String("$LATEST"),
		MaximumEventAgeInSeconds: jsii.Number(s.staleAfter()),
		MaximumRetryAttempts:     jsii.Number(0),
		DestinationConfig: &awslambda.CfnEventInvokeConfig_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventInvokeConfig_OnFailureProperty{Destination: s.lostSweeps.QueueArn()},
		},
	})
}

// staleAfter is for how many seconds it makes sense to start a sweep late: until the next one, within what AWS accepts.
func (s *denybatch) staleAfter() int {
	return min(max(60*s.set.sweepEvery.minutes, 60), 6*60*60)
}

// scheduleRole lets our schedule, and nobody else, start this one function and leave a message when it cannot.
func (s *denybatch) scheduleRole() awsiam.Role {
	role := awsiam.NewRole(s.stack, jsii.String("sweeps-role"), &awsiam.RoleProps{
		Description: jsii.String("What the schedule of sweeps may do"),
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{
				"aws:SourceAccount": s.stack.Account(),
				"aws:SourceArn":     s.arn("scheduler", "schedule-group/default"),
			}},
		}),
	})
	schedule := grantsOf(role)
	schedule.may("StartSweeps", "lambda:InvokeFunction", s.reprocess.FunctionArn())
	schedule.may("LeaveLostSweeps", "sqs:SendMessage", s.lostSweeps.QueueArn())
	return role
}

// flexible lets AWS spread the starts over a fifth of the time between them, where that is a minute at least.
func flexible(every rate) *awsscheduler.CfnSchedule_FlexibleTimeWindowProperty {
	window := math.Min(float64(every.minutes/5), 15)
	if window < 1 {
		return &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")}
	}
	return &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("FLEXIBLE"), MaximumWindowInMinutes: jsii.Number(window)}
}

// rate is how often something happens.
type rate struct{ minutes int }

// expression is the rate as AWS writes it, in the largest unit that it is a whole number of.
func (r rate) expression() string {
	for _, unit := range []struct {
		name    string
		minutes int
	}{{"day", 24 * 60}, {"hour", 60}, {"minute", 1}} {
		switch n := r.minutes / unit.minutes; {
		case n*unit.minutes != r.minutes:
		case n == 1:
			return fmt.Sprintf("rate(1 %s)", unit.name)
		default:
			return fmt.Sprintf("rate(%d %ss)", n, unit.name)
		}
	}
	panic("a rate is a whole number of minutes")
}
