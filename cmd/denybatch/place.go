package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"denybatch/internal/cloud"
	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/objects/s3"
)

// place is where objects are: a folder, or a part of a bucket.
type place struct {
	text   string
	folder string // empty for a bucket
	bucket cloud.Place
}

// parsePlace reads where objects are; variable is what it is called. There is no default.
func parsePlace(variable, text string) (place, error) {
	if text == "" {
		return place{}, fmt.Errorf("%s is not set: give a folder, or s3://bucket/prefix", variable)
	}
	if strings.Contains(text, "://") {
		bucket, err := cloud.ParsePlace(variable, text)
		return place{text: text, bucket: bucket}, err
	}
	folder, err := filepath.Abs(text)
	return place{text: text, folder: folder}, err
}

// open gives the objects there. It writes nothing.
func (p place) open(ctx context.Context) (objects.Store, error) {
	if p.folder != "" {
		return dir.New(p.folder)
	}
	return s3.Open(ctx, p.text)
}

// report is what a report is called there.
func (p place) report(key string) string {
	if p.folder != "" {
		return filepath.Join(p.text, filepath.FromSlash(key))
	}
	return "s3://" + p.bucket.Bucket + "/" + p.bucket.Prefix + key
}

// locks is the folder of locks beside the state; empty for a bucket, where leases alone keep workers apart.
func (p place) locks() string {
	if p.folder == "" {
		return ""
	}
	return filepath.Join(p.folder, "locks")
}

// dead tells which holders of leases in this state are gone for certain: those of this machine, if locks keep the living apart.
func (p place) dead() func(owner string) bool {
	if p.folder == "" {
		return nil
	}
	return sameHost
}

// apart refuses one folder for both people and machine: state is not for people to change.
func apart(exchange, state place) error {
	if exchange.text != "" && exchange.folder == state.folder && exchange.bucket == state.bucket {
		return errors.New("DENYBATCH_EXCHANGE and DENYBATCH_STATE are the same: people and the machine need one each")
	}
	return nil
}

// mustBeFolder refuses a folder that is not there. It was most likely misspelt.
func (p place) mustBeFolder(variable string) error {
	if p.folder == "" {
		return nil
	}
	info, err := os.Stat(p.folder)
	switch {
	case err != nil && errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%s is %s, which does not exist: make the folder, or correct the path", variable, p.text)
	case err != nil:
		return fmt.Errorf("%s: %w", variable, err)
	case !info.IsDir():
		return fmt.Errorf("%s is %s, which is not a folder", variable, p.text)
	}
	return nil
}
