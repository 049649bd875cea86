package dir

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"

	"denybatch/internal/objects"
)

// errDone says that a writer was committed or aborted before.
var errDone = errors.New("writer is committed or aborted")

// writer is an object on its way: a file among the unfinished ones.
type writer struct {
	store *Store
	key   string
	file  *os.File // nil when done
	hash  hash.Hash
	err   error // of the first Write that failed
	place func(context.Context) error
}

// write starts an object for key.
func (s *Store) write(ctx context.Context, key string) (*writer, error) {
	if err := errors.Join(ctx.Err(), s.names.check(key)); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	f, err := s.session.file()
	if err != nil {
		return nil, err
	}
	return &writer{store: s, key: key, file: f, hash: newHash()}, nil
}

// Write implements [io.Writer].
func (w *writer) Write(p []byte) (int, error) {
	if w.file == nil {
		return 0, fmt.Errorf("write %s: %w", w.key, errDone)
	}
	n, err := w.file.Write(p)
	w.hash.Write(p[:n])
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}

// Commit implements [objects.Writer].
func (w *writer) Commit(ctx context.Context) (objects.Info, error) {
	info, err := w.commit(ctx)
	if err != nil {
		return objects.Info{}, fmt.Errorf("commit %s: %w", w.key, err)
	}
	return info, nil
}

func (w *writer) commit(ctx context.Context) (objects.Info, error) {
	if w.file == nil {
		return objects.Info{}, errDone
	}
	defer w.Abort()
	if err := errors.Join(ctx.Err(), w.err); err != nil {
		return objects.Info{}, err
	}
	info, err := w.flush()
	if err != nil {
		return objects.Info{}, err
	}
	return info, w.place(ctx)
}

// flush brings the content to the disk and describes it.
func (w *writer) flush() (objects.Info, error) {
	if w.store.sync {
		if err := w.file.Sync(); err != nil {
			return objects.Info{}, err
		}
	}
	info, err := w.file.Stat()
	if err != nil {
		return objects.Info{}, err
	}
	return objects.Info{Key: w.key, ETag: etag(w.hash), Size: info.Size(), Modified: info.ModTime()}, w.file.Close()
}

// Abort implements [objects.Writer].
func (w *writer) Abort() {
	if w.file == nil {
		return
	}
	w.file.Close()
	os.Remove(w.file.Name())
	w.file = nil
}

// create links the file to where its key is, if nothing is there.
func (w *writer) create(ctx context.Context) error {
	for {
		err := w.claim(ctx)
		if !isGone(err) {
			return err
		}
		if _, err := os.Lstat(w.file.Name()); err != nil {
			return err // someone cleared the reserved place
		}
		if err := w.store.makeFolder(ctx, w.key); err != nil {
			return err
		}
	}
}

// claim is one attempt to create. Its folder may turn out to be gone.
func (w *writer) claim(ctx context.Context) error {
	unlock, err := w.store.lock(ctx, w.key)
	if err != nil {
		return err
	}
	defer unlock()
	places := w.store.places(w.key)
	switch _, _, err := places.find(); {
	case err == nil:
		return objects.ErrExists
	case !errors.Is(err, objects.ErrNotFound):
		return err
	}
	place := places[0]
	err = link(w.file.Name(), place)
	if info, lerr := os.Lstat(place); errors.Is(err, fs.ErrExist) && lerr == nil && info.IsDir() {
		place = places[1]
		err = errors.Join(w.store.mkdir(filepath.Dir(place)), link(w.file.Name(), place))
	}
	if errors.Is(err, fs.ErrExist) {
		return objects.ErrExists
	}
	if err != nil {
		return err
	}
	return w.store.syncFolder(filepath.Dir(place))
}

// link gives the file at from the further name to, which must be free.
func link(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, fs.ErrExist) || isGone(err) {
		return err
	}
	return moveNew(from, to)
}

// moveNew does what link does where there are no hard links, as long as the others hold the key's lock for it too.
func moveNew(from, to string) error {
	if _, err := os.Lstat(to); err == nil {
		return fs.ErrExist
	}
	return os.Rename(from, to)
}

// replace puts the file in place of the one whose ETag is etag.
func (w *writer) replace(ctx context.Context, etag string) error {
	unlock, err := w.store.lock(ctx, w.key)
	if err != nil {
		return err
	}
	defer unlock()
	current, info, err := w.store.open(ctx, w.key)
	if errors.Is(err, objects.ErrNotFound) {
		return objects.ErrChanged
	}
	if err != nil {
		return err
	}
	current.Close()
	if info.ETag != etag {
		return objects.ErrChanged
	}
	if err := os.Rename(w.file.Name(), current.Name()); err != nil {
		return err
	}
	return w.store.syncFolder(filepath.Dir(current.Name()))
}

func newHash() hash.Hash { return sha256.New() }

// etag is the first half of a SHA-256.
func etag(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)[:sha256.Size/2]) }
