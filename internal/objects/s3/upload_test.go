package s3_test

import (
	"bytes"
	"context"
	"net/http"
	"slices"
	"testing"

	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest/s3server"
	"denybatch/internal/objects/s3"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

const large = 8<<20 + 1 // two parts

// wantNothing checks that a bucket has neither objects nor parts of some.
func wantNothing(t *testing.T, client *awss3.Client, bucket string) {
	t.Helper()
	uploads, err := client.ListMultipartUploads(context.Background(), &awss3.ListMultipartUploadsInput{Bucket: &bucket})
	if err != nil || len(uploads.Uploads) > 0 {
		t.Errorf("%d unfinished uploads, error %v", len(uploads.Uploads), err)
	}
	there, err := client.ListObjectsV2(context.Background(), &awss3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil || len(there.Contents) > 0 {
		t.Errorf("%d objects, error %v", len(there.Contents), err)
	}
}

func TestFailedUploadsLeaveNothing(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	for name, test := range map[string]struct {
		match func(*http.Request) bool
		fails func(t *testing.T, w objects.Writer)
	}{
		"Aborted": {putting, func(t *testing.T, w objects.Writer) {
			w.Abort()
			if _, err := w.Write([]byte("more")); err == nil {
				t.Error("wrote to an aborted object")
			}
		}},
		"PartRefused":     {sendingParts, func(t *testing.T, w objects.Writer) { wantFailure(t, t.Context(), w) }},
		"CompleteRefused": {putting, func(t *testing.T, w objects.Writer) { wantFailure(t, t.Context(), w) }},
		"Canceled": {putting, func(t *testing.T, w objects.Writer) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			wantFailure(t, ctx, w)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := &faulty{match: test.match}
			client, bucket := line.client(server), server.Bucket(t)
			w, err := s3.New(client, bucket, "").Create(t.Context(), "a")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(bytes.Repeat([]byte("1"), large)); err != nil {
				t.Fatal(err)
			}
			line.faults = slices.Repeat([]fault{refuse(400, "MalformedXML")}, 100)
			test.fails(t, w)
			wantNothing(t, server.Client(), bucket)
		})
	}
}

func wantFailure(t *testing.T, ctx context.Context, w objects.Writer) {
	t.Helper()
	if _, err := w.Commit(ctx); err == nil {
		t.Error("committed")
	}
}

func TestFailedPartFailsTheObject(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	line := &faulty{match: sendingParts, faults: slices.Repeat([]fault{refuse(400, "Bad")}, 1)}
	client, bucket := line.client(server), server.Bucket(t)
	w, err := s3.New(client, bucket, "").Create(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if n, err := w.Write(make([]byte, large)); err == nil || n >= large {
			t.Errorf("wrote %d bytes, error %v", n, err)
		}
	}
	wantFailure(t, t.Context(), w)
	wantNothing(t, server.Client(), bucket)
}

func TestLosersOfLargeObjectsLeaveNothing(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	client, bucket := server.Client(), server.Bucket(t)
	s := s3.New(client, bucket, "")
	info := create(t, s, "a", "theirs")
	content := make([]byte, large)
	_, err := objects.CreateBytes(t.Context(), s, "a", content)
	wantError(t, err, objects.ErrExists)
	_, err = objects.ReplaceBytes(t.Context(), s, "a", "other", content)
	wantError(t, err, objects.ErrChanged)
	wantContent(t, s, "a", "theirs")
	if _, err := objects.ReplaceBytes(t.Context(), s, "a", info.ETag, content); err != nil {
		t.Error(err)
	}
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	_, err = objects.ReplaceBytes(t.Context(), s, "a", info.ETag, content)
	wantError(t, err, objects.ErrChanged)
	wantNothing(t, client, bucket)
}

// A part that is just full waits for more, so that an object of one part is put at once.
func TestObjectOfOnePartIsPutAtOnce(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	for size, parts := range map[int]int{8 << 20: 0, 8<<20 + 1: 2, 16 << 20: 2} {
		line := &faulty{match: sendingParts}
		s, direct := line.store(t, server)
		content := bytes.Repeat([]byte("x"), size)
		create(t, s, "a", string(content))
		wantContent(t, direct, "a", string(content))
		if line.seen != parts {
			t.Errorf("%d bytes went out in %d parts, want %d", size, line.seen, parts)
		}
	}
}
