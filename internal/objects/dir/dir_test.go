package dir_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/objects/objectstest"
)

func open(t *testing.T, root string, options ...dir.Option) *dir.Store {
	t.Helper()
	s, err := dir.New(root, options...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t *testing.T, s objects.Store, key, content string) {
	t.Helper()
	if _, err := objects.CreateBytes(t.Context(), s, key, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

// wantFiles checks which files and empty folders a person sees in root.
func wantFiles(t *testing.T, root string, want ...string) {
	t.Helper()
	got := []string{}
	err := fs.WalkDir(os.DirFS(root), ".", func(path string, entry fs.DirEntry, err error) error {
		if path == ".denybatch" {
			return fs.SkipDir
		}
		if !entry.IsDir() {
			got = append(got, path)
		} else if inside, _ := os.ReadDir(filepath.Join(root, path)); len(inside) == 0 {
			got = append(got, path+"/")
		}
		return err
	})
	slices.Sort(got)
	slices.Sort(want)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("error %v, files\n got %q\nwant %q", err, got, want)
	}
}

func wantKeys(t *testing.T, s objects.Store, want ...string) {
	t.Helper()
	got := []string{}
	for info, err := range s.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, info.Key)
		if _, _, err := objects.Read(t.Context(), s, info.Key, 1000); err != nil {
			t.Error(err)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("keys\n got %q\nwant %q", got, want)
	}
}

func TestConformance(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) objects.Store { return open(t, t.TempDir(), dir.WithoutSync()) })
}

func TestSyncedStoreWorksTheSame(t *testing.T) {
	root := filepath.Join(t.TempDir(), "made/at/first/write")
	s := open(t, root)
	create(t, s, "a/b", "1")
	create(t, s, "a/b/c", "2")
	_, info, err := objects.Read(t.Context(), s, "a/b", 10)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := objects.ReplaceBytes(t.Context(), s, "a/b", info.ETag, []byte("3")); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "a/b/c"); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s, "a/b")
}

func TestPeopleFindPlainFiles(t *testing.T) {
	root := t.TempDir()
	s := open(t, root, dir.WithoutSync())
	keys := []string{"batches/x/batch.json", "due/2026-01-02T03:04/deny/x", "reports/July 50%.csv/report.csv", "report.csv"}
	for _, key := range keys {
		create(t, s, key, "")
	}
	wantFiles(t, root, keys...)
}

func TestFileGivesWayToItsFolder(t *testing.T) {
	root := t.TempDir()
	s := open(t, root, dir.WithoutSync())
	create(t, s, "a", "1")
	wantFiles(t, root, "a")
	create(t, s, "a/b", "2")
	wantFiles(t, root, "a%file", "a/b")
	if err := s.Delete(t.Context(), "a/b"); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, root, "a%file")
	wantKeys(t, s, "a")
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	create(t, s, "a", "3")
	wantFiles(t, root, "a")
}

func TestDeleteRemovesEmptyFolders(t *testing.T) {
	root := t.TempDir()
	s := open(t, root, dir.WithoutSync())
	create(t, s, "due/1/deny/x", "")
	create(t, s, "due/2/deny/x", "")
	if err := s.Delete(t.Context(), "due/1/deny/x"); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, root, "due/2/deny/x")
}

