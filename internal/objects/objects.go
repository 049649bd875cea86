// Package objects is denybatch's only storage port: named byte strings with conditional writes.
//
// A folder (objects/dir) and S3 (objects/s3) implement it; objects/objectstest proves that they agree.
// Everything that denybatch remembers lives behind it, so these few guarantees are all it builds on:
// a created or replaced object appears whole or not at all, a conditional write has one winner, and a
// listing is in key order and complete.
package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// Errors that callers decide on; implementations wrap them with the key.
var (
	ErrNotFound = errors.New("no such object")
	ErrExists   = errors.New("object exists already")
	ErrChanged  = errors.New("object was changed by someone else")
)

// Info describes one stored object.
type Info struct {
	Key      string
	ETag     string // changes whenever the content does; opaque
	Version  string // the store's version id; empty where it keeps none
	Size     int64
	Modified time.Time
}

// Store is a set of objects named by slash-separated keys. It is safe for concurrent use, also by several processes.
// Keys are those that [CheckKey] accepts, in every implementation.
type Store interface {
	// Open reads the newest object at key. ErrNotFound when there is none. The caller closes the body.
	Open(ctx context.Context, key string) (io.ReadCloser, Info, error)

	// Create starts a new object. Its Commit fails with ErrExists when the key is taken by then.
	Create(ctx context.Context, key string) (Writer, error)

	// Replace starts a new content for the object whose ETag is etag. Its Commit fails with ErrChanged when the
	// object has another ETag by then, or is gone.
	Replace(ctx context.Context, key, etag string) (Writer, error)

	// Delete removes the object; one that is not there is no error.
	Delete(ctx context.Context, key string) error

	// List yields the objects whose key begins with prefix and is greater than after, in byte order of their keys.
	// ETag and Version may be empty in a listing.
	List(ctx context.Context, prefix, after string) iter.Seq2[Info, error]
}

// Writer takes the content of one object. Nothing is visible before Commit succeeds.
type Writer interface {
	io.Writer
	// Commit makes the object visible, durably. After an error it is unknown whether it is, except for
	// ErrExists and ErrChanged, which mean that this content is not.
	Commit(ctx context.Context) (Info, error)
	// Abort drops what was written. After Commit it does nothing, so it can be deferred.
	Abort()
}

// CheckKey returns why key names no object: it is longer than 1,024 bytes, has an empty, "." or ".." segment or a NUL, or
// is in the folder .denybatch, which is reserved for what an implementation needs.
func CheckKey(key string) error {
	if len(key) > 1024 {
		return fmt.Errorf("key of %d bytes, more than 1,024", len(key))
	}
	if strings.ContainsRune(key, 0) {
		return fmt.Errorf("key %q contains a NUL", key)
	}
	for segment := range strings.SplitSeq(key, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return fmt.Errorf("key %q has a segment %q", key, segment)
		}
	}
	if first, _, _ := strings.Cut(key, "/"); strings.EqualFold(first, ".denybatch") {
		return fmt.Errorf("key %q is reserved", key)
	}
	return nil
}

// Read returns the whole object at key, which must be small: more than limit bytes are an error.
func Read(ctx context.Context, s Store, key string, limit int64) ([]byte, Info, error) {
	body, info, err := s.Open(ctx, key)
	if err != nil {
		return nil, Info{}, err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return nil, Info{}, fmt.Errorf("read %s: %w", key, err)
	}
	if int64(len(b)) > limit {
		return nil, Info{}, fmt.Errorf("read %s: more than %d bytes", key, limit)
	}
	return b, info, nil
}

// CreateBytes stores b under a key that must be free.
func CreateBytes(ctx context.Context, s Store, key string, b []byte) (Info, error) {
	w, err := s.Create(ctx, key)
	if err != nil {
		return Info{}, err
	}
	return commit(ctx, w, b)
}

// ReplaceBytes stores b in place of the object whose ETag is etag.
func ReplaceBytes(ctx context.Context, s Store, key, etag string, b []byte) (Info, error) {
	w, err := s.Replace(ctx, key, etag)
	if err != nil {
		return Info{}, err
	}
	return commit(ctx, w, b)
}

func commit(ctx context.Context, w Writer, b []byte) (Info, error) {
	defer w.Abort()
	if _, err := io.Copy(w, bytes.NewReader(b)); err != nil {
		return Info{}, err
	}
	return w.Commit(ctx)
}
