package objectstest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"sync"

	"denybatch/internal/objects"
)

// ErrCut is what every operation returns from the cut on.
var ErrCut = errors.New("cut off")

// When says which side of an operation a [Cutter] cuts.
type When int

// The two sides of an operation.
const (
	Before When = iota // it never took effect
	After              // it took effect, but its answer is lost
)

func (w When) String() string { return [...]string{"before", "after"}[w] }

// Cutter lets a run die at a chosen operation on the outside world: that one and all later ones fail with [ErrCut].
// Stores and upstream clients share one Cutter and are counted together. The zero Cutter counts and never cuts.
//
// Operations that are under way while another one is cut may or may not take effect, as in a process that dies, and their
// answers are lost. What is then resumed must use new clients or a new Cutter; it starts once the cut run has returned.
type Cutter struct {
	mu   sync.Mutex
	at   int
	when When
	n    int
	cut  error // what was cut; nil while alive
}

// CutAt makes operation n the last one, counting from 1 and from the Cutter's first; 0 is none. It is called before that.
func (c *Cutter) CutAt(n int, when When) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.when = n, when
}

// Count returns how many operations began, the cut one included.
func (c *Cutter) Count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}

// Cut returns nil before the cut, and then an [ErrCut] that names the operation.
func (c *Cutter) Cut() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut
}

// Step does one operation, unless the cut comes before it. When the cut comes meanwhile, its result is lost.
func (c *Cutter) Step(name string, do func() error) error {
	last, err := c.begin(name)
	if err != nil {
		return err
	}
	err = do()
	if last {
		c.die(name)
	}
	if cut := c.Cut(); cut != nil {
		return cut
	}
	return err
}

// begin counts an operation, and reports whether the cut comes after it.
func (c *Cutter) begin(name string) (last bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut != nil {
		return false, c.cut
	}
	c.n++
	if c.n == c.at && c.when == Before {
		c.cut = c.describe(name)
	}
	return c.n == c.at, c.cut
}

func (c *Cutter) die(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = c.describe(name)
}

func (c *Cutter) describe(name string) error {
	return fmt.Errorf("%w %s operation %d: %s", ErrCut, c.when, c.at, name)
}

// Store returns s with its operations counted: Open, Commit, Delete and each page of 1,000 listed objects. Reading and
// writing contents is not counted, but fails after the cut as well.
func (c *Cutter) Store(s objects.Store) objects.Store { return cutStore{c, s} }

type cutStore struct {
	cutter *Cutter
	store  objects.Store
}

// Open implements [objects.Store].
func (s cutStore) Open(ctx context.Context, key string) (body io.ReadCloser, info objects.Info, err error) {
	err = s.cutter.Step("open "+key, func() (err error) {
		body, info, err = s.store.Open(ctx, key)
		return err
	})
	if err == nil {
		return cutBody{s.cutter, body}, info, nil
	}
	if body != nil {
		body.Close()
	}
	return nil, objects.Info{}, err
}

// Create implements [objects.Store].
func (s cutStore) Create(ctx context.Context, key string) (objects.Writer, error) {
	if err := s.cutter.Cut(); err != nil {
		return nil, err
	}
	w, err := s.store.Create(ctx, key)
	if err != nil {
		return nil, err
	}
	return cutWriter{s.cutter, w, "create " + key}, nil
}

// Replace implements [objects.Store].
func (s cutStore) Replace(ctx context.Context, key, etag string) (objects.Writer, error) {
	if err := s.cutter.Cut(); err != nil {
		return nil, err
	}
	w, err := s.store.Replace(ctx, key, etag)
	if err != nil {
		return nil, err
	}
	return cutWriter{s.cutter, w, "replace " + key}, nil
}

// Delete implements [objects.Store].
func (s cutStore) Delete(ctx context.Context, key string) error {
	return s.cutter.Step("delete "+key, func() error { return s.store.Delete(ctx, key) })
}

// List implements [objects.Store].
func (s cutStore) List(ctx context.Context, prefix, after string) iter.Seq2[objects.Info, error] {
	return func(yield func(objects.Info, error) bool) {
		for page := range s.pages(ctx, prefix, after) {
			for _, info := range page.infos {
				if !yield(info, nil) {
					return
				}
			}
			if page.err != nil {
				yield(objects.Info{}, page.err)
			}
		}
	}
}

// page is one answer to a listing.
type page struct {
	infos []objects.Info
	err   error
}

// pageSize is the size of S3's.
const pageSize = 1000

// pages yields a listing page by page, the first one even if it is empty.
func (s cutStore) pages(ctx context.Context, prefix, after string) iter.Seq[page] {
	return func(yield func(page) bool) {
		for more := true; more; {
			var p page
			err := s.cutter.Step("list "+prefix+" after "+after, func() error {
				p, more = s.page(ctx, prefix, after)
				return nil
			})
			if err != nil {
				p, more = page{err: err}, false
			}
			if !yield(p) {
				return
			}
			if more {
				after = p.infos[pageSize-1].Key
			}
		}
	}
}

// page lists up to pageSize objects, and reports whether there are more.
func (s cutStore) page(ctx context.Context, prefix, after string) (p page, more bool) {
	for info, err := range s.store.List(ctx, prefix, after) {
		if err != nil {
			p.err = err
			return p, false
		}
		if len(p.infos) == pageSize {
			return p, true
		}
		p.infos = append(p.infos, info)
	}
	return p, false
}

// cutBody is a body that nobody can read after the cut.
type cutBody struct {
	cutter *Cutter
	io.ReadCloser
}

func (b cutBody) Read(p []byte) (int, error) {
	if err := b.cutter.Cut(); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}

// cutWriter is a writer whose Commit is counted.
type cutWriter struct {
	cutter *Cutter
	objects.Writer
	name string
}

func (w cutWriter) Write(p []byte) (int, error) {
	if err := w.cutter.Cut(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

func (w cutWriter) Commit(ctx context.Context) (info objects.Info, err error) {
	err = w.cutter.Step(w.name, func() (err error) {
		info, err = w.Writer.Commit(ctx)
		return err
	})
	if err != nil {
		info = objects.Info{}
	}
	return info, err
}
