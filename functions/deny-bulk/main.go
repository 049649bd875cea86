// Command deny-bulk is the Lambda function that denies a spreadsheet when it is dropped into the exchange bucket.
package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"denybatch/internal/clock"
	"denybatch/internal/cloud"
	"denybatch/internal/denial"
	"denybatch/internal/inbox"
	"denybatch/internal/lambdaenv"
	"denybatch/internal/ledger"
	"denybatch/internal/objects/s3"
)

func main() {
	slog.SetDefault(lambdacontext.NewLogger()) // request id on every slog.InfoContext line
	cfg, err := loadConfig(os.Getenv)
	if err != nil {
		slog.Error("deny-bulk: configuration", "error", err)
		os.Exit(1)
	}
	sdk, err := lambdaenv.Load(os.Getenv)
	if err != nil {
		slog.Error("deny-bulk: AWS configuration", "error", err)
		os.Exit(1)
	}
	lambda.Start(newHandler(cfg, sdk).Handle)
}

// newHandler connects the handler to the cloud. It calls nothing yet.
func newHandler(cfg config, sdk aws.Config) *handler {
	client := s3.NewClient(sdk)
	state := s3.New(client, cfg.state.Bucket, cfg.state.Prefix)
	accounts := &accounts{cfg: cfg, secrets: cloud.NewSecrets(secretsmanager.NewFromConfig(sdk))}
	announcer := announcer{cloud.Bus{Client: eventbridge.NewFromConfig(sdk)}, cfg.exchange}
	return &handler{
		bucket: cfg.exchange.Bucket, prefix: cfg.exchange.Prefix, clock: clock.System{}, receives: cfg.receives,
		queue:   cloud.Queue{Client: sqs.NewFromConfig(sdk), URL: cfg.queueURL},
		metrics: func(end inbox.Ending) { writeMetrics(os.Stdout, end, time.Now()) },
		nextID:  nextID(),
		desk: inbox.Desk{
			Exchange: cloud.Exchange{Client: client, Prefix: cfg.exchange.Prefix},
			Out:      s3.New(client, cfg.exchange.Bucket, cfg.exchange.Prefix),
			State:    state,
			Due:      &ledger.Index{Store: state, Clock: clock.System{}},
			Account:  accounts.Get,
			Announce: announcer.Announce,
			Options:  denial.Options{Chunk: cfg.Chunk, Concurrency: cfg.Concurrency, Clock: clock.System{}},
			Log:      slog.Default(),
		},
	}
}

// nextID names each piece of work, so that no two invocations of any instance are ever taken for one worker.
func nextID() func() string {
	var n atomic.Int64
	began := time.Now().UnixNano()
	return func() string { return fmt.Sprintf("lambda/%s/%d-%d", lambdacontext.LogStreamName, began, n.Add(1)) }
}
