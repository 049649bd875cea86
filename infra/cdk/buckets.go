package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

func (s *denybatch) addBuckets() {
	s.exchange = s.bucket("Exchange")
	s.announceNewObjects(s.exchange)
	s.state = s.bucket("State")
}

// bucket keeps every version of every object, encrypted, for this account only and over TLS only. It outlives the stack.
func (s *denybatch) bucket(name string) awss3.Bucket {
	b := awss3.NewBucket(s.stack, jsii.String(name), &awss3.BucketProps{
		Versioned:         jsii.Bool(true),
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		MinimumTLSVersion: jsii.Number(1.2),
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Id:                                  jsii.String("AbandonedUploads"),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
		}},
	})
	accept(b, "AwsSolutions-S1", "Who read or wrote an object is answered by CloudTrail data events, which the account keeps "+
		"for all its buckets; server access logs would be a third bucket to secure and to pay for.")
	return b
}

// announceNewObjects sends the bucket's events to EventBridge. CloudFormation can do that by itself; the library's own way
// adds a function with wide permissions only to set this one property.
func (s *denybatch) announceNewObjects(b awss3.Bucket) {
	b.Node().DefaultChild().(awss3.CfnBucket).SetNotificationConfiguration(&awss3.CfnBucket_NotificationConfigurationProperty{
		EventBridgeConfiguration: &awss3.CfnBucket_EventBridgeConfigurationProperty{EventBridgeEnabled: jsii.Bool(true)},
	})
}
