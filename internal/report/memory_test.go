package report_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"

	"denybatch/internal/objects"
)

// memory is a store for tests. It can be told to fail, and counts the writers that were neither committed nor aborted.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	open    int
	commit  func(key string) error // asked before each commit; may be nil
}

func newMemory() *memory { return &memory{objects: map[string][]byte{}} }

func (m *memory) Open(_ context.Context, key string) (io.ReadCloser, objects.Info, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.objects[key]
	if !ok {
		return nil, objects.Info{}, fmt.Errorf("%s: %w", key, objects.ErrNotFound)
	}
	return io.NopCloser(bytes.NewReader(b)), objects.Info{Key: key, Size: int64(len(b))}, nil
}

func (m *memory) Create(_ context.Context, key string) (objects.Writer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.open++
	return &memoryWriter{store: m, key: key}, nil
}

func (m *memory) Replace(context.Context, string, string) (objects.Writer, error) {
	return nil, errors.New("reports are never replaced")
}

func (m *memory) Delete(context.Context, string) error {
	return errors.New("reports are never deleted")
}

func (m *memory) List(_ context.Context, prefix, after string) iter.Seq2[objects.Info, error] {
	return func(yield func(objects.Info, error) bool) {
		for _, key := range m.keys() {
			if strings.HasPrefix(key, prefix) && key > after && !yield(objects.Info{Key: key}, nil) {
				return
			}
		}
	}
}

func (m *memory) keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.objects))
}

func (m *memory) text(key string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return string(m.objects[key])
}

type memoryWriter struct {
	bytes.Buffer
	store *memory
	key   string
	ended bool
}

func (w *memoryWriter) Commit(context.Context) (objects.Info, error) {
	if w.store.commit != nil {
		if err := w.store.commit(w.key); err != nil {
			return objects.Info{}, err
		}
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.end()
	if _, taken := w.store.objects[w.key]; taken {
		return objects.Info{}, fmt.Errorf("%s: %w", w.key, objects.ErrExists)
	}
	w.store.objects[w.key] = w.Bytes()
	return objects.Info{Key: w.key, Size: int64(w.Len())}, nil
}

func (w *memoryWriter) Abort() {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.end()
}

func (w *memoryWriter) end() {
	if !w.ended {
		w.ended = true
		w.store.open--
	}
}
