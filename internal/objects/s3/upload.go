package s3

import (
	"bytes"
	"context"
	"time"

	"denybatch/internal/objects"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const (
	partSize = 8 << 20 // S3 wants at least 5 MiB, and at most 10,000 parts: 80 GiB

	// abortTime is how long dropping the parts may take when the context has ended already.
	abortTime = 10 * time.Second
)

// upload is an object that is sent in parts.
type upload struct {
	store *Store
	key   *string
	id    *string
	parts []types.CompletedPart
}

// start begins to send the object in parts.
func (w *writer) start(ctx context.Context) (*upload, error) {
	out, err := w.store.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{
		Bucket: &w.store.bucket, Key: w.store.key(w.key), Metadata: w.metadata(),
	}, retrying)
	if err != nil {
		return nil, err
	}
	return &upload{store: w.store, key: w.store.key(w.key), id: out.UploadId}, nil
}

// part sends the next part.
func (u *upload) part(ctx context.Context, content []byte) error {
	number := aws.Int32(int32(len(u.parts)) + 1)
	out, err := u.store.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: &u.store.bucket, Key: u.key, UploadId: u.id, PartNumber: number, Body: bytes.NewReader(content),
	}, retrying)
	if err != nil {
		return err
	}
	u.parts = append(u.parts, types.CompletedPart{ETag: out.ETag, PartNumber: number})
	return nil
}

// complete puts the parts together.
func (w *writer) complete(ctx context.Context, try *attempt) (objects.Info, error) {
	out, err := w.store.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &w.store.bucket, Key: w.upload.key, UploadId: w.upload.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: w.upload.parts},
		IfNoneMatch:     w.condition.ifNoneMatch, IfMatch: w.condition.ifMatch,
	}, try.watch)
	if err != nil {
		return objects.Info{}, err
	}
	return w.info(out.ETag, out.VersionId), nil
}

// abort drops the parts, also when ctx has ended.
func (u *upload) abort(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTime)
	defer cancel()
	// What cannot be dropped now stays for the lifecycle rule of the bucket.
	_, _ = u.store.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.store.bucket, Key: u.key, UploadId: u.id}, retrying)
}
