package s3

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// retrying has a request tried again also when S3 says that another one got in its way.
func retrying(o *s3.Options) {
	o.Retryer = retry.AddWithErrorCodes(o.Retryer, codeConflict, "OperationAborted")
}

// attempt tells whether a request was sent more than once. Each serves one request.
type attempt struct{ repeated bool }

// watch lets a know when the request is repeated.
func (a *attempt) watch(o *s3.Options) {
	retrying(o)
	o.Retryer = watchedRetryer{o.Retryer.(aws.RetryerV2), a}
}

type watchedRetryer struct {
	aws.RetryerV2
	attempt *attempt
}

func (r watchedRetryer) RetryDelay(n int, err error) (time.Duration, error) {
	r.attempt.repeated = true
	return r.RetryerV2.RetryDelay(n, err)
}
