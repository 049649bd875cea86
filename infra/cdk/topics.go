package main

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssnssubscriptions"
	"github.com/aws/jsii-runtime-go"
)

// addTopics makes what people subscribe to: alarms for those who run denybatch, endings for those who use it. Mail addresses from
// the settings are subscribed; each gets a mail first in which the subscription has to be confirmed.
func (s *denybatch) addTopics() {
	key := s.topicKey()
	s.alarms = s.topic("Alarms", "denybatch: something needs a person", key, "cloudwatch.amazonaws.com", s.set.alarmMail)
	s.endings = s.topic("Endings", "denybatch: a file or a sweep is finished", key, "events.amazonaws.com", s.set.mail)
}

// topicKey encrypts the topics. It is ours because AWS's own key for topics lets neither alarms nor rules publish, and its policy
// cannot be changed. Services have to come without conditions: EventBridge does not say for whose rule it publishes.
func (s *denybatch) topicKey() awskms.Key {
	key := awskms.NewKey(s.stack, jsii.String("TopicKey"), &awskms.KeyProps{
		Description:       jsii.String("Encrypts what denybatch tells people"),
		EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy:     awscdk.RemovalPolicy_DESTROY, // messages do not stay in a topic
	})
	key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("PublishToTheTopics"),
		Principals: &[]awsiam.IPrincipal{
			awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil),
			awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil),
		},
		Actions:   jsii.Strings("kms:Decrypt", "kms:GenerateDataKey*"),
		Resources: jsii.Strings("*"),
	}), nil)
	return key
}

// topic makes one that a single service may publish to, over TLS only.
func (s *denybatch) topic(name, display string, key awskms.Key, publisher string, mail []string) awssns.Topic {
	topic := awssns.NewTopic(s.stack, jsii.String(name), &awssns.TopicProps{
		DisplayName: jsii.String(display),
		MasterKey:   key,
		EnforceSSL:  jsii.Bool(true),
	})
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("Publish"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String(publisher), nil)},
		Actions:    jsii.Strings("sns:Publish"),
		Resources:  &[]*string{topic.TopicArn()},
	}))
	for _, address := range mail {
		topic.AddSubscription(awssnssubscriptions.NewEmailSubscription(jsii.String(address), nil))
	}
	return topic
}

// tellOfEndings makes a few lines of text, fit for a mail, of each batch and each sweep that has ended.
func (s *denybatch) tellOfEndings() {
	s.tell("EndedBatches", "Denial Batch Completed", []string{
		"denybatch: <status>: the file <file> of the organisation <org> (<kind>). <reason>",
		"Rows: <rows>. Denied: <denied>, already denied: <already_denied>, rejected: <rejected>, invalid: <invalid>, duplicate: <duplicate>, " +
			"skipped: <skipped>, unknown: <unknown>, not sent: <not_sent>, would be sent: <would_send>.",
		"The report is s3://<bucket>/<xlsx>",
		"Batch <batch>, run <run>.",
	}, "status file org kind reason rows bucket batch run",
		"counts.denied counts.already_denied counts.rejected counts.invalid counts.duplicate counts.skipped counts.unknown counts.not_sent "+
			"counts.would_send reports.xlsx")
	s.tell("EndedSweeps", "Reprocess Sweep Completed", []string{
		"denybatch: <status>: a sweep of requests to reprocess at ROIT. <reason>",
		"Items: <items>. Accepted: <accepted>, already done: <already_done>, refused: <refused>, invalid: <invalid>, duplicate: <duplicate>, " +
			"unknown: <unknown>, not sent: <not_sent>, exhausted: <exhausted>. Left to the next sweep: <waiting>.",
		"The report is s3://<bucket>/<xlsx>",
		"Sweep <sweep>.",
	}, "status reason items waiting bucket sweep",
		"counts.accepted counts.already_done counts.refused counts.invalid counts.duplicate counts.unknown counts.not_sent counts.exhausted "+
			"reports.xlsx")
}

// tell publishes lines about an event of ours. In them <rows> stands for the field rows of the event's detail; of a nested field
// only the last name is written.
func (s *denybatch) tell(name, event string, lines []string, fields ...string) {
	paths := map[string]*string{}
	for _, field := range strings.Fields(strings.Join(fields, " ")) {
		last := field[strings.LastIndex(field, ".")+1:]
		paths[last] = jsii.String("$.detail." + field)
	}
	awsevents.NewCfnRule(s.stack, jsii.String(name), &awsevents.CfnRuleProps{
		Description:  jsii.String("Tells people of the event " + event),
		EventPattern: map[string]any{"source": []string{"denybatch"}, "detail-type": []string{event}},
		Targets: []*awsevents.CfnRule_TargetProperty{{
			Id:  jsii.String("Endings"),
			Arn: s.endings.TopicArn(),
			InputTransformer: &awsevents.CfnRule_InputTransformerProperty{
				InputPathsMap: paths,
				InputTemplate: jsii.String(`"` + strings.Join(lines, "\"\n\"") + `"`),
			},
		}},
	})
}
