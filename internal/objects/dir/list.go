package dir

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"denybatch/internal/objects"
)

// List implements [objects.Store]. It reads one folder at a time and leaves ETag and Version empty.
func (s *Store) List(ctx context.Context, prefix, after string) iter.Seq2[objects.Info, error] {
	return func(yield func(objects.Info, error) bool) {
		top := prefix[:strings.LastIndexByte(prefix, '/')+1]
		if top != "" && s.names.check(strings.TrimSuffix(top, "/")) != nil {
			return // no key begins like this
		}
		l := listing{s, ctx, prefix, after, yield}
		l.folder(top)
	}
}

// listing is one List under way.
type listing struct {
	store         *Store
	ctx           context.Context
	prefix, after string
	yield         func(objects.Info, error) bool
}

// folder yields the objects in a folder and those below, and reports whether to go on. Keys below a subfolder all begin
// with its name and a slash, so sorting its entries with that slash on sorts all keys.
func (l listing) folder(top string) bool {
	entries, err := l.store.entries(l.ctx, top)
	if err != nil {
		return l.yield(objects.Info{}, fmt.Errorf("list %s: %w", top, err)) && false
	}
	path := l.store.folder(top)
	for _, entry := range entries {
		switch {
		case !l.wants(entry):
		case strings.HasSuffix(entry, "/"):
			if !l.folder(entry) {
				return false
			}
		case !l.object(entry, l.store.placesIn(path, entry[len(top):])):
			return false
		}
	}
	return true
}

// object yields the object at key.
func (l listing) object(key string, at places) bool {
	if err := l.ctx.Err(); err != nil {
		return l.yield(objects.Info{}, err) && false
	}
	_, info, err := at.find()
	if errors.Is(err, objects.ErrNotFound) {
		return true // it vanished, or it is a name that no key has
	}
	if err != nil {
		return l.yield(objects.Info{}, fmt.Errorf("list %s: %w", key, err)) && false
	}
	return l.yield(objects.Info{Key: key, Size: info.Size(), Modified: info.ModTime()}, nil)
}

// wants reports whether an object, or some object in a folder, may be in the listing.
func (l listing) wants(entry string) bool {
	if strings.HasSuffix(entry, "/") {
		return (strings.HasPrefix(entry, l.prefix) || strings.HasPrefix(l.prefix, entry)) &&
			(entry > l.after || strings.HasPrefix(l.after, entry))
	}
	return strings.HasPrefix(entry, l.prefix) && entry > l.after
}

// entries returns the keys of the files and, ending in a slash, of the folders in a folder: sorted, each once.
func (s *Store) entries(ctx context.Context, top string) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	unlock, err := s.lockReading(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	keys, err := s.read(nil, s.folder(top), top, "")
	slices.Sort(keys)
	return slices.Compact(keys), err
}

// read appends what is in the folder at path to keys. The names in it continue begun.
func (s *Store) read(keys []string, path, top, begun string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if isGone(err) {
		return keys, nil
	}
	for _, entry := range entries {
		name := begun + entry.Name()
		longer, continues := strings.CutSuffix(name, moreMark)
		switch {
		case top == "" && strings.EqualFold(name, reserved), name == fileMark:
		case !entry.IsDir():
			keys = append(keys, top+s.names.decode(strings.TrimSuffix(name, fileMark)))
		case !continues:
			keys = append(keys, top+s.names.decode(name)+"/")
		default:
			if keys, err = s.read(keys, filepath.Join(path, entry.Name()), top, longer); err != nil {
				return keys, err
			}
		}
	}
	return keys, err
}
