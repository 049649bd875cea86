package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"denybatch/internal/objects"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// What may have become of an object since it was named.
var (
	ErrGone     = fmt.Errorf("the object was deleted: %w", objects.ErrNotFound)
	ErrReplaced = fmt.Errorf("the object was replaced: %w", objects.ErrChanged)
)

// TooLargeError says that an object is larger than its reader is prepared for.
type TooLargeError struct{ Size, Limit int64 }

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("the object has %d bytes, more than %d", e.Size, e.Limit)
}

// Object is one content of an object: what was there when its version or ETag was taken down. Two with the same Bucket,
// Key and Version (or, without one, ETag) are the same.
type Object struct {
	Bucket   string
	Key      string
	Version  string // empty where the bucket keeps none
	ETag     string
	Size     int64
	Modified time.Time

	client Reader
}

// Pin finds the object at key that has this version; where version is empty, the newest if it has this etag, with or
// without quotation marks; where both are, the newest. ErrGone and ErrReplaced say that there is no such thing any more.
// In a bucket with versions a replaced one is still there.
func Pin(ctx context.Context, client Reader, bucket, key, version, etag string) (*Object, error) {
	o := &Object{Bucket: bucket, Key: key, Version: version, ETag: unquote(&etag), client: client}
	input := &s3.HeadObjectInput{Bucket: &bucket, Key: &key, VersionId: o.version(), IfMatch: o.ifMatch()}
	out, err := client.HeadObject(ctx, input, retrying)
	if err != nil {
		return nil, fmt.Errorf("find s3://%s/%s: %w", bucket, key, pinError(readError(err)))
	}
	o.Version, o.ETag = aws.ToString(out.VersionId), unquote(out.ETag)
	o.Size, o.Modified = aws.ToInt64(out.ContentLength), aws.ToTime(out.LastModified)
	return o, nil
}

// version returns the version to ask for: nil for the newest.
func (o *Object) version() *string {
	if o.Version == "" {
		return nil
	}
	return &o.Version
}

// ifMatch returns the ETag to insist on. A version cannot change, so it needs none.
func (o *Object) ifMatch() *string {
	if o.Version != "" || o.ETag == "" {
		return nil
	}
	return quote(o.ETag)
}

// pinError says in terms of the object what became of it.
func pinError(err error) error {
	switch {
	case errors.Is(err, objects.ErrNotFound):
		return ErrGone
	case errors.Is(err, objects.ErrChanged):
		return ErrReplaced
	}
	return err
}

// Spool copies the object into a new temporary file in dir ("" is the system's), which stands at its beginning and is
// the caller's to close and remove. The hash is in hexadecimal digits. More than limit bytes are a [TooLargeError].
func (o *Object) Spool(ctx context.Context, dir string, limit int64) (f *os.File, hash string, size int64, err error) {
	if o.Size > limit {
		return nil, "", 0, fmt.Errorf("read s3://%s/%s: %w", o.Bucket, o.Key, &TooLargeError{o.Size, limit})
	}
	f, err = os.CreateTemp(dir, "denybatch-*")
	if err != nil {
		return nil, "", 0, err
	}
	hash, size, err = o.copy(ctx, f)
	if err != nil {
		f.Close()
		os.Remove(f.Name())
		return nil, "", 0, fmt.Errorf("read s3://%s/%s: %w", o.Bucket, o.Key, pinError(err))
	}
	return f, hash, size, nil
}

// copy writes the object to f, rewinds it, and returns its hash and size.
func (o *Object) copy(ctx context.Context, f *os.File) (string, int64, error) {
	body, _, err := get(ctx, o.client, &s3.GetObjectInput{Bucket: &o.Bucket, Key: &o.Key, VersionId: o.version(), IfMatch: o.ifMatch()})
	if err != nil {
		return "", 0, err
	}
	defer body.Close()
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, hash), body)
	if err == nil && size != o.Size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	return hex.EncodeToString(hash.Sum(nil)), size, err
}
