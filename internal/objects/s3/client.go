package s3

import (
	"context"
	"fmt"
	"strings"

	"denybatch/internal/objects"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// attempts is how often a client tries one request, unless AWS_MAX_ATTEMPTS says otherwise. S3 asks for patience: with
// the SDK's backoff these take about half a minute.
const attempts = 8

// Open returns the store at url, s3://bucket or s3://bucket/prefix, with credentials, region and endpoint as the SDK
// finds them by itself. It sends nothing to S3.
func Open(ctx context.Context, url string, options ...func(*config.LoadOptions) error) (objects.Store, error) {
	bucket, prefix, err := ParseURL(url)
	if err != nil {
		return nil, err
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	return New(NewClient(cfg), bucket, prefix), nil
}

// NewClient returns a client for AWS as well as for servers like it: where the SDK's variables name an endpoint of
// their own (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3), buckets are addressed by path, and checksums are sent only where S3
// requires them, unless the configuration wants more. Contents are signed, so S3 refuses one that was damaged on its way.
func NewClient(cfg aws.Config, options ...func(*s3.Options)) *s3.Client {
	if cfg.RequestChecksumCalculation == aws.RequestChecksumCalculationUnset {
		cfg.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	}
	if cfg.RetryMaxAttempts == 0 && cfg.Retryer == nil {
		cfg.RetryMaxAttempts = attempts
	}
	return s3.NewFromConfig(cfg, append([]func(*s3.Options){compatible}, options...)...)
}

func compatible(o *s3.Options) {
	o.UsePathStyle = o.UsePathStyle || o.BaseEndpoint != nil
	o.DisableLogOutputChecksumValidationSkipped = true
}

// ParseURL splits s3://bucket/prefix. The prefix may be empty.
func ParseURL(url string) (bucket, prefix string, err error) {
	rest, ok := strings.CutPrefix(url, "s3://")
	bucket, prefix, _ = strings.Cut(rest, "/")
	prefix = strings.TrimSuffix(prefix, "/")
	if !ok || bucket == "" {
		return "", "", fmt.Errorf("%q is not s3://bucket/prefix", url)
	}
	if prefix != "" && objects.CheckKey(prefix) != nil {
		return "", "", fmt.Errorf("%q: %w", url, objects.CheckKey(prefix))
	}
	return bucket, prefix, nil
}