func TestForeignFilesAreObjects(t *testing.T) {
	root := t.TempDir()
	names := []string{"README", "a%2Fb", "inbox/deny/acme.inc/Ventas año.csv", "inbox/x%file/y", "no mark%25file", "x%25more", "~$a"}
	for _, name := range append(names, "%file", "y%more/z", ".denybatch/notes.txt") {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(root, "README"), filepath.Join(root, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(root, filepath.Join(root, "loop")); err != nil {
		t.Fatal(err)
	}
	s := open(t, root, dir.WithoutSync())
	wantKeys(t, s, "README", "a%2Fb", "inbox/deny/acme.inc/Ventas año.csv", "link", "no mark%file", "x%more", "~$a")
	if _, err := objects.CreateBytes(t.Context(), s, "README", nil); err == nil {
		t.Error("a foreign file was overwritten")
	}
}

func TestOwnNameGoesBeforeTheOneBesideAFolder(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string]string{"a": "own", "a%file": "beside"} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, root, dir.WithoutSync())
	wantKeys(t, s, "a")
	if got, _, err := objects.Read(t.Context(), s, "a", 10); err != nil || string(got) != "own" {
		t.Errorf("got %q, error %v, want own", got, err)
	}
	if err := s.Delete(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	wantKeys(t, s)
}

// A listing shows an object that is moved aside meanwhile.
func TestListWhileFilesGiveWay(t *testing.T) {
	const n, moves = 1500, 150
	t.Parallel()
	root := t.TempDir()
	s := open(t, root, dir.WithoutSync())
	for i := range n {
		if err := os.WriteFile(filepath.Join(root, fmt.Sprintf("%04d", i)), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	create(t, s, "all", "")
	done := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < moves && err == nil; i++ {
			_, err = objects.CreateBytes(t.Context(), s, fmt.Sprintf("%04d/below", i), nil)
		}
		done <- err
	}()
	for moving := true; moving; {
		select {
		case err := <-done:
			if err != nil {
				t.Fatal(err)
			}
			moving = false
		default:
		}
		got := 0
		for info, err := range s.List(t.Context(), "", "") {
			if err != nil {
				t.Fatal(err)
			}
			if len(info.Key) == 4 {
				got++
			}
		}
		if got != n {
			t.Fatalf("listed %d of %d objects that were there all along", got, n)
		}
	}
}

func TestReservedPlaceIsCleared(t *testing.T) {
	root := t.TempDir()
	s := open(t, root, dir.WithoutSync())
	w, err := s.Create(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(root, ".denybatch", "tmp")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Commit(t.Context()); err == nil {
		t.Error("committed an object that was removed")
	}
	wantKeys(t, s)
}

func TestWritersLeaveNothingBehind(t *testing.T) {
	root := t.TempDir()
	s := open(t, root, dir.WithoutSync())
	create(t, s, "a", "1")
	if _, err := objects.CreateBytes(t.Context(), s, "a", nil); err == nil {
		t.Error("created twice")
	}
	if _, err := objects.ReplaceBytes(t.Context(), s, "a", "old", nil); err == nil {
		t.Error("replaced by a wrong ETag")
	}
	w, err := s.Create(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	w.Abort()
	left, err := filepath.Glob(filepath.Join(root, ".denybatch", "tmp", "*", "*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != "alive" {
		t.Errorf("left %q, error %v, want only the lock", left, err)
	}
}

func TestETagIgnoresCopyingAndTouching(t *testing.T) {
	root := t.TempDir()
	s := open(t, root, dir.WithoutSync())
	create(t, s, "a", "1")
	_, before, err := objects.Read(t.Context(), s, "a", 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(root, "a"), time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	_, after, err := objects.Read(t.Context(), s, "a", 10)
	if err != nil || after.ETag != before.ETag || !after.Modified.Equal(time.Unix(1, 0)) {
		t.Errorf("before %+v, after %+v, error %v", before, after, err)
	}
}

func TestReadingWritesNothing(t *testing.T) {
	root := t.TempDir()
	absent := filepath.Join(root, "absent")
	for _, folder := range []string{root, absent} {
		s := open(t, folder)
		wantKeys(t, s)
		if _, _, err := s.Open(t.Context(), "a"); err == nil {
			t.Error("opened what is not there")
		}
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 0 {
		t.Errorf("reading left %v, error %v", left, err)
	}
}

func TestRootIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{path, path + "/below"} {
		if _, err := dir.New(root); err == nil {
			t.Errorf("%s was accepted", root)
		}
	}
}

func TestUnfinishedObjectsOfLiveStoresStay(t *testing.T) {
	root := t.TempDir()
	s := open(t, root, dir.WithoutSync())
	w, err := s.Create(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	open(t, root)
	if _, err := w.Commit(t.Context()); err != nil {
		t.Error(err)
	}
	wantKeys(t, s, "a")
}

func TestUnfinishedObjectsOfDeadStoresGo(t *testing.T) {
	root := t.TempDir()
	dead := filepath.Join(root, ".denybatch", "tmp", "1234")
	for _, folder := range []string{dead, filepath.Join(root, ".denybatch", "locks")} {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"alive", "1"} {
		if err := os.WriteFile(filepath.Join(dead, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, root)
	wantKeys(t, s)
	if _, err := os.Stat(dead); !os.IsNotExist(err) {
		t.Errorf("the dead store's folder is still there (error %v)", err)
	}
}
