package objectstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"testing"

	"denybatch/internal/objects"

	"golang.org/x/sync/errgroup"
)

func invisibleBeforeCommit(t *testing.T, s objects.Store) {
	w, err := s.Create(t.Context(), "new")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	old := create(t, s, "old", "1")
	r, err := s.Replace(t.Context(), "old", old.ETag)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Abort()
	for _, w := range []io.Writer{w, r} {
		if _, err := io.WriteString(w, "2"); err != nil {
			t.Fatal(err)
		}
	}
	wantMissing(t, s, "new")
	wantContent(t, s, "old", "1")
	wantList(t, s, "", "", "old")
}

func abortLeavesNothing(t *testing.T, s objects.Store) {
	old := create(t, s, "old", "1")
	w, err := s.Create(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Replace(t.Context(), "old", old.ETag)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range []objects.Writer{w, r} {
		if _, err := io.WriteString(w, "2"); err != nil {
			t.Fatal(err)
		}
		w.Abort()
		w.Abort()
		if _, err := w.Commit(t.Context()); err == nil {
			t.Error("an aborted object was committed")
		}
	}
	wantMissing(t, s, "a/b")
	wantContent(t, s, "old", "1")
	wantList(t, s, "", "", "old")
}

func commitOnce(t *testing.T, s objects.Store) {
	w, err := s.Create(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	wantContent(t, s, "a", "")
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(t.Context()); err == nil {
		t.Error("an object was committed twice")
	}
	wantMissing(t, s, "a")
}

func createTaken(t *testing.T, s objects.Store) {
	late, err := s.Create(t.Context(), "a") // before the other, but committed after it
	if err != nil {
		t.Fatal(err)
	}
	defer late.Abort()
	create(t, s, "a", "first")
	_, err = late.Commit(t.Context())
	wantError(t, "late commit", err, objects.ErrExists)
	_, err = objects.CreateBytes(t.Context(), s, "a", []byte("second"))
	wantError(t, "create", err, objects.ErrExists)
	wantContent(t, s, "a", "first")
}

func createHasOneWinner(t *testing.T, s objects.Store) {
	for round := range 10 {
		key := fmt.Sprintf("claims/%d/claim", round)
		won := make(chan string, 16)
		var group errgroup.Group
		for i := range 16 {
			group.Go(func() error {
				me := strconv.Itoa(i)
				_, err := objects.CreateBytes(t.Context(), s, key, []byte(me))
				if err == nil {
					won <- me
				}
				if errors.Is(err, objects.ErrExists) {
					return nil
				}
				return err
			})
		}
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		if len(won) != 1 {
			t.Fatalf("%d of 16 created %s, want 1", len(won), key)
		}
		wantContent(t, s, key, <-won)
	}
}

func replaceStale(t *testing.T, s objects.Store) {
	first := create(t, s, "a", "1")
	second, err := objects.ReplaceBytes(t.Context(), s, "a", first.ETag, []byte("2"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = objects.ReplaceBytes(t.Context(), s, "a", first.ETag, []byte("3"))
	wantError(t, "replace with the first ETag", err, objects.ErrChanged)
	if got := wantContent(t, s, "a", "2"); got.ETag != second.ETag {
		t.Errorf("got ETag %s, want %s", got.ETag, second.ETag)
	}
}

func replaceMissing(t *testing.T, s objects.Store) {
	_, err := objects.ReplaceBytes(t.Context(), s, "never", "abc", []byte("1"))
	wantError(t, "replace what never was", err, objects.ErrChanged)
	wantMissing(t, s, "never")

	gone := create(t, s, "gone", "1")
	if err := s.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	_, err = objects.ReplaceBytes(t.Context(), s, "gone", gone.ETag, []byte("2"))
	wantError(t, "replace what is gone", err, objects.ErrChanged)
	wantMissing(t, s, "gone")
}

// Increment adds one to the number at key, as often as it takes.
func Increment(ctx context.Context, s objects.Store, key string) error {
	for {
		b, info, err := objects.Read(ctx, s, key, 20)
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(string(b))
		if err != nil {
			return err
		}
		_, err = objects.ReplaceBytes(ctx, s, key, info.ETag, []byte(strconv.Itoa(n+1)))
		if !errors.Is(err, objects.ErrChanged) {
			return err
		}
	}
}

func replaceLosesNoUpdate(t *testing.T, s objects.Store) {
	create(t, s, "counter", "0")
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			for range 10 {
				if err := Increment(t.Context(), s, "counter"); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, s, "counter", "80")
}

// replaceAndDeleteTogether has an object come and go while others replace it: a Replace must not bring it back.
func replaceAndDeleteTogether(t *testing.T, s objects.Store) {
	for range 10 {
		info := create(t, s, "a/b", "1")
		var group errgroup.Group
		group.Go(func() error { return s.Delete(t.Context(), "a/b") })
		group.Go(func() error {
			_, err := objects.ReplaceBytes(t.Context(), s, "a/b", info.ETag, []byte("2"))
			if errors.Is(err, objects.ErrChanged) {
				return nil
			}
			return err
		})
		if err := group.Wait(); err != nil {
			t.Fatal(err)
		}
		wantMissing(t, s, "a/b")
	}
}

func etagFollowsContent(t *testing.T, s objects.Store) {
	info := create(t, s, "a", "0")
	for i := 1; i < 30; i++ {
		next, err := objects.ReplaceBytes(t.Context(), s, "a", info.ETag, []byte(strconv.Itoa(i%10)))
		if err != nil {
			t.Fatal(err)
		}
		if next.ETag == info.ETag {
			t.Fatalf("content %d has the ETag of the content before it", i)
		}
		info = next
	}
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if again := create(t, s, "a", "x"); again.ETag == info.ETag {
		t.Error("a new object has the ETag of the deleted one")
	}
}

func openIsASnapshot(t *testing.T, s objects.Store) {
	before := bytes.Repeat([]byte("1"), 1<<20)
	info := create(t, s, "a", string(before))
	body, _, err := s.Open(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	got := make([]byte, 1000)
	if _, err := io.ReadFull(body, got); err != nil {
		t.Fatal(err)
	}
	if _, err := objects.ReplaceBytes(t.Context(), s, "a", info.ETag, bytes.Repeat([]byte("2"), 1<<20)); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(body)
	if err != nil || !bytes.Equal(append(got, rest...), before) {
		t.Errorf("a body changed while it was read (%d bytes, error %v)", len(rest), err)
	}
}

// wholeOrNothing reads an object while it is replaced: every content is one that was committed.
func wholeOrNothing(t *testing.T, s objects.Store) {
	const size = 256 << 10
	info := create(t, s, "a", string(bytes.Repeat([]byte("0"), size)))
	group, ctx := errgroup.WithContext(t.Context())
	ctx, stop := context.WithCancel(ctx)
	group.Go(func() (err error) {
		defer stop()
		for i := 1; i < 20 && err == nil; i++ {
			content := bytes.Repeat([]byte(strconv.Itoa(i%10)), size)
			info, err = objects.ReplaceBytes(t.Context(), s, "a", info.ETag, content)
		}
		return err
	})
	for range 2 {
		group.Go(func() error {
			for ctx.Err() == nil {
				got, info, err := objects.Read(t.Context(), s, "a", size)
				if err != nil {
					return err
				}
				if len(got) != size || info.Size != size || bytes.Count(got, got[:1]) != size {
					return fmt.Errorf("read %d bytes of several contents, size %d", len(got), info.Size)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
}

func deleteTwice(t *testing.T, s objects.Store) {
	create(t, s, "a/b/c", "1")
	create(t, s, "a/d", "1")
	for range 2 {
		if err := s.Delete(t.Context(), "a/b/c"); err != nil {
			t.Error(err)
		}
		wantMissing(t, s, "a/b/c")
	}
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	wantList(t, s, "", "", "a/d")
	create(t, s, "a/b/c", "2")
	wantContent(t, s, "a/b/c", "2")
}
