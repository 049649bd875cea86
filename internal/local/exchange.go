package local

import (
	"context"
	"errors"
	"io"
	"strings"

	"denybatch/internal/inbox"
	"denybatch/internal/objects"
)

// FolderBucket is the bucket that batches are said to be of whose exchange is a folder. It is not the folder's name, so that
// a folder can be moved without becoming another one.
const FolderBucket = "local"

// ErrStirred means that a file was changed while it was read: somebody is still writing it.
var ErrStirred = errors.New("the file was changed while it was read")

// Folder gives out the files of an exchange that is a folder. It is an [inbox.Exchange].
type Folder struct {
	Store objects.Store // an objects/dir: whose ETags begin the SHA-256 of the content
}

// Pin implements [inbox.Exchange]. [ErrStirred] is only for an object without an ETag; for another one it is
// [inbox.ErrReplaced].
func (f Folder) Pin(ctx context.Context, o inbox.Object) (*inbox.Pinned, error) {
	body, info, err := f.Store.Open(ctx, o.Key)
	if errors.Is(err, objects.ErrNotFound) {
		return nil, errors.Join(inbox.ErrGone, err)
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	switch {
	case o.ETag != "" && o.ETag != info.ETag:
		return nil, inbox.ErrReplaced
	case info.Size > largestFile:
		return nil, &largeError{info.ETag}
	}
	p, err := spool(body)
	if err != nil {
		return nil, err
	}
	p.ETag = info.ETag
	if strings.HasPrefix(p.SHA256, info.ETag) {
		return p, nil
	}
	if err := p.Close(); err != nil {
		return nil, err
	}
	if o.ETag != "" {
		return nil, inbox.ErrReplaced
	}
	return nil, ErrStirred
}

// largeError is an [inbox.ErrTooLarge] of which it is known what is too large.
type largeError struct{ etag string }

func (e *largeError) Error() string { return inbox.ErrTooLarge.Error() }
func (e *largeError) Unwrap() error { return inbox.ErrTooLarge }

// Pin implements [inbox.Exchange]: a file that was found too large need not be looked at again.
func (e *largeError) Pin(context.Context, inbox.Object) (*inbox.Pinned, error) { return nil, e }

// Close has nothing to close.
func (e *largeError) Close() error { return nil }

// held is an exchange that gives out one file which has been pinned before.
type held struct{ *inbox.Pinned }

// found is an exchange that gives out one file, or says that it is too large. It must be closed.
type found interface {
	inbox.Exchange
	io.Closer
}

func (h held) Pin(context.Context, inbox.Object) (*inbox.Pinned, error) { return h.Pinned, nil }
