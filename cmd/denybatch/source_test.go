package main

import (
	"os"
	"path/filepath"
	"testing"
)

// Somebody who saves the file anew while it is being worked on changes nothing for the batch that has begun.
func TestSavedAnewInTheMiddle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("docId,comments\nfirst,why\n")
	src, err := openSource(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := src.file.Name()
	write("docId,comments\nother,what\nmore,rows\n")
	seen, err := src.book.Inspect(0)
	if err != nil || seen.RowCount != 2 || seen.Rows[1][0] != "first" {
		t.Errorf("%+v, %v", seen, err)
	}
	src.Close()
	if _, err := os.Stat(copied); !os.IsNotExist(err) {
		t.Errorf("the copy is left behind: %v", err)
	}
}
