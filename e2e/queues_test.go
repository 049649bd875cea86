package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

func (c *cloud) send(t *testing.T, body string) {
	t.Helper()
	if _, err := c.queues.SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: &c.QueueURL, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
}

// event is what EventBridge says of an object that is there, as AWS says it: with the version.
func (c *cloud) event(t *testing.T, key string) string {
	t.Helper()
	head, err := c.objects.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: &c.ExchangeBucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]any{
		"version": "0", "id": "again", "source": "aws.s3", "detail-type": "Object Created", "region": c.Region,
		"resources": []string{"arn:aws:s3:::" + c.ExchangeBucket},
		"detail": map[string]any{
			"version": "0", "reason": "PutObject", "bucket": map[string]any{"name": c.ExchangeBucket},
			"object": map[string]any{
				"key": key, "size": *head.ContentLength, "etag": strings.Trim(*head.ETag, `"`), "version-id": *head.VersionId, "sequencer": "0",
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// idle waits until no message is waiting, delayed or being worked on.
func (c *cloud) idle(t *testing.T, within time.Duration) {
	t.Helper()
	eventually(t, within, "the queue is empty", func() bool {
		out, err := c.queues.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
			QueueUrl: &c.QueueURL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"", "NotVisible", "Delayed"} {
			if out.Attributes["ApproximateNumberOfMessages"+name] != "0" {
				return false
			}
		}
		return true
	})
}

// dead waits for a dead letter that contains text and returns it.
func (c *cloud) dead(t *testing.T, text string, within time.Duration) types.Message {
	t.Helper()
	var found types.Message
	eventually(t, within, "a dead letter about "+text, func() bool {
		out, err := c.queues.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: &c.DeadLetterQueueURL, MaxNumberOfMessages: 10, VisibilityTimeout: 1, WaitTimeSeconds: 1,
			MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			if strings.Contains(aws.ToString(m.Body), text) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}
