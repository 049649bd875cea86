package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// addBusinessUsers makes a policy for those who drop files in and fetch reports. Attach it to their role or permission set: it
// lets them do that and nothing else, and they cannot read what others have dropped in.
func (s *denybatch) addBusinessUsers() {
	policy := awsiam.NewManagedPolicy(s.stack, jsii.String("BusinessUsers"), &awsiam.ManagedPolicyProps{
		Description: jsii.String("Put files into the inbox of denybatch, read its reports"),
	})
	users := grants(func(statement awsiam.PolicyStatement) { policy.AddStatements(statement) })
	users.may("DropFiles", "s3:PutObject", within(s.exchange, "inbox/deny/"), within(s.exchange, "inbox/check/"), within(s.exchange, "inbox/reprocess/"))
	users.may("ReadReports", "s3:GetObject", within(s.exchange, "reports/"))
	users.mayWhere(map[string]any{"StringLike": map[string]any{"s3:prefix": []string{"inbox/*", "reports/*"}}},
		"LookAround", "s3:ListBucket", s.exchange.BucketArn())
	accept(policy, "AwsSolutions-IAM5", "A prefix of keys in the bucket that is there for them.",
		&cdknag.RegexAppliesTo{Regex: jsii.String(`/^Resource::<Exchange\w+\.Arn>(\/[a-z]+)+\/\*$/`)})
	s.businessUsers = policy
}
