package dir

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// folderTries bounds how often makeFolder starts over because others remove folders or move files meanwhile.
const folderTries = 1000

// makeFolder makes the folders that the file of key goes into.
func (s *Store) makeFolder(ctx context.Context, key string) error {
	var err error
	for range folderTries {
		if err = ctx.Err(); err != nil {
			return err
		}
		if err = s.mkdir(filepath.Dir(s.places(key)[0])); !isGone(err) {
			return err
		}
		if err := s.clear(ctx, key); err != nil {
			return err
		}
	}
	return err
}

// mkdir makes folder and those above it, durably.
func (s *Store) mkdir(folder string) error {
	err := os.Mkdir(folder, 0o777)
	if errors.Is(err, fs.ErrNotExist) && folder != s.root {
		if err := s.mkdir(filepath.Dir(folder)); err != nil {
			return err
		}
		err = os.Mkdir(folder, 0o777)
	}
	if errors.Is(err, fs.ErrExist) {
		return isFolder(folder)
	}
	if err != nil {
		return err
	}
	return s.syncFolder(filepath.Dir(folder))
}

func isFolder(path string) error {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		return &fs.PathError{Op: "mkdir", Path: path, Err: syscall.ENOTDIR}
	}
	return err
}

// clear moves aside the objects that stand where the folders of key must be.
func (s *Store) clear(ctx context.Context, key string) error {
	for i := range key {
		if key[i] != '/' {
			continue
		}
		if err := s.moveAside(ctx, key[:i]); err != nil {
			return err
		}
	}
	return nil
}

// moveAside moves the file of key from its first place to its second, if it is in the first.
func (s *Store) moveAside(ctx context.Context, key string) error {
	places := s.places(key)
	if info, err := os.Stat(places[0]); err != nil || info.IsDir() {
		return nil
	}
	unlock, err := s.lock(ctx, key)
	if err != nil {
		return err
	}
	defer unlock()
	if info, err := os.Stat(places[0]); err != nil || info.IsDir() {
		return nil
	}
	if err := s.mkdir(filepath.Dir(places[1])); err != nil {
		return err
	}
	unlock, err = s.lockMoves(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if err := os.Rename(places[0], places[1]); err != nil {
		return err
	}
	return s.syncFolder(filepath.Dir(places[1]))
}

// places are the paths that the file of a key may have: its own, and the one beside a folder of that name.
type places [2]string

// places returns the places of key.
func (s *Store) places(key string) places {
	i := strings.LastIndexByte(key, '/') + 1
	return s.placesIn(s.folder(key[:i]), key[i:])
}

// placesIn returns the places of the key that ends in segment and belongs into folder.
func (s *Store) placesIn(folder, segment string) places {
	name := s.names.encode(segment)
	return places{folder + pieces(name), folder + pieces(name+fileMark)}
}

// folder returns the path of the folder that holds the keys beginning with prefix, which is empty or ends in a slash.
// The path ends in a separator.
func (s *Store) folder(prefix string) string {
	path := s.root + string(filepath.Separator)
	for segment := range strings.SplitSeq(strings.TrimSuffix(prefix, "/"), "/") {
		if segment != "" {
			path += pieces(s.names.encode(segment)) + string(filepath.Separator)
		}
	}
	return path
}
