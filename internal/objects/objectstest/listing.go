package objectstest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"denybatch/internal/objects"

	"golang.org/x/sync/errgroup"
)

func listOrder(t *testing.T, s objects.Store) {
	want := []string{
		"A", "B/z", "a", "a b", "a!/x", "a-b", "a-b/c", "a.b", "a/", "a/b", "a/b-c", "a/b.csv", "a/b/c", "a0", "a0/b", "aa",
		"b%/a", "b/1", "b/10", "b/2", "é", "発/票",
	}
	want = slices.DeleteFunc(want, func(key string) bool { return key == "a/" })
	createAll(t, s, want)
	slices.Sort(want)
	wantList(t, s, "", "", want...)
}

func listPrefixAndAfter(t *testing.T, s objects.Store) {
	all := []string{"a", "a-b", "a/b", "a/b-c", "a/b/c", "a/b/d", "ab", "ab/c", "b"}
	createAll(t, s, all)
	wantList(t, s, "a", "", all[:8]...)
	wantList(t, s, "a/", "", all[2:6]...)
	wantList(t, s, "a/b", "", all[2:6]...)
	wantList(t, s, "a/b/", "", all[4:6]...)
	wantList(t, s, "a/b/c", "", "a/b/c")
	wantList(t, s, "ab", "", "ab", "ab/c")
	wantList(t, s, "c", "")
	wantList(t, s, "a/b/c/", "")
	for _, prefix := range []string{"", "a", "a/", "a/b", "ab/"} {
		in := list(t, s, prefix, "")
		for _, after := range append(all, "a/", "a/b/", "a/b/cc", "a/a", "0", "z") {
			want := slices.DeleteFunc(slices.Clone(in), func(key string) bool { return key <= after })
			wantList(t, s, prefix, after, want...)
		}
	}
}

func listIsComplete(t *testing.T, s objects.Store) {
	var all []string
	for i := range 2500 {
		all = append(all, fmt.Sprintf("due/2026-01-02T03%02d/deny/%d", i%7, i))
	}
	createAll(t, s, all)
	slices.Sort(all)
	wantList(t, s, "due/", "", all...)
	wantList(t, s, "due/", all[1233], all[1234:]...)
}

// listWhileOthersChange lists objects that are replaced, or that get a folder of their name, while others come and go.
func listWhileOthersChange(t *testing.T, s objects.Store) {
	var stay []string
	for i := range 30 {
		stay = append(stay, fmt.Sprintf("k/%03d", i))
	}
	createAll(t, s, stay)
	group, ctx := errgroup.WithContext(t.Context())
	for _, key := range stay {
		group.Go(func() error { return disturb(ctx, s, key) })
	}
	done := make(chan error, 1)
	go func() { done <- group.Wait() }()
	for {
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
			return
		default:
		}
		got := list(t, s, "k/", "")
		if !slices.IsSorted(got) || len(slices.Compact(slices.Clone(got))) != len(got) {
			t.Fatalf("keys out of order or twice: %q", got)
		}
		got = slices.DeleteFunc(got, func(key string) bool { return !slices.Contains(stay, key) })
		if !slices.Equal(got, stay) {
			t.Fatalf("listed %d of %d keys that were there all along: %q", len(got), len(stay), got)
		}
	}
}

// disturb replaces the object at key, and has others come and go around it.
func disturb(ctx context.Context, s objects.Store, key string) error {
	_, info, err := objects.Read(ctx, s, key, 1000)
	for i := range 3 {
		if err != nil {
			break
		}
		info, err = objects.ReplaceBytes(ctx, s, key, info.ETag, fmt.Append(nil, i))
		for _, other := range []string{key + "/below", key + "-beside"} {
			if err == nil {
				_, err = objects.CreateBytes(ctx, s, other, nil)
			}
			if err == nil {
				err = s.Delete(ctx, other)
			}
		}
	}
	return err
}

func listStops(t *testing.T, s objects.Store) {
	createAll(t, s, []string{"a/b", "a/c", "d"})
	n := 0
	for _, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
		break
	}
	if n != 1 {
		t.Errorf("got %d objects, want to stop at 1", n)
	}
}
