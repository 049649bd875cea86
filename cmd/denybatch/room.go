package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"denybatch/internal/journal"
	"denybatch/internal/objects"
)

// published are the names that reports have in their folder. The summary is the last to be moved, because it says whose
// the others are.
var published = []string{"run-*", "report.*", "retry.*", "summary.json"}

// makeRoom moves the reports of another batch into a folder named after it, so that the folder given always shows the
// latest file's reports and nothing is ever overwritten. Killed in between, it goes on next time.
func makeRoom(ctx context.Context, out string, state objects.Store, batch string) error {
	names, err := reports(out)
	if err != nil || len(names) == 0 {
		return err
	}
	whose, err := batchOf(out)
	switch {
	case err != nil:
		return err
	case whose == batch:
		return nil
	case whose == "" && begun(ctx, state, batch):
		return nil // our own, half published by a process that died
	}
	aside, err := freshFolder(filepath.Join(out, cmp.Or(whose, "unfinished")))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(out, name), filepath.Join(aside, name)); err != nil {
			return err
		}
	}
	return nil
}

func reports(out string) ([]string, error) {
	var names []string
	for _, pattern := range published {
		found, err := filepath.Glob(filepath.Join(globEscape(out), pattern))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			names = append(names, filepath.Base(path))
		}
	}
	return names, nil
}

// globEscape makes a folder's name mean itself in a pattern.
func globEscape(path string) string {
	var b []rune
	for _, r := range path {
		if r == '*' || r == '?' || r == '[' || (r == '\\' && filepath.Separator != '\\') {
			b = append(b, '\\')
		}
		b = append(b, r)
	}
	return string(b)
}

// batchOf is the batch whose summary stands in a folder, or "".
func batchOf(out string) (string, error) {
	b, err := os.ReadFile(filepath.Join(out, "summary.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var s struct {
		Batch string `json:"batch"`
	}
	if err := json.Unmarshal(b, &s); err != nil || s.Batch == "" || s.Batch != filepath.Base(s.Batch) {
		return "", fmt.Errorf("%s is not a summary of denybatch: give another folder with --out", filepath.Join(out, "summary.json"))
	}
	return s.Batch, nil
}

// begun reports whether the batch's own reports may stand there already.
func begun(ctx context.Context, state objects.Store, batch string) bool {
	rec, err := journal.Load(ctx, state, batch)
	return err == nil && rec.Status != journal.Running
}

// freshFolder makes path, or path-2 and so on when something of another time stands there.
func freshFolder(path string) (string, error) {
	for n := 1; ; n++ {
		name := path
		if n > 1 {
			name = fmt.Sprintf("%s-%d", path, n)
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return "", err
		}
		err := os.Mkdir(name, 0o755)
		if err == nil || !errors.Is(err, fs.ErrExist) {
			return name, err
		}
		if _, err := os.Stat(filepath.Join(name, "summary.json")); errors.Is(err, fs.ErrNotExist) {
			return name, nil // a move that was cut off goes on here
		}
	}
}
