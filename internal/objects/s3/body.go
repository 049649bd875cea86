package s3

import (
	"context"
	"errors"
	"fmt"
	"io"

	"denybatch/internal/objects"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// resumes is how often a body may break off without having brought a byte.
const resumes = 3

// body is the content of one object. It goes on where a connection breaks off.
type body struct {
	ctx    context.Context
	client Reader
	input  s3.GetObjectInput
	body   io.ReadCloser
	size   int64
	at     int64 // how much was read
	left   int   // how often it may break off now
}

// get starts to read an object. The error is ErrNotFound or ErrChanged when that is so.
func get(ctx context.Context, client Reader, input *s3.GetObjectInput) (*body, objects.Info, error) {
	out, err := client.GetObject(ctx, input, retrying)
	if err != nil {
		return nil, objects.Info{}, readError(err)
	}
	b := &body{ctx: ctx, client: client, input: *input, body: out.Body, size: aws.ToInt64(out.ContentLength), left: resumes}
	b.input.IfMatch = out.ETag
	return b, objects.Info{
		ETag: unquote(out.ETag), Version: aws.ToString(out.VersionId), Size: b.size, Modified: aws.ToTime(out.LastModified),
	}, nil
}

// readError is what err means when reading.
func readError(err error) error {
	switch {
	case isMissing(err):
		return objects.ErrNotFound
	case isPrecondition(err):
		return objects.ErrChanged
	}
	return err
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	for {
		n, err := b.body.Read(p)
		b.at += int64(n)
		if n > 0 {
			b.left = resumes
		}
		if err == nil || err == io.EOF || b.at >= b.size || b.ctx.Err() != nil {
			return n, err
		}
		if err := b.resume(err); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// resume opens the rest of the object after broken.
func (b *body) resume(broken error) error {
	if b.left--; b.left < 0 {
		return broken
	}
	b.body.Close()
	b.input.Range = aws.String(fmt.Sprintf("bytes=%d-", b.at))
	out, err := b.client.GetObject(b.ctx, &b.input, retrying)
	if err != nil {
		return errors.Join(broken, readError(err))
	}
	b.body = out.Body
	return nil
}

// Close implements [io.Closer].
func (b *body) Close() error { return b.body.Close() }
