package objectstest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"denybatch/internal/objects"
)

// Memory is a store in memory, for tests that make thousands of them. It keeps the same promises as the real ones, and dies
// with its process.
type Memory struct {
	mu  sync.Mutex
	all map[string]kept
}

// kept is one object.
type kept struct {
	info    objects.Info
	content []byte
}

// NewMemory makes an empty store.
func NewMemory() *Memory { return &Memory{all: map[string]kept{}} }

// Open implements [objects.Store].
func (m *Memory) Open(ctx context.Context, key string) (io.ReadCloser, objects.Info, error) {
	if err := firstOf(ctx.Err(), objects.CheckKey(key)); err != nil {
		return nil, objects.Info{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.all[key]
	if !ok {
		return nil, objects.Info{}, fmt.Errorf("%s: %w", key, objects.ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(k.content)), k.info, nil
}

// Create implements [objects.Store].
func (m *Memory) Create(ctx context.Context, key string) (objects.Writer, error) {
	return m.write(ctx, key, "")
}

// Replace implements [objects.Store].
func (m *Memory) Replace(ctx context.Context, key, etag string) (objects.Writer, error) {
	if etag == "" {
		etag = "none" // which no object has
	}
	return m.write(ctx, key, etag)
}

func (m *Memory) write(ctx context.Context, key, etag string) (objects.Writer, error) {
	if err := firstOf(ctx.Err(), objects.CheckKey(key)); err != nil {
		return nil, err
	}
	return &memoryWriter{store: m, key: key, etag: etag}, nil
}

// Delete implements [objects.Store].
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := firstOf(ctx.Err(), objects.CheckKey(key)); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.all, key)
	return nil
}

// List implements [objects.Store]. Like the others it leaves Version empty, and like a folder the ETag too.
func (m *Memory) List(ctx context.Context, prefix, after string) iter.Seq2[objects.Info, error] {
	return func(yield func(objects.Info, error) bool) {
		for _, info := range m.infos(prefix, after) {
			if err := ctx.Err(); err != nil {
				yield(objects.Info{}, err)
				return
			}
			info.ETag = ""
			if !yield(info, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(objects.Info{}, err)
		}
	}
}

func (m *Memory) infos(prefix, after string) (infos []objects.Info) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(m.all)) {
		if strings.HasPrefix(key, prefix) && key > after {
			infos = append(infos, m.all[key].info)
		}
	}
	return infos
}

// memoryWriter is one object being written.
type memoryWriter struct {
	store     *Memory
	key, etag string // of the object to replace; empty for a new one
	buf       bytes.Buffer
	done      bool
}

func (w *memoryWriter) Write(b []byte) (int, error) {
	if w.done {
		return 0, fmt.Errorf("%s: written after its end", w.key)
	}
	return w.buf.Write(b)
}

func (w *memoryWriter) Commit(ctx context.Context) (objects.Info, error) {
	if err := ctx.Err(); err != nil {
		return objects.Info{}, err
	}
	if w.done {
		return objects.Info{}, fmt.Errorf("%s: committed twice, or aborted", w.key)
	}
	w.done = true
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	switch there, ok := w.store.all[w.key]; {
	case w.etag == "" && ok:
		return objects.Info{}, fmt.Errorf("%s: %w", w.key, objects.ErrExists)
	case w.etag != "" && (!ok || there.info.ETag != w.etag):
		return objects.Info{}, fmt.Errorf("%s: %w", w.key, objects.ErrChanged)
	}
	content := w.buf.Bytes()
	sum := sha256.Sum256(content)
	info := objects.Info{Key: w.key, ETag: hex.EncodeToString(sum[:16]), Size: int64(len(content)), Modified: time.Now()}
	w.store.all[w.key] = kept{info, content}
	return info, nil
}

func (w *memoryWriter) Abort() { w.done = true }

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
