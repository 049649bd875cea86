package dir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"denybatch/internal/objects"
)

// Store is a folder as [objects.Store].
type Store struct {
	root     string
	names    naming
	sync     bool
	turns    [stripes]chan struct{}
	starting sync.Mutex
	session  *session // of this process; nil before the first write
}

// Option changes how a [Store] works.
type Option func(*Store)

// WithoutSync leaves it to the kernel when data reaches the disk. Objects then survive a killed process as before, but
// not a power cut. For tests, and for folders that can be made again.
func WithoutSync() Option { return func(s *Store) { s.sync = false } }

// New returns the store in the folder root, which is made at the first write if it is not there.
// It removes what dead processes left unfinished, and writes nothing.
func New(root string, options ...Option) (*Store, error) {
	abs, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", root, err)
	}
	if info, err := os.Stat(abs); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("folder %s: %w", root, syscall.ENOTDIR)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("folder %s: %w", root, err)
	}
	s := &Store{root: abs, names: native(), sync: true}
	for i := range s.turns {
		s.turns[i] = make(chan struct{}, 1)
	}
	for _, option := range options {
		option(s)
	}
	s.sweep()
	return s, nil
}

// Open implements [objects.Store]. The body stays what it is while others replace or delete the object.
func (s *Store) Open(ctx context.Context, key string) (io.ReadCloser, objects.Info, error) {
	f, info, err := s.open(ctx, key)
	if err != nil {
		return nil, objects.Info{}, fmt.Errorf("open %s: %w", key, err)
	}
	return f, info, nil
}

// Create implements [objects.Store].
func (s *Store) Create(ctx context.Context, key string) (objects.Writer, error) {
	w, err := s.write(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", key, err)
	}
	w.place = w.create
	return w, nil
}

// Replace implements [objects.Store].
func (s *Store) Replace(ctx context.Context, key, etag string) (objects.Writer, error) {
	w, err := s.write(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("replace %s: %w", key, err)
	}
	w.place = func(ctx context.Context) error { return w.replace(ctx, etag) }
	return w, nil
}

// Delete implements [objects.Store].
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := s.delete(ctx, key); err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	return nil
}

func (s *Store) delete(ctx context.Context, key string) error {
	if err := s.names.check(key); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	unlock, err := s.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	for _, path := range s.places(key) {
		if info, err := os.Lstat(path); err != nil || info.IsDir() {
			continue
		}
		if err := os.Remove(path); err != nil && !isGone(err) {
			return err
		}
		if err := s.prune(filepath.Dir(path)); err != nil {
			return err
		}
	}
	return nil
}

// prune removes folder and those above it as long as they are empty.
func (s *Store) prune(folder string) error {
	for folder != s.root && syscall.Rmdir(folder) == nil { // os.Remove would also remove a file that came there
		folder = filepath.Dir(folder)
	}
	return s.syncFolder(folder)
}

// open returns the file of key, hashed and rewound.
func (s *Store) open(ctx context.Context, key string) (*os.File, objects.Info, error) {
	if err := errors.Join(ctx.Err(), s.names.check(key)); err != nil {
		return nil, objects.Info{}, err
	}
	path, _, err := s.places(key).find()
	if err != nil {
		return nil, objects.Info{}, err
	}
	f, err := openFile(path)
	if isGone(err) {
		return s.open(ctx, key) // it was moved aside or deleted since
	}
	if err != nil {
		return nil, objects.Info{}, err
	}
	info, err := describe(ctx, key, f)
	if err != nil {
		f.Close()
		return nil, objects.Info{}, err
	}
	return f, info, nil
}

// find returns where the file is. It moves only from the first place to the second, so looking in this order cannot
// miss it.
func (p places) find() (string, fs.FileInfo, error) {
	for _, path := range p {
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() {
			return path, info, nil
		}
		if err != nil && !isGone(err) {
			return "", nil, err
		}
	}
	return "", nil, objects.ErrNotFound
}

// openFile opens a file. A folder is as good as nothing.
func openFile(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		f.Close()
		return nil, errors.Join(fs.ErrNotExist, err)
	}
	return f, nil
}

const hashBuffer = 128 << 10

// describe hashes f and rewinds it.
func describe(ctx context.Context, key string, f *os.File) (objects.Info, error) {
	info, err := f.Stat()
	if err != nil {
		return objects.Info{}, err
	}
	hash, buffer := newHash(), make([]byte, min(info.Size()+1, hashBuffer))
	if _, err := io.CopyBuffer(hash, contextReader{ctx, f}, buffer); err != nil {
		return objects.Info{}, err
	}
	_, err = f.Seek(0, io.SeekStart)
	return objects.Info{Key: key, ETag: etag(hash), Size: info.Size(), Modified: info.ModTime()}, err
}

// contextReader stops reading when its context ends.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// isGone reports whether err says that there is nothing at a path, be it that a file stands where a folder would be.
func isGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}
