// Command reprocess is the Lambda function that sweeps: on a schedule it reads the files in inbox/reprocess/, has batches
// gone on with that came to nothing, and asks ROIT to reprocess what is due.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"denybatch/internal/callback"
	"denybatch/internal/clock"
	"denybatch/internal/cloud"
	"denybatch/internal/lambdaenv"
	"denybatch/internal/objects/s3"
	"denybatch/internal/request"
	"denybatch/internal/sweep"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/roit"
)

func main() {
	slog.SetDefault(lambdacontext.NewLogger()) // request id on every slog.InfoContext line
	cfg, err := loadConfig(os.Getenv)
	if err != nil {
		slog.Error("reprocess: configuration", "error", err)
		os.Exit(1)
	}
	sdk, err := lambdaenv.Load(os.Getenv)
	if err != nil {
		slog.Error("reprocess: AWS configuration", "error", err)
		os.Exit(1)
	}
	h, err := newHandler(cfg, sdk)
	if err != nil {
		slog.Error("reprocess: ROIT", "error", err)
		os.Exit(1)
	}
	lambda.Start(h.Handle)
}

// newHandler connects the handler to the cloud. It calls nothing yet.
func newHandler(cfg config, sdk aws.Config) (*handler, error) {
	client, err := roit.New(cfg.access(cloud.NewSecrets(secretsmanager.NewFromConfig(sdk))))
	if err != nil {
		return nil, err
	}
	objects := s3.NewClient(sdk)
	exchange := s3.New(objects, cfg.exchange.Bucket, cfg.exchange.Prefix)
	state := s3.New(objects, cfg.state.Bucket, cfg.state.Prefix)
	policy := request.Policy{Attempts: cfg.Attempts, Backoff: cfg.Backoff}
	book := request.NewBook(state, clock.System{}, policy)
	announcer := announcer{cloud.Bus{Client: eventbridge.NewFromConfig(sdk)}, cfg.exchange}
	h := &handler{
		clock:   clock.System{},
		metrics: os.Stdout,
		nextID:  nextID(),
		sweeper: sweep.Sweeper{
			ROIT: client, Exchange: exchange, State: state,
			Replay:   func(ctx context.Context, id string) error { return callback.Replay(ctx, state, book, id) },
			Announce: announcer.Announce,
			Options:  sweep.Options{Limit: cfg.Limit, Policy: policy, Clock: clock.System{}, Log: slog.Default()},
		},
	}
	if cfg.queueURL != "" { // otherwise nobody is there to go on with batches
		h.sweeper.Batches = batches{cloud.Queue{Client: sqs.NewFromConfig(sdk), URL: cfg.queueURL}, cfg.exchange.Prefix}
	}
	return h, nil
}

// access is how to reach ROIT, with the secret read from Secrets Manager when it is first needed and again when ROIT refuses
// what was read.
func (c config) access(secrets *cloud.Secrets) roit.Config {
	access := c.Config
	if arn := c.arn(); arn != "" {
		access.Fresh = func(ctx context.Context) (upstream.Secret, error) {
			text, err := secrets.Get(ctx, arn, true)
			return upstream.NewSecret(strings.TrimSpace(text)), err // a line end is easily pasted along
		}
	}
	return access
}

// nextID names each invocation, so that no two of any instance are ever taken for one worker.
func nextID() func() string {
	var n atomic.Int64
	began := time.Now().UnixNano()
	return func() string { return fmt.Sprintf("lambda/%s/%d-%d", lambdacontext.LogStreamName, began, n.Add(1)) }
}
