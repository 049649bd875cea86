package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// denybatch is the stack: a file put into the exchange bucket becomes an event, a message, a run of deny-bulk, and a report
// in the exchange bucket again.
type denybatch struct {
	stack awscdk.Stack
	set   settings

	exchange awss3.Bucket // for people: files in, reports out
	state    awss3.Bucket // for the machine: what is known about every batch

	work        awssqs.Queue // files to deny, and batches to go on with
	deadLetters awssqs.Queue // what could not be done, kept for a person

	denyBulk awslambda.Function
}

func newDenybatch(scope constructs.Construct, set settings) *denybatch {
	s := &denybatch{
		set: set,
		stack: awscdk.NewStack(scope, jsii.String("Denybatch"), &awscdk.StackProps{
			Description: jsii.String("Denies invoices at Vayana InvX from spreadsheets, with a verdict beside every row"),
		}),
	}
	s.addBuckets()
	s.addQueues()
	s.addDenyBulk()
	s.sendNewFilesToTheQueue()
	s.runDenyBulkFromTheQueue()
	s.addOutputs()
	return s
}

func (s *denybatch) addOutputs() {
	s.output("ExchangeBucket", s.exchange.BucketName(), "Files go into inbox/deny/<org>/ or inbox/check/<org>/; reports come out under reports/")
	s.output("StateBucket", s.state.BucketName(), "What is known about every batch, under batches/")
	s.output("QueueUrl", s.work.QueueUrl(), "Files to deny, and batches to go on with")
	s.output("DeadLetterQueueUrl", s.deadLetters.QueueUrl(), "What could not be done, for a person to look at")
	s.output("DenyBulkFunction", s.denyBulk.FunctionName(), "Runs batches")
}

func (s *denybatch) output(name string, value *string, description string) {
	awscdk.NewCfnOutput(s.stack, jsii.String(name), &awscdk.CfnOutputProps{Value: value, Description: jsii.String(description)})
}
