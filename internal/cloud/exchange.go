package cloud

import (
	"context"
	"errors"
	"fmt"
	"os"

	"denybatch/internal/inbox"
	"denybatch/internal/objects/s3"
)

// LargestFile is the most that a file may have: far more than a million rows, and less than a function's disk.
const LargestFile = 1 << 30

// Exchange gives out the files of an exchange in S3, spooled to disk because a workbook is read from several places. It is an
// [inbox.Exchange].
type Exchange struct {
	Client s3.Reader
	Prefix string // of the exchange within its bucket; empty or ending in a slash
}

// Pin implements [inbox.Exchange].
func (e Exchange) Pin(ctx context.Context, o inbox.Object) (*inbox.Pinned, error) {
	object, err := s3.Pin(ctx, e.Client, o.Bucket, e.Prefix+o.Key, o.Version, o.ETag)
	if err != nil {
		return nil, outcome(err)
	}
	f, hash, size, err := object.Spool(ctx, "", LargestFile)
	if err != nil {
		return nil, outcome(err)
	}
	version := object.Version
	if version == "null" { // a bucket without versions
		version = ""
	}
	return &inbox.Pinned{ReaderAt: f, Closer: removing{f}, Size: size, SHA256: hash, Version: version, ETag: object.ETag}, nil
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
		return fmt.Errorf("%w: %w", inbox.ErrTooLarge, err)
	}
	return err
}

// removing closes a temporary file and removes it.
type removing struct{ *os.File }

func (f removing) Close() error { return errors.Join(f.File.Close(), os.Remove(f.Name())) }
