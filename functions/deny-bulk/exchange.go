package main

import (
	"context"
	"errors"
	"os"

	"denybatch/internal/inbox"
	"denybatch/internal/objects/s3"
)

// largestFile is the most that a file may have: far more than a million rows, and less than the function's disk.
const largestFile = 1 << 30

// s3Exchange gives out files of the exchange bucket, spooled to disk because a workbook is read from several places.
type s3Exchange struct {
	client s3.Reader
	prefix string
}

// Pin implements [inbox.Exchange].
func (e s3Exchange) Pin(ctx context.Context, o inbox.Object) (*inbox.Pinned, error) {
	object, err := s3.Pin(ctx, e.client, o.Bucket, e.prefix+o.Key, o.Version, o.ETag)
	if err != nil {
		return nil, outcome(err)
	}
	f, hash, size, err := object.Spool(ctx, "", largestFile)
	if err != nil {
		return nil, outcome(err)
	}
	return &inbox.Pinned{
		ReaderAt: f, Closer: removing{f}, Size: size, SHA256: hash, Version: known(object.Version), ETag: object.ETag,
	}, nil
}

// outcome says in the desk's terms what became of an object.
func outcome(err error) error {
	var large *s3.TooLargeError
	switch {
	case errors.Is(err, s3.ErrGone):
		return errors.Join(inbox.ErrGone, err)
	case errors.Is(err, s3.ErrReplaced):
		return errors.Join(inbox.ErrReplaced, err)
	case errors.As(err, &large):
		return errors.Join(inbox.ErrTooLarge, err)
	}
	return err
}

// removing closes a temporary file and removes it.
type removing struct{ *os.File }

func (f removing) Close() error { return errors.Join(f.File.Close(), os.Remove(f.Name())) }
