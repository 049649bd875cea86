// Package objectstest proves that an implementation of [objects.Store] keeps what that package promises, and cuts
// stores off in the middle of things.
package objectstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"denybatch/internal/objects"

	"golang.org/x/sync/errgroup"
)

// rule is one promise of [objects.Store].
type rule struct {
	name string
	test func(*testing.T, objects.Store)
}

// Run tests the stores that open returns, except for the rules named in without. Each store is new and empty, and open
// cleans up after it.
func Run(t *testing.T, open func(t *testing.T) objects.Store, without ...string) {
	for _, rule := range rules(t, without) {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			rule.test(t, open(t))
		})
	}
}

// rules returns all rules but those in without, which must be names of some.
func rules(t *testing.T, without []string) []rule {
	t.Helper()
	all := []rule{
		{"RoundTrip", roundTrip},
		{"InfoAgrees", infoAgrees},
		{"Keys", keys},
		{"BadKeys", badKeys},
		{"KeyIsPrefixOfAnother", keyIsPrefixOfAnother},
		{"KeyBecomesPrefixOfOthers", keyBecomesPrefixOfOthers},
		{"Missing", missing},
		{"InvisibleBeforeCommit", invisibleBeforeCommit},
		{"AbortLeavesNothing", abortLeavesNothing},
		{"CommitOnce", commitOnce},
		{"CreateTaken", createTaken},
		{"CreateHasOneWinner", createHasOneWinner},
		{"ReplaceStale", replaceStale},
		{"ReplaceMissing", replaceMissing},
		{"ReplaceLosesNoUpdate", replaceLosesNoUpdate},
		{"ReplaceAndDeleteTogether", replaceAndDeleteTogether},
		{"ETagFollowsContent", etagFollowsContent},
		{"OpenIsASnapshot", openIsASnapshot},
		{"WholeOrNothing", wholeOrNothing},
		{"DeleteTwice", deleteTwice},
		{"ListOrder", listOrder},
		{"ListPrefixAndAfter", listPrefixAndAfter},
		{"ListIsComplete", listIsComplete},
		{"ListWhileOthersChange", listWhileOthersChange},
		{"ListStops", listStops},
		{"ContextEnds", contextEnds},
	}
	for _, name := range without {
		i := slices.IndexFunc(all, func(r rule) bool { return r.name == name })
		if i < 0 {
			t.Fatalf("there is no rule %s to leave out", name)
		}
		all = slices.Delete(all, i, i+1)
	}
	return all
}

// create stores content under a key that must be free.
func create(t *testing.T, s objects.Store, key, content string) objects.Info {
	t.Helper()
	info, err := objects.CreateBytes(t.Context(), s, key, []byte(content))
	if err != nil {
		t.Fatalf("create %q: %v", key, err)
	}
	return info
}

