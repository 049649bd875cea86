package main

import (
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

func (s *denybatch) addDenyBulk() {
	secret := s.invxSecret()
	fn := s.function("deny-bulk", &awslambda.FunctionProps{
		Description:          jsii.String("Denies the rows of one file at InvX and reports on each"),
		Timeout:              awscdk.Duration_Seconds(jsii.Number(s.set.denyBulkTimeout)),
		MemorySize:           jsii.Number(s.set.denyBulkMemory),
		EphemeralStorageSize: awscdk.Size_Gibibytes(jsii.Number(2)),
		RecursiveLoop:        awslambda.RecursiveLoop_ALLOW, // a long batch sends itself on; Lambda would stop it after 16 times
		Environment: environment(s.invx(), variables{
			variable(invxLogins[s.set.invx.login]): secret,
			"DENYBATCH_EXCHANGE":                   s.address(s.exchange),
			"DENYBATCH_STATE":                      s.address(s.state),
			"DENYBATCH_QUEUE_URL":                  s.work.QueueUrl(),
			"DENYBATCH_MAX_RECEIVES":               jsii.String(strconv.Itoa(s.set.maxReceives)),
		}),
	})
	fn.may("ReadFiles", "s3:GetObject s3:GetObjectVersion", within(s.exchange, "inbox/deny/"), within(s.exchange, "inbox/check/"))
	fn.may("WriteReports", "s3:GetObject s3:PutObject s3:AbortMultipartUpload", within(s.exchange, "reports/deny/"), within(s.exchange, "reports/check/"))
	fn.may("KeepBatches", "s3:GetObject s3:PutObject s3:AbortMultipartUpload", within(s.state, "batches/"))
	fn.may("RemindTheSweep", "s3:GetObject s3:PutObject", within(s.state, "due/"))
	fn.may("TellMissingFromForbidden", "s3:ListBucket", s.exchange.BucketArn(), s.state.BucketArn())
	fn.may("TakeWork", "sqs:ReceiveMessage sqs:DeleteMessage sqs:ChangeMessageVisibility sqs:GetQueueAttributes", s.work.QueueArn())
	fn.may("GoOnLater", "sqs:SendMessage", s.work.QueueArn())
	fn.may("AnnounceTheEnd", "events:PutEvents", s.arn("events", "event-bus/default"))
	fn.may("LogIn", "secretsmanager:GetSecretValue", secret)
	s.denyBulk = fn.Function
}

// invx is what deny-bulk knows of InvX besides secrets.
func (s *denybatch) invx() variables {
	env := plain(s.set.invx.variables)
	s.ask(env, "DENYBATCH_INVX_URL", "InvxUrl", "Address of Vayana InvX, such as https://sandbox.services.vayananet.com")
	if s.set.invx.login != "organisations" {
		s.ask(env, "DENYBATCH_INVX_ORG", "InvxOrg", "Organisation at InvX whose documents are denied: <org> in inbox/deny/<org>/")
	}
	return env
}
