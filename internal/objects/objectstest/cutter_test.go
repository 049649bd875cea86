package objectstest_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/objects/objectstest"
)

func newStore(t *testing.T) objects.Store {
	t.Helper()
	s, err := dir.New(t.TempDir(), dir.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A Cutter that does not cut changes nothing.
func TestCutterConformance(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) objects.Store { return new(objectstest.Cutter).Store(newStore(t)) })
}

// story is a run of seven operations: create, open, replace, create, list, delete, upstream.
func story(t *testing.T, c *objectstest.Cutter, s objects.Store, asked *int) error {
	ctx := t.Context()
	if _, err := objects.CreateBytes(ctx, s, "a", []byte("1")); err != nil {
		return err
	}
	_, info, err := objects.Read(ctx, s, "a", 10)
	if err != nil {
		return err
	}
	if _, err := objects.ReplaceBytes(ctx, s, "a", info.ETag, []byte("2")); err != nil {
		return err
	}
	if _, err := objects.CreateBytes(ctx, s, "b", nil); err != nil {
		return err
	}
	for _, err := range s.List(ctx, "", "") {
		if err != nil {
			return err
		}
	}
	if err := s.Delete(ctx, "a"); err != nil {
		return err
	}
	return c.Step("ask upstream", func() error { *asked++; return nil })
}

// state describes what the story has brought about.
func state(t *testing.T, s objects.Store, asked int) string {
	a, _, err := objects.Read(t.Context(), s, "a", 10)
	if err != nil && !errors.Is(err, objects.ErrNotFound) {
		t.Fatal(err)
	}
	_, _, err = objects.Read(t.Context(), s, "b", 10)
	return fmt.Sprintf("a=%s b=%t asked=%d", a, err == nil, asked)
}

func TestCutterCutsEveryOperation(t *testing.T) {
	after := []string{
		"a= b=false asked=0", // before anything
		"a=1 b=false asked=0", "a=1 b=false asked=0", "a=2 b=false asked=0", "a=2 b=true asked=0", "a=2 b=true asked=0",
		"a= b=true asked=0", "a= b=true asked=1",
	}
	for n := 1; n < len(after); n++ {
		for _, when := range []objectstest.When{objectstest.Before, objectstest.After} {
			t.Run(fmt.Sprint(when, n), func(t *testing.T) {
				var c objectstest.Cutter
				c.CutAt(n, when)
				s, asked := newStore(t), 0
				err := story(t, &c, c.Store(s), &asked)
				if !errors.Is(err, objectstest.ErrCut) || c.Cut() == nil || c.Count() != n {
					t.Errorf("got error %v after %d operations, want ErrCut", err, c.Count())
				}
				want := after[n-1]
				if when == objectstest.After {
					want = after[n]
				}
				if got := state(t, s, asked); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
	var c objectstest.Cutter
	asked := 0
	if err := story(t, &c, c.Store(newStore(t)), &asked); err != nil || c.Count() != len(after)-1 || c.Cut() != nil {
		t.Errorf("uncut: error %v after %d operations, want %d", err, c.Count(), len(after)-1)
	}
}

func TestCutterFailsEverythingAfterwards(t *testing.T) {
	var c objectstest.Cutter
	c.CutAt(3, objectstest.After)
	inner := newStore(t)
	s, ctx := c.Store(inner), t.Context()
	info, err := objects.CreateBytes(ctx, s, "a", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	body, _, err := s.Open(ctx, "a")
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.Create(ctx, "b")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, "nothing"); !errors.Is(err, objectstest.ErrCut) {
		t.Fatalf("got error %v, want ErrCut", err)
	}

	var errs []error
	_, err = io.ReadAll(body)
	errs = append(errs, err, body.Close())
	_, err = io.WriteString(w, "1")
	errs = append(errs, err)
	_, err = w.Commit(ctx)
	errs = append(errs, err)
	w.Abort()
	_, _, err = s.Open(ctx, "a")
	errs = append(errs, err)
	_, err = s.Create(ctx, "c")
	errs = append(errs, err)
	_, err = s.Replace(ctx, "a", info.ETag)
	errs = append(errs, err, s.Delete(ctx, "a"), c.Step("ask", func() error { return nil }))
	for _, err := range s.List(ctx, "", "") {
		errs = append(errs, err)
	}
	for i, err := range errs {
		if closing := i == 1; !closing && !errors.Is(err, objectstest.ErrCut) {
			t.Errorf("operation %d: got error %v, want ErrCut", i, err)
		}
	}
	if c.Count() != 3 {
		t.Errorf("counted %d operations, want 3", c.Count())
	}
	if got := keysOf(t, inner); !slices.Equal(got, []string{"a"}) {
		t.Errorf("got %q, want only a", got)
	}
}

func TestCutterCountsPages(t *testing.T) {
	inner, n := newStore(t), 0
	for _, want := range []struct{ objects, pages int }{{0, 1}, {1000, 1}, {1001, 2}} {
		for ; n < want.objects; n++ {
			if _, err := objects.CreateBytes(t.Context(), inner, fmt.Sprint(n), nil); err != nil {
				t.Fatal(err)
			}
		}
		var c objectstest.Cutter
		if got := keysOf(t, c.Store(inner)); len(got) != want.objects || c.Count() != want.pages {
			t.Errorf("listed %d objects in %d pages, want %+v", len(got), c.Count(), want)
		}
	}
	var c objectstest.Cutter
	c.CutAt(2, objectstest.After)
	n = 0
	for _, err := range c.Store(inner).List(t.Context(), "", "") {
		if err != nil {
			break
		}
		n++
	}
	if n != 1000 {
		t.Errorf("got %d objects before the lost page, want 1,000", n)
	}
}

func TestCutterAmongGoroutines(t *testing.T) {
	var c objectstest.Cutter
	c.CutAt(50, objectstest.After)
	var done, heard atomic.Int64
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			if c.Step("count", func() error { done.Add(1); return nil }) == nil {
				heard.Add(1)
			}
		})
	}
	group.Wait()
	if n := done.Load(); n < 50 || n != int64(c.Count()) || heard.Load() >= n {
		t.Errorf("%d operations took effect, %d were counted, %d were heard", n, c.Count(), heard.Load())
	}
}

func keysOf(t *testing.T, s objects.Store) (keys []string) {
	t.Helper()
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}
