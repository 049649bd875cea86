package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"denybatch/internal/denial"
	"denybatch/internal/journal"
	"denybatch/internal/local"
	"denybatch/internal/objects/dir"
	"denybatch/internal/sheet"
)

// source is one local file, copied and known by its content.
type source struct {
	file   *os.File // our copy
	book   *sheet.Book
	path   string // absolute
	sha256 string
	size   int64
}

// openSource copies a file while it hashes it, so that what is hashed is what is read, each of the several times that a
// batch reads it, whatever somebody saves in its place meanwhile.
func openSource(path string) (*source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	if !info.Mode().IsRegular() { // opening a pipe would wait for a writer
		return nil, &sheet.Fault{File: path, Problem: "is not a file", Remedy: "give the path of a CSV or XLSX file"}
	}
	original, err := os.Open(path)
	if err != nil {
		return nil, unreadable(path, err)
	}
	defer original.Close()
	s := &source{}
	if s.path, err = filepath.Abs(path); err != nil {
		return nil, err
	}
	if s.file, err = os.CreateTemp("", "denybatch-*"); err != nil {
		return nil, err
	}
	os.Remove(s.file.Name()) // so that nothing is left when we are killed; where an open file cannot be removed, discard does
	if err := s.load(path, original); err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

func (s *source) load(path string, original io.Reader) error {
	var err error
	sum := sha256.New()
	if s.size, err = io.Copy(io.MultiWriter(s.file, sum), original); err != nil {
		return unreadable(path, err)
	}
	s.sha256 = hex.EncodeToString(sum.Sum(nil))
	s.book, err = sheet.Open(filepath.Base(path), s.file, s.size)
	return err
}

func (s *source) Close() {
	s.book.Close()
	s.discard()
}

// discard removes the copy.
func (s *source) discard() {
	s.file.Close()
	os.Remove(s.file.Name())
}

func unreadable(path string, err error) error {
	problem := err.Error()
	var pathErr *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		problem = "does not exist"
	case errors.As(err, &pathErr):
		problem = "cannot be opened: " + pathErr.Err.Error()
	}
	return &sheet.Fault{File: path, Problem: problem, Remedy: "check the path"}
}

// job is the batch that a file makes. The same file, content, upstream and organisation are always the same batch.
func (s session) job(src *source, out string) (denial.Job, error) {
	kinds, err := s.flags.kinds()
	if err != nil {
		return denial.Job{}, err
	}
	outStore, err := dir.New(out)
	if err != nil {
		return denial.Job{}, err
	}
	stateStore, err := dir.New(s.stateFolder(out))
	if err != nil {
		return denial.Job{}, err
	}
	place := strings.TrimRight(s.config.URL, "/") + " " + s.config.Org
	if s.flags.dryRun {
		place = "check"
	}
	return denial.Job{
		Batch: denial.BatchID(place, src.path, src.sha256), Name: filepath.Base(src.path), Org: s.config.Org, Book: src.book,
		Source: journal.Source{Bucket: "local", Key: filepath.ToSlash(src.path), Version: src.sha256[:16], SHA256: src.sha256, Size: src.size},
		State:  stateStore, Out: outStore, Kinds: kinds, DryRun: s.flags.dryRun, Reopen: true,
	}, nil
}

// claim locks a batch, and the folder of its reports, among the processes of this machine for as long as this one lives.
func claim(state, batch, out string) (unlock func(), err error) {
	unlockBatch, err := local.Lock(filepath.Join(state, "locks", batch+".lock"), "is working on this file: wait for it to end")
	if err != nil {
		return nil, err
	}
	unlockOut, err := local.Lock(filepath.Join(out, ".lock"),
		"is going to report into "+out+": wait for it to end, or give another folder with --out")
	if err != nil {
		unlockBatch()
		return nil, err
	}
	return func() { unlockOut(); unlockBatch() }, nil
}
