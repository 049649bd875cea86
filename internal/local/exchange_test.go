package local_test

import (
	"errors"
	"testing"

	"denybatch/internal/cloud"
	"denybatch/internal/inbox"
	"denybatch/internal/local"
	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/objects/objectstest/s3server"
	"denybatch/internal/objects/s3"
)

// A folder and a bucket give out exactly the content that was named, and say what became of another one.
func TestExchanges(t *testing.T) {
	t.Parallel()
	folder, err := dir.New(t.TempDir(), dir.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Run("folder", func(t *testing.T) {
		holdsToItsWord(t, local.Folder{Store: folder}, folder, "", "inbox/a.csv")
	})
	t.Run("bucket", func(t *testing.T) {
		server := s3server.Start(t, s3server.Versity)
		bucket := server.Bucket(t)
		store := s3.New(server.Client(), bucket, "ours")
		holdsToItsWord(t, cloud.Exchange{Client: server.Client(), Prefix: "ours/"}, store, bucket, "inbox/a.csv")
	})
}

func holdsToItsWord(t *testing.T, exchange inbox.Exchange, store objects.Store, bucket, key string) {
	t.Helper()
	o := inbox.Object{Bucket: bucket, Key: key}
	if _, err := exchange.Pin(t.Context(), o); !errors.Is(err, inbox.ErrGone) {
		t.Errorf("of a file that is not there: %v", err)
	}
	info, err := objects.CreateBytes(t.Context(), store, key, []byte("first"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := exchange.Pin(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 5)
	_, err = p.ReadAt(text, 0)
	if err != nil || string(text) != "first" || p.ETag != info.ETag || p.Size != 5 || len(p.SHA256) != 64 {
		t.Errorf("%q of %+v: %v", text, p, err)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := objects.ReplaceBytes(t.Context(), store, key, info.ETag, []byte("second")); err != nil {
		t.Fatal(err)
	}
	o.ETag = info.ETag
	if _, err := exchange.Pin(t.Context(), o); !errors.Is(err, inbox.ErrReplaced) {
		t.Errorf("of a file that was replaced: %v", err)
	}
	if err := store.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if _, err := exchange.Pin(t.Context(), o); !errors.Is(err, inbox.ErrGone) && !errors.Is(err, inbox.ErrReplaced) {
		t.Errorf("of a file that was deleted: %v", err)
	}
}
