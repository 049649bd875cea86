// Package lambdaenv is the AWS configuration of a function: what the Lambda runtime puts into its environment.
//
// The SDK's own config package also knows profiles, single sign-on, web identities and metadata services, none of which
// exist inside a function; leaving it out makes the function a tenth smaller and its start shorter.
package lambdaenv

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// Load reads the region, the function's credentials and, for emulators, an endpoint. All faults are reported at once.
func Load(getenv func(string) string) (aws.Config, error) {
	var errs []error
	need := func(name string) string {
		v := getenv(name)
		if v == "" {
			errs = append(errs, fmt.Errorf("%s is not set, as it is in every Lambda function", name))
		}
		return v
	}
	cfg := aws.Config{Region: need("AWS_REGION")}
	cfg.Credentials = credentials.NewStaticCredentialsProvider(
		need("AWS_ACCESS_KEY_ID"), need("AWS_SECRET_ACCESS_KEY"), getenv("AWS_SESSION_TOKEN"))
	if endpoint := getenv("AWS_ENDPOINT_URL"); endpoint != "" {
		cfg.BaseEndpoint = &endpoint
	}
	return cfg, errors.Join(errs...)
}
