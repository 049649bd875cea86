package local

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"

	"denybatch/internal/cloud"
	"denybatch/internal/inbox"
)

// largestFile is the most that a file may have.
const largestFile = cloud.LargestFile

// spool copies a file to disk, so that what is hashed is what is read, however often.
func spool(body io.Reader) (_ *inbox.Pinned, err error) {
	f, err := os.CreateTemp("", "denybatch-*")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name()) // so that nothing is left when we are killed; where an open file cannot be removed, Close does
	copied := removing{f}
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, hash), io.LimitReader(body, largestFile+1))
	if err == nil && size > largestFile {
		err = inbox.ErrTooLarge
	}
	if err != nil {
		copied.Close()
		return nil, err
	}
	return &inbox.Pinned{ReaderAt: f, Closer: copied, Size: size, SHA256: hex.EncodeToString(hash.Sum(nil))}, nil
}

// removing closes a temporary file and removes it, unless that has been done.
type removing struct{ *os.File }

func (f removing) Close() error {
	err := f.File.Close()
	os.Remove(f.Name())
	return err
}
