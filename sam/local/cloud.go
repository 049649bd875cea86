package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"denybatch/internal/objects"
	"denybatch/internal/objects/s3"
	"denybatch/pkg/upstream/upstreamtest"
)

// What stands in samples/env.local.json and samples/events, too.
const (
	exchangeBucket = "denybatch-exchange"
	stateBucket    = "denybatch-state"
	queue          = "denybatch-work"
	integration    = upstreamtest.DefaultIntegration
	sample         = "samples/plain.xlsx"
	callbackToken  = "local-callback-token"
)

// secrets are in the emulated Secrets Manager, by name. They let nobody in anywhere.
var secrets = map[string]string{
	"denybatch-invx-token":     "local-invx-token",
	"denybatch-roit-token":     "local-roit-token",
	"denybatch-callback-token": callbackToken,
}

// requests are those in the file that is put into inbox/reprocess/.
var requests = []string{
	"7b0e3a52-94b1-4c8e-8f0f-2d6a1c9b7e01", "7b0e3a52-94b1-4c8e-8f0f-2d6a1c9b7e02", "7b0e3a52-94b1-4c8e-8f0f-2d6a1c9b7e03",
}

// cloud is the emulated one.
type cloud struct {
	endpoint        string
	config          aws.Config
	objects         *awss3.Client
	exchange, state objects.Store
}

func connect(endpoint string) cloud {
	c := cloud{endpoint: endpoint, config: aws.Config{
		Region: "us-east-1", BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}}
	c.objects = s3.NewClient(c.config)
	c.exchange, c.state = s3.New(c.objects, exchangeBucket, ""), s3.New(c.objects, stateBucket, "")
	return c
}

// fill makes what the stack would make, and puts files into the inbox.
func (s story) fill(ctx context.Context) error {
	for _, address := range []string{s.cloud.endpoint + "/_ministack/health", s.simulator + "/_sim/calls"} {
		if err := await(ctx, address); err != nil {
			return err
		}
	}
	for _, bucket := range []string{exchangeBucket, stateBucket} {
		if err := s.cloud.bucket(ctx, bucket); err != nil {
			return err
		}
	}
	if _, err := sqs.NewFromConfig(s.cloud.config).CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(queue)}); err != nil {
		return err
	}
	vault := secretsmanager.NewFromConfig(s.cloud.config)
	for name, value := range secrets {
		if _, err := vault.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value}); err != nil {
			return err
		}
	}
	return s.drop(ctx)
}

func (s story) drop(ctx context.Context) error {
	file, err := os.ReadFile(sample)
	if err != nil {
		return err
	}
	if _, err := objects.CreateBytes(ctx, s.cloud.exchange, denied, file); err != nil {
		return err
	}
	list := "requestId\n" + strings.Join(requests, "\n") + "\n"
	_, err = objects.CreateBytes(ctx, s.cloud.exchange, "inbox/reprocess/"+integration+"/failed.csv", []byte(list))
	return err
}

// await returns when a server answers.
func await(ctx context.Context, address string) error {
	return eventually(ctx, time.Minute, func() error {
		response, err := http.Get(address)
		if err != nil {
			return err
		}
		return response.Body.Close()
	})
}

// bucket makes one that keeps versions, as in the stack.
func (c cloud) bucket(ctx context.Context, name string) error {
	if _, err := c.objects.CreateBucket(ctx, &awss3.CreateBucketInput{Bucket: &name}); err != nil {
		return err
	}
	_, err := c.objects.PutBucketVersioning(ctx, &awss3.PutBucketVersioningInput{
		Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	return err
}

// eventually tries until it succeeds, and returns the last error when that takes too long.
func eventually(ctx context.Context, within time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", within, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