// createAll stores an object under each of the keys.
func createAll(t *testing.T, s objects.Store, keys []string) {
	t.Helper()
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(32)
	for _, key := range keys {
		group.Go(func() error {
			_, err := objects.CreateBytes(ctx, s, key, []byte(key))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
}

// wantContent checks what is stored at key.
func wantContent(t *testing.T, s objects.Store, key, want string) objects.Info {
	t.Helper()
	got, info, err := objects.Read(t.Context(), s, key, 1<<20)
	if err != nil {
		t.Fatalf("read %q: %v", key, err)
	}
	if string(got) != want {
		t.Fatalf("read %q: got %.40q, want %.40q", key, got, want)
	}
	return info
}

// wantMissing checks that nothing is at key, neither to be opened nor to be listed.
func wantMissing(t *testing.T, s objects.Store, key string) {
	t.Helper()
	if _, _, err := s.Open(t.Context(), key); !errors.Is(err, objects.ErrNotFound) {
		t.Errorf("open %q: got error %v, want ErrNotFound", key, err)
	}
	if got := list(t, s, key, ""); slices.Contains(got, key) {
		t.Errorf("%q is listed", key)
	}
}

// wantError checks that err is want.
func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// list returns the keys that a listing yields.
func list(t *testing.T, s objects.Store, prefix, after string) []string {
	t.Helper()
	keys := []string{}
	for info, err := range s.List(t.Context(), prefix, after) {
		if err != nil {
			t.Fatalf("list %q after %q: %v", prefix, after, err)
		}
		keys = append(keys, info.Key)
	}
	return keys
}

// wantList checks the keys that a listing yields.
func wantList(t *testing.T, s objects.Store, prefix, after string, want ...string) {
	t.Helper()
	if got := list(t, s, prefix, after); !slices.Equal(got, want) {
		t.Errorf("list %q after %q:\n got %q\nwant %q", prefix, after, got, want)
	}
}

func roundTrip(t *testing.T, s objects.Store) {
	for _, size := range []int{0, 1, 4096, 20 << 20} {
		key := fmt.Sprint("size/", size)
		want := bytes.Repeat([]byte("denybatch,"), size/10+1)[:size]
		w, err := s.Create(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		for part := range slices.Chunk(want, 100_000) {
			if n, err := w.Write(part); n != len(part) || err != nil {
				t.Fatalf("write: %d, %v", n, err)
			}
		}
		if _, err := w.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		body, info, err := s.Open(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if cerr := body.Close(); err != nil || cerr != nil || !bytes.Equal(got, want) || info.Size != int64(size) {
			t.Errorf("%d bytes: got %d bytes, size %d, errors %v, %v", size, len(got), info.Size, err, cerr)
		}
	}
}

func infoAgrees(t *testing.T, s objects.Store) {
	written := create(t, s, "a/b.json", "{}")
	read := wantContent(t, s, "a/b.json", "{}")
	if written.Key != "a/b.json" || read.Key != "a/b.json" || written.ETag != read.ETag || written.ETag == "" ||
		written.Version != read.Version || written.Size != 2 || read.Size != 2 || read.Modified.IsZero() {
		t.Errorf("commit says %+v, open says %+v", written, read)
	}
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil || info.Key != "a/b.json" || info.Size != 2 || !info.Modified.Equal(read.Modified) {
			t.Errorf("list says %+v, %v, open says %+v", info, err, read)
		}
	}
}

func keys(t *testing.T, s objects.Store) {
	odd := []string{
		".hidden", ".d/.e", "...", "a b", " a", "a ", "a.", "+=&?#~!@$^(){}[]'`,;", `a\b`, `"a"`, "a:b", "a|b", "a*b", "<a>",
		"Übergröße/発票.csv", "é", "e\u0301", "🙂", "%", "%%", "50%", "a%2Fb", "a%2fb", "%25", "%2525", "%file", "a%file",
		"a%25file", "a%more", "a%more/b", "a%file/b", "%3A", "%253A", "a%", "A", "b/A",
		strings.Repeat("x", 255), strings.Repeat("x", 256), strings.Repeat("発", 300), strings.Repeat("y", 256) + "/z",
		strings.Repeat("x", 253) + "%file", strings.Repeat("x/", 400) + "x", strings.Repeat("z", 900), // room for a prefix before it reaches 1,024 bytes
	}
	createAll(t, s, odd)
	for _, key := range odd {
		wantContent(t, s, key, key)
	}
	slices.Sort(odd)
	wantList(t, s, "", "", odd...)
	for _, key := range odd {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
	}
	wantList(t, s, "", "")
}

func badKeys(t *testing.T, s objects.Store) {
	for _, key := range []string{"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/../b", "a/./b", "a/..", "a\x00b", ".denybatch", ".denybatch/a", strings.Repeat("x", 1025)} {
		if _, err := objects.CreateBytes(t.Context(), s, key, nil); err == nil {
			t.Errorf("an object was created at %q", key)
		}
	}
	wantList(t, s, "", "")
}

func keyIsPrefixOfAnother(t *testing.T, s objects.Store) {
	for _, keys := range [][]string{{"a", "a/b", "a/b/c"}, {"z/b/c", "z/b", "z"}} {
		for _, key := range keys {
			create(t, s, key, key)
		}
	}
	for _, key := range []string{"a", "a/b", "a/b/c", "z", "z/b", "z/b/c"} {
		info := wantContent(t, s, key, key)
		if _, err := objects.CreateBytes(t.Context(), s, key, nil); !errors.Is(err, objects.ErrExists) {
			t.Errorf("create %s again: got error %v, want ErrExists", key, err)
		}
		if _, err := objects.ReplaceBytes(t.Context(), s, key, info.ETag, []byte(key+"2")); err != nil {
			t.Error(err)
		}
		wantContent(t, s, key, key+"2")
	}
	wantList(t, s, "", "", "a", "a/b", "a/b/c", "z", "z/b", "z/b/c")
	for _, key := range []string{"a/b", "z"} {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
		wantMissing(t, s, key)
	}
	wantList(t, s, "", "", "a", "a/b/c", "z/b", "z/b/c")
}

// keyBecomesPrefixOfOthers creates an object and those below it all at once.
func keyBecomesPrefixOfOthers(t *testing.T, s objects.Store) {
	for round := range 10 {
		top := fmt.Sprint("k", round)
		want := []string{top, top + "/1", top + "/1/1", top + "/1/2", top + "/1/3", top + "/2", top + "/2/1", top + "/3"}
		createAll(t, s, want[round%2*7:][:1]) // in some rounds one of them is there before
		createAll(t, s, slices.DeleteFunc(slices.Clone(want), func(key string) bool { return key == want[round%2*7] }))
		for _, key := range want {
			wantContent(t, s, key, key)
		}
		wantList(t, s, top, "", want...)
	}
}

func missing(t *testing.T, s objects.Store) {
	wantMissing(t, s, "a")
	create(t, s, "a", "")
	wantMissing(t, s, "a/b")
	create(t, s, "b/c", "")
	wantMissing(t, s, "b")
	wantList(t, s, "nothing/here", "")
	wantList(t, s, "../", "")
}

func contextEnds(t *testing.T, s objects.Store) {
	info := create(t, s, "a", "1")
	ctx, cancel := context.WithCancel(t.Context())
	w, err := s.Create(ctx, "b")
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	cancel()

	_, err = w.Commit(ctx)
	wantError(t, "commit", err, context.Canceled)
	_, _, err = s.Open(ctx, "a")
	wantError(t, "open", err, context.Canceled)
	_, err = objects.CreateBytes(ctx, s, "c", nil)
	wantError(t, "create", err, context.Canceled)
	_, err = objects.ReplaceBytes(ctx, s, "a", info.ETag, []byte("2"))
	wantError(t, "replace", err, context.Canceled)
	wantError(t, "delete", s.Delete(ctx, "a"), context.Canceled)
	for _, lerr := range s.List(ctx, "", "") {
		err = lerr
	}
	wantError(t, "list", err, context.Canceled)

	wantList(t, s, "", "", "a")
	wantContent(t, s, "a", "1")
}
