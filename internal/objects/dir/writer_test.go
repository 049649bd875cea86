package dir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"denybatch/internal/objects"
)

func TestFailedWriteIsNotCommitted(t *testing.T) {
	s, err := New(t.TempDir(), WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	w, err := s.write(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	w.place = w.create
	w.file.Close() // the disk fails
	if _, err := w.Write([]byte("lost")); err == nil {
		t.Fatal("wrote to a closed file")
	}
	if _, err := w.Commit(t.Context()); err == nil {
		t.Error("what was not written was committed")
	}
	if _, _, err := s.Open(t.Context(), "a"); !errors.Is(err, objects.ErrNotFound) {
		t.Errorf("got error %v, want ErrNotFound", err)
	}
}

func TestMoveNewNeedsAFreeName(t *testing.T) {
	root := t.TempDir()
	from, taken, folder, free := filepath.Join(root, "from"), filepath.Join(root, "taken"), filepath.Join(root, "folder"), filepath.Join(root, "free")
	err := errors.Join(os.WriteFile(from, []byte("new"), 0o666), os.WriteFile(taken, []byte("old"), 0o666), os.Mkdir(folder, 0o777))
	if err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{taken, folder} {
		if err := moveNew(from, to); !errors.Is(err, fs.ErrExist) {
			t.Errorf("move to %s: got error %v, want ErrExist", to, err)
		}
	}
	if err := moveNew(from, filepath.Join(root, "missing/name")); !isGone(err) {
		t.Errorf("move into a missing folder: got error %v, want one that says so", err)
	}
	if err := moveNew(from, free); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]string{taken: "old", free: "new"} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", path, got, err, want)
		}
	}
}
