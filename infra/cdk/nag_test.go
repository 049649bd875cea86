package main

import (
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

// variants are contexts that together make everything that the stack can contain.
var variants = map[string][]string{
	"as it is":            nil,
	"rehearsal":           {"env=hom", "mail=us@example.com", "alarm-mail=ops@example.com,night@example.com"},
	"production":          {"env=prod", "mail=us@example.com"},
	"logins by handle":    {"invx-login=handle", "invx-handle=me@example.com", "roit-login=fetched"},
	"other organisations": {"invx-login=organisations", "roit-login=fetched", "arch=x86_64"},
	"a new account":       {"reserve-concurrency=no", "sweep-every=1 minute"},
	"secrets that exist": {"invx-token-arn=arn:aws:secretsmanager:us-east-1:123456789012:secret:i-AbCdEf",
		"roit-token-arn=arn:aws:secretsmanager:us-east-1:123456789012:secret:r-AbCdEf",
		"callback-token-arn=arn:aws:secretsmanager:us-east-1:123456789012:secret:c-AbCdEf"},
}

func TestNagHasNothingToSay(t *testing.T) {
	for name, context := range variants {
		t.Run(name, func(t *testing.T) {
			app, s := define(t, context...)
			awscdk.Aspects_Of(app).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{Verbose: jsii.Bool(true)}), nil)
			found := assertions.Annotations_FromStack(s.stack)
			holds(t, func() { found.HasNoError(jsii.String("*"), assertions.Match_AnyValue()) })
			holds(t, func() { found.HasNoWarning(jsii.String("*"), assertions.Match_AnyValue()) })
		})
	}
}
