package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bridge "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"denybatch/internal/inbox"
	"denybatch/internal/report"
)

// secretCache reads secrets from Secrets Manager and remembers them for the life of the process.
type secretCache struct {
	client *secretsmanager.Client

	mu    sync.Mutex
	known map[string]string
}

func (s *secretCache) Get(ctx context.Context, arn string, fresh bool) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, ok := s.known[arn]; ok && !fresh {
		return v, nil
	}
	out, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &arn})
	if err != nil {
		return "", fmt.Errorf("read the secret %s: %w", arn, err)
	}
	if s.known == nil {
		s.known = map[string]string{}
	}
	s.known[arn] = aws.ToString(out.SecretString)
	return s.known[arn], nil
}

// sqsQueue sends continuations to the queue that invokes this function.
type sqsQueue struct {
	client *sqs.Client
	url    string
}

// longestDelay is the most that SQS keeps a message back.
const longestDelay = 15 * time.Minute

func (q sqsQueue) Send(ctx context.Context, o inbox.Object, delay time.Duration) error {
	if q.url == "" {
		return fmt.Errorf("DENYBATCH_QUEUE_URL is not set, so there is nobody to go on with %s: invoke the function with the same event again", o.Key)
	}
	body, err := json.Marshal(envelope{Continue: &o})
	if err != nil {
		return err
	}
	seconds := min(max(delay, 0), longestDelay) / time.Second
	_, err = q.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &q.url, MessageBody: aws.String(string(body)), DelaySeconds: int32(seconds),
	})
	return err
}

// announcer puts "Denial Batch Completed" on the default event bus.
type announcer struct {
	client *eventbridge.Client
	bucket string
	prefix string // of the exchange within its bucket
}

// completed is the event's detail. It is an API: fields keep their meaning.
type completed struct {
	Batch   string            `json:"batch"`
	Run     int               `json:"run"`
	Kind    inbox.Kind        `json:"kind"`
	Org     string            `json:"org"`
	File    string            `json:"file"`
	Status  string            `json:"status"`
	Reason  string            `json:"reason"`
	Rows    int               `json:"rows"`
	Counts  report.Counts     `json:"counts"`
	Bucket  string            `json:"bucket"`
	Reports map[string]string `json:"reports"` // kind to key in the bucket
}

func (a announcer) Announce(ctx context.Context, order inbox.Order, s report.Summary) error {
	keys := map[string]string{}
	for kind, key := range s.Reports {
		keys[kind] = a.prefix + key
	}
	b, err := json.Marshal(completed{
		Batch: s.Batch, Run: s.Run, Kind: order.Kind, Org: s.Org, File: order.Name, Status: s.Status, Reason: s.Stopped,
		Rows: s.Rows, Counts: s.Counts, Bucket: a.bucket, Reports: keys,
	})
	if err != nil {
		return err
	}
	out, err := a.client.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []bridge.PutEventsRequestEntry{{
		Source: aws.String("denybatch"), DetailType: aws.String("Denial Batch Completed"), Detail: aws.String(string(b)),
	}}})
	if err != nil {
		return err
	}
	if out.FailedEntryCount > 0 {
		return fmt.Errorf("%s: %s", aws.ToString(out.Entries[0].ErrorCode), aws.ToString(out.Entries[0].ErrorMessage))
	}
	return nil
}
