package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// addQueues makes the queue of work and the one behind it. A message stays hidden for six times as long as one invocation may
// take, so that it does not come back while it is being worked on, throttling included.
func (s *denybatch) addQueues() {
	s.deadLetters = s.deadLetterQueue("DeadLetters")
	s.work = awssqs.NewQueue(s.stack, jsii.String("Work"), &awssqs.QueueProps{
		EnforceSSL:        jsii.Bool(true),
		Encryption:        awssqs.QueueEncryption_SQS_MANAGED,
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(6 * s.set.denyBulkTimeout)),
		RetentionPeriod:   awscdk.Duration_Days(jsii.Number(7)),
		DeadLetterQueue: &awssqs.DeadLetterQueue{
			Queue:           s.deadLetters,
			MaxReceiveCount: jsii.Number(s.set.maxReceives),
		},
	})
}

// deadLetterQueue keeps what it gets for as long as a queue can, which is two weeks.
func (s *denybatch) deadLetterQueue(name string) awssqs.Queue {
	return awssqs.NewQueue(s.stack, jsii.String(name), &awssqs.QueueProps{
		EnforceSSL:      jsii.Bool(true),
		Encryption:      awssqs.QueueEncryption_SQS_MANAGED,
		RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
	})
}

// sendNewFilesToTheQueue makes a message of every object that appears in the inbox for denials and for checks. An event that the
// queue does not take is a dead letter too.
func (s *denybatch) sendNewFilesToTheQueue() {
	rule := awsevents.NewCfnRule(s.stack, jsii.String("NewFiles"), &awsevents.CfnRuleProps{
		Description: jsii.String("Files put into inbox/deny/ and inbox/check/"),
		EventPattern: map[string]any{
			"source":      []string{"aws.s3"},
			"detail-type": []string{"Object Created"},
			"detail": map[string]any{
				"bucket": map[string]any{"name": []*string{s.exchange.BucketName()}},
				"object": map[string]any{"key": []map[string]string{{"prefix": "inbox/deny/"}, {"prefix": "inbox/check/"}}},
			},
		},
		Targets: []*awsevents.CfnRule_TargetProperty{{
			Id:               jsii.String("Work"),
			Arn:              s.work.QueueArn(),
			DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: s.deadLetters.QueueArn()},
		}},
	})
	for _, q := range []awssqs.Queue{s.work, s.deadLetters} {
		q.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:        jsii.String("EventsOfNewFiles"),
			Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)},
			Actions:    jsii.Strings("sqs:SendMessage"),
			Resources:  &[]*string{q.QueueArn()},
			Conditions: &map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": rule.AttrArn()}},
		}))
	}
}

// runDenyBulkFromTheQueue hands messages over one by one, so that one file's trouble is not another's, and only so many side
// by side, because they share one upstream. That is the only cap: reserved concurrency would have Lambda turn messages away that
// have been received already, and after a few such times a message that nobody looked at is a dead letter.
func (s *denybatch) runDenyBulkFromTheQueue() {
	awslambda.NewEventSourceMapping(s.stack, jsii.String("WorkToDenyBulk"), &awslambda.EventSourceMappingProps{
		Target:                  s.denyBulk,
		EventSourceArn:          s.work.QueueArn(),
		BatchSize:               jsii.Number(1),
		MaxConcurrency:          jsii.Number(s.set.batchesAtOnce),
		ReportBatchItemFailures: jsii.Bool(true),
	})
}
