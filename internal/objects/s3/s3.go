package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"denybatch/internal/objects"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Reader is what reading needs of an [s3.Client].
type Reader interface {
	GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	HeadObject(context.Context, *s3.HeadObjectInput, ...func(*s3.Options)) (*s3.HeadObjectOutput, error)
}

// API is what a [Store] needs of an [s3.Client].
type API interface {
	Reader
	ListObjectsV2(context.Context, *s3.ListObjectsV2Input, ...func(*s3.Options)) (*s3.ListObjectsV2Output, error)
	PutObject(context.Context, *s3.PutObjectInput, ...func(*s3.Options)) (*s3.PutObjectOutput, error)
	DeleteObject(context.Context, *s3.DeleteObjectInput, ...func(*s3.Options)) (*s3.DeleteObjectOutput, error)
	CreateMultipartUpload(context.Context, *s3.CreateMultipartUploadInput, ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error)
	UploadPart(context.Context, *s3.UploadPartInput, ...func(*s3.Options)) (*s3.UploadPartOutput, error)
	CompleteMultipartUpload(context.Context, *s3.CompleteMultipartUploadInput, ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error)
	AbortMultipartUpload(context.Context, *s3.AbortMultipartUploadInput, ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error)
}

// Store is the part of a bucket below a prefix as [objects.Store].
type Store struct {
	client API
	bucket string
	prefix string // empty, or ending in a slash
}

// New returns the store of the objects in bucket whose keys begin with prefix and a slash; an empty prefix is all of it.
// It does not look whether the bucket is there. [NewClient] makes a client with the settings that denybatch wants.
func New(client API, bucket, prefix string) *Store {
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return &Store{client: client, bucket: bucket, prefix: prefix}
}

// Open implements [objects.Store]. The body stays what it is while others replace the object; should it break off after
// that, reading fails with [objects.ErrChanged].
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, objects.Info, error) {
	if err := s.check(ctx, key); err != nil {
		return nil, objects.Info{}, fmt.Errorf("open %s: %w", key, err)
	}
	body, info, err := get(ctx, s.client, &s3.GetObjectInput{Bucket: &s.bucket, Key: s.key(key)})
	if err != nil {
		return nil, objects.Info{}, fmt.Errorf("open %s: %w", key, err)
	}
	info.Key = key
	return body, info, nil
}

// Create implements [objects.Store]. What Commit returns has no Modified.
func (s *Store) Create(ctx context.Context, key string) (objects.Writer, error) {
	if err := s.check(ctx, key); err != nil {
		return nil, fmt.Errorf("create %s: %w", key, err)
	}
	return s.write(ctx, key, condition{ifNoneMatch: aws.String("*")}), nil
}

// Replace implements [objects.Store]. What Commit returns has no Modified.
func (s *Store) Replace(ctx context.Context, key, etag string) (objects.Writer, error) {
	if err := s.check(ctx, key); err != nil {
		return nil, fmt.Errorf("replace %s: %w", key, err)
	}
	return s.write(ctx, key, condition{ifMatch: quote(etag)}), nil
}

// Delete implements [objects.Store]. In a bucket with versions the old ones stay.
func (s *Store) Delete(ctx context.Context, key string) error {
	err := s.check(ctx, key)
	if err == nil {
		_, err = s.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &s.bucket, Key: s.key(key)}, retrying)
	}
	if err != nil && !isMissing(err) {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

// check returns why nothing can be done about key.
func (s *Store) check(ctx context.Context, key string) error {
	if err := errors.Join(ctx.Err(), objects.CheckKey(key)); err != nil {
		return err
	}
	if n := len(s.prefix) + len(key); n > 1024 {
		return fmt.Errorf("key of %d bytes with its prefix, more than 1,024", n)
	}
	return nil
}

// key returns S3's name of key.
func (s *Store) key(key string) *string { return aws.String(s.prefix + key) }

// quote returns an ETag as HTTP wants it.
func quote(etag string) *string { return aws.String(`"` + etag + `"`) }

// unquote returns an ETag as denybatch keeps it.
func unquote(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }
