package dir_test

import (
	"testing"

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

func TestConformance(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) objects.Store { return open(t, t.TempDir(), dir.WithoutSync()) })
}
