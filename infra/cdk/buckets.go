package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/jsii-runtime-go"
)

// noncurrentDays is for how long a version is kept that was overwritten or has come to its end: time to notice a mistake.
const noncurrentDays = 30

// addBuckets makes both, and says for how long they keep what. State outlives every file that it is about (a test of the settings
// sees to that): once a file is gone for good nobody can send its rows again. What is known about requests is kept for ever,
// because anybody may name a request again at any time.
func (s *denybatch) addBuckets() {
	s.exchange = s.bucket("Exchange",
		keep("Inbox", "inbox/", s.set.inboxDays, s.set.inboxDays), // a file may be overwritten while its batch runs, which reads the old version
		keep("Reports", "reports/", s.set.reportDays, noncurrentDays),
	)
	s.announceNewObjects(s.exchange)
	s.state = s.bucket("State",
		keep("Batches", "batches/", s.set.stateDays, noncurrentDays),
		keep("Callbacks", "callbacks/", s.set.stateDays, noncurrentDays),
		keep("Sweeps", "sweeps/", s.set.stateDays, noncurrentDays),
		keepForEver("Requests", "requests/", noncurrentDays),
		keepForEver("Due", "due/", 1), // listed all the time, and what is deleted there makes that slow
	)
}

// keep is for how many days objects are kept, and then their old versions.
func keep(name, prefix string, days, noncurrentDays int) *awss3.LifecycleRule {
	return &awss3.LifecycleRule{
		Id: jsii.String(name), Prefix: jsii.String(prefix),
		Expiration:                  awscdk.Duration_Days(jsii.Number(days)),
		NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(noncurrentDays)),
	}
}

// keepForEver does away with nothing but old versions and the marks of deleted objects.
func keepForEver(name, prefix string, noncurrentDays int) *awss3.LifecycleRule {
	return &awss3.LifecycleRule{
		Id: jsii.String(name), Prefix: jsii.String(prefix),
		ExpiredObjectDeleteMarker:   jsii.Bool(true),
		NoncurrentVersionExpiration: awscdk.Duration_Days(jsii.Number(noncurrentDays)),
	}
}

// bucket keeps every version of every object, encrypted, for this account only and over TLS only. It outlives the stack.
func (s *denybatch) bucket(name string, rules ...*awss3.LifecycleRule) awss3.Bucket {
	rules = append([]*awss3.LifecycleRule{{
		Id:                                  jsii.String("AbandonedUploads"),
		AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
	}}, rules...)
	b := awss3.NewBucket(s.stack, jsii.String(name), &awss3.BucketProps{
		Versioned:         jsii.Bool(true),
		Encryption:        awss3.BucketEncryption_S3_MANAGED,
		EnforceSSL:        jsii.Bool(true),
		MinimumTLSVersion: jsii.Number(1.2),
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(),
		ObjectOwnership:   awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		RemovalPolicy:     awscdk.RemovalPolicy_RETAIN,
		LifecycleRules:    &rules,
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
