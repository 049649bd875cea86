package s3

import (
	"errors"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

const (
	codeConflict = "ConditionalRequestConflict" // another write to the key is under way
	codeNoBucket = "NoSuchBucket"
	codeNoUpload = "NoSuchUpload"
)

// status is the HTTP status of the answer that err describes; 0 if there was none.
func status(err error) int {
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		return response.HTTPStatusCode()
	}
	return 0
}

// code is S3's name for the error; empty if there was no answer.
func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

// isMissing reports whether err says that there is no such object or version of it.
func isMissing(err error) bool {
	if deleted(err) {
		return true
	}
	return status(err) == http.StatusNotFound && code(err) != codeNoBucket && code(err) != codeNoUpload
}

// deleted reports whether err says that the wanted version is a delete marker.
func deleted(err error) bool {
	var response *awshttp.ResponseError
	return errors.As(err, &response) && response.HTTPStatusCode() == http.StatusMethodNotAllowed &&
		response.Response.Header.Get("X-Amz-Delete-Marker") == "true"
}

// isPrecondition reports whether err says that a condition did not hold.
func isPrecondition(err error) bool { return status(err) == http.StatusPreconditionFailed }

// isConflict reports whether err leaves open whether the condition would have held.
func isConflict(err error) bool { return code(err) == codeConflict || code(err) == codeNoUpload }
