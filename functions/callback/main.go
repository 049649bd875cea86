// Command callback is the Lambda function that hears from ROIT how requests went. It is behind an API Gateway HTTP API or a
// function URL.
package main

import (
	"log/slog"
	"os"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"denybatch/internal/callback"
	"denybatch/internal/clock"
	"denybatch/internal/cloud"
	"denybatch/internal/lambdaenv"
	"denybatch/internal/objects/s3"
	"denybatch/internal/request"
)

func main() {
	slog.SetDefault(lambdacontext.NewLogger()) // request id on every slog.InfoContext line
	cfg, err := loadConfig(os.Getenv)
	if err != nil {
		slog.Error("callback: configuration", "error", err)
		os.Exit(1)
	}
	sdk, err := lambdaenv.Load(os.Getenv)
	if err != nil {
		slog.Error("callback: AWS configuration", "error", err)
		os.Exit(1)
	}
	lambda.Start(newHandler(cfg, sdk).Handle)
}

// newHandler connects the handler to the cloud. It calls nothing yet.
func newHandler(cfg config, sdk aws.Config) *handler {
	state := s3.New(s3.NewClient(sdk), cfg.state.Bucket, cfg.state.Prefix)
	tokens := tokens{cfg.Callback, cloud.NewSecrets(secretsmanager.NewFromConfig(sdk))}
	return &handler{callbacks: &callback.Handler{
		State:  state,
		Clock:  clock.System{},
		Book:   request.NewBook(state, clock.System{}, cfg.policy),
		Tokens: tokens.Get,
		Log:    slog.Default(),
	}}
}
