package local

import (
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// LockedError means that another process of this machine has something that only one may have.
type LockedError struct {
	Doing string // what that process is doing, and what to do about it
}

func (e *LockedError) Error() string { return "another denybatch process " + e.Doing }

// Lock holds a file among the processes of this machine, until unlocked or until the process ends, however it does. When
// another one has it the error is a [LockedError] with what that one is doing.
func Lock(path, doing string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file := flock.New(path)
	held, err := file.TryLock()
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, &LockedError{doing}
	}
	return func() { file.Unlock() }, nil
}
