package dir

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"

	"github.com/gofrs/flock"
)

// session is the folder of one Store's unfinished objects. Its lock is held as long as the process lives.
type session struct {
	folder string
	alive  *flock.Flock
	files  atomic.Int64
}

// file makes a new file for an unfinished object.
func (s *session) file() (*os.File, error) {
	name := filepath.Join(s.folder, strconv.FormatInt(s.files.Add(1), 10))
	return os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
}

// start makes the reserved place and the session, once.
func (s *Store) start(ctx context.Context) error {
	s.starting.Lock()
	defer s.starting.Unlock()
	if err := ctx.Err(); err != nil || s.session != nil {
		return err
	}
	for _, folder := range []string{s.unfinished(), filepath.Join(s.root, reserved, "locks")} {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
	}
	if err := s.syncFolder(filepath.Dir(s.root)); err != nil {
		return err
	}
	return s.startSession(ctx)
}

// startSession makes the session while no sweep is under way, which would take it for a dead one's.
func (s *Store) startSession(ctx context.Context) error {
	sweeping := s.lockFile("sweep")
	if _, err := sweeping.TryLockContext(ctx, patience); err != nil {
		return err
	}
	defer sweeping.Unlock()
	folder, err := os.MkdirTemp(s.unfinished(), "")
	if err != nil {
		return err
	}
	alive := aliveLock(folder)
	if err := alive.Lock(); err != nil {
		return err
	}
	s.session = &session{folder: folder, alive: alive}
	return nil
}

// sweep removes the sessions that no one holds. What it cannot remove is left to the next one.
func (s *Store) sweep() {
	folders, err := os.ReadDir(s.unfinished())
	if err != nil || len(folders) == 0 {
		return
	}
	sweeping := s.lockFile("sweep")
	if err := sweeping.Lock(); err != nil {
		return
	}
	defer sweeping.Unlock()
	for _, folder := range folders {
		removeDead(filepath.Join(s.unfinished(), folder.Name()))
	}
}

// removeDead removes a session unless its process lives.
func removeDead(folder string) {
	alive := aliveLock(folder)
	if ok, err := alive.TryLock(); err != nil || !ok {
		return
	}
	alive.Unlock()
	os.RemoveAll(folder)
}

func aliveLock(folder string) *flock.Flock {
	return flock.New(filepath.Join(folder, "alive"), flock.SetPermissions(0o666))
}

func (s *Store) unfinished() string { return filepath.Join(s.root, reserved, "tmp") }
