package dir

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// stripes is how many lock files the keys share. A fixed number of files needs no tidying; two keys that meet in one
// only wait for each other.
const stripes = 256

// patience is the pause between attempts at a lock that another process holds, for microseconds as a rule.
const patience = time.Millisecond

// lock keeps everyone else, in this process and others, from changing the object at key. No one holds two of them.
func (s *Store) lock(ctx context.Context, key string) (unlock func(), err error) {
	hash := fnv.New32a()
	hash.Write([]byte(key))
	n := hash.Sum32() % stripes
	select {
	case s.turns[n] <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	lock := s.lockFile(fmt.Sprintf("%02x", n))
	if _, err := lock.TryLockContext(ctx, patience); err != nil {
		<-s.turns[n]
		return nil, err
	}
	return func() {
		lock.Unlock()
		<-s.turns[n]
	}, nil
}

// lockMoves keeps everyone from reading a folder: a file that is moved meanwhile could be missed in both places.
func (s *Store) lockMoves(ctx context.Context) (unlock func(), err error) {
	lock := s.lockFile("moves")
	_, err = lock.TryLockContext(ctx, patience)
	return func() { lock.Unlock() }, err
}

// lockReading keeps files from being moved.
func (s *Store) lockReading(ctx context.Context) (unlock func(), err error) {
	lock := s.lockFile("moves")
	_, err = lock.TryRLockContext(ctx, patience)
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, nil // no one has ever written here
	}
	return func() { lock.Unlock() }, err
}

func (s *Store) lockFile(name string) *flock.Flock {
	return flock.New(filepath.Join(s.root, reserved, "locks", name), flock.SetPermissions(0o666))
}
