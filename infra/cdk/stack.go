package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"
)

// denybatch is the stack. A file put into the exchange bucket becomes an event, a message, a run of deny-bulk, and a report
// in the exchange bucket again. On a schedule reprocess asks ROIT for what is due, and callback hears from ROIT how it went.
type denybatch struct {
	stack awscdk.Stack
	set   settings

	exchange awss3.Bucket // for people: files in, reports out
	state    awss3.Bucket // for the machine: what is known about every batch and every request

	work        awssqs.Queue // files to deny, and batches to go on with
	deadLetters awssqs.Queue // what could not be done, kept for a person
	lostSweeps  awssqs.Queue // sweeps that could not be started, or failed

	denyBulk  awslambda.Function
	reprocess awslambda.Function
	callback  awslambda.Function

	api awsapigatewayv2.CfnApi // where ROIT calls

	alarms        awssns.Topic                        // for those who run denybatch
	endings       awssns.Topic                        // for those who use it
	watched       []interfacesawscloudwatch.IAlarmRef // every alarm there is, by its ARN
	businessUsers awsiam.ManagedPolicy                // what those who use it may do
}

func newDenybatch(scope constructs.Construct, set settings) *denybatch {
	s := &denybatch{
		set: set,
		stack: awscdk.NewStack(scope, jsii.String("Denybatch"), &awscdk.StackProps{
			StackName:   jsii.String(set.stackName()),
			Description: jsii.String("Denies invoices at Vayana InvX from spreadsheets, and has ROIT reprocess requests, with a verdict beside every row"),
		}),
	}
	s.addBuckets()
	s.addQueues()
	s.addDenyBulk()
	s.addReprocess()
	s.addCallback()
	s.sendNewFilesToTheQueue()
	s.runDenyBulkFromTheQueue()
	s.sweepOnASchedule()
	s.openTheCallback()
	s.addTopics()
	s.tellOfEndings()
	s.addAlarms()
	s.addDashboard()
	s.addBusinessUsers()
	s.addOutputs()
	return s
}

func (s *denybatch) addOutputs() {
	s.output("ExchangeBucket", s.exchange.BucketName(), "Files go into inbox/deny/<org>/, inbox/check/<org>/ or inbox/reprocess/<integration>/; reports come out under reports/")
	s.output("StateBucket", s.state.BucketName(), "What is known about every batch, under batches/, and about every request, under requests/")
	s.output("QueueUrl", s.work.QueueUrl(), "Files to deny, and batches to go on with")
	s.output("DeadLetterQueueUrl", s.deadLetters.QueueUrl(), "What could not be done, for a person to look at")
	s.output("SweepDeadLetterQueueUrl", s.lostSweeps.QueueUrl(), "Sweeps that could not be started, or failed")
	s.output("CallbackUrl", join(s.api.AttrApiEndpoint(), jsii.String("/callback")), "Where ROIT reports how requests went")
	s.output("DenyBulkFunction", s.denyBulk.FunctionName(), "Runs batches")
	s.output("ReprocessFunction", s.reprocess.FunctionName(), "Sweeps: asks ROIT to reprocess what is due, and looks after batches")
	s.output("CallbackFunction", s.callback.FunctionName(), "Hears from ROIT how requests went")
	s.output("AlarmTopic", s.alarms.TopicArn(), "Subscribe to hear when something needs a person")
	s.output("EndingsTopic", s.endings.TopicArn(), "Subscribe to hear when a file or a sweep is finished")
	s.output("BusinessUserPolicy", s.businessUsers.ManagedPolicyArn(), "Attach to those who drop files in and fetch reports")
}

func (s *denybatch) output(name string, value *string, description string) {
	awscdk.NewCfnOutput(s.stack, jsii.String(name), &awscdk.CfnOutputProps{Value: value, Description: jsii.String(description)})
}
