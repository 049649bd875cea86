package s3_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"

	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest/s3server"
	"denybatch/internal/objects/s3"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// pinTest is a bucket with one object.
type pinTest struct {
	client *awss3.Client
	bucket string
	store  objects.Store
	info   objects.Info
}

const pinned = "docId;comments\nA-1;wrong\n"

func newPinTest(t *testing.T, client *awss3.Client, bucket string) pinTest {
	s := s3.New(client, bucket, "")
	return pinTest{client, bucket, s, create(t, s, "inbox/deny/acme/Juli 1+2.csv", pinned)}
}

func (p pinTest) pin(ctx context.Context, version, etag string) (*s3.Object, error) {
	return s3.Pin(ctx, p.client, p.bucket, p.info.Key, version, etag)
}

// change replaces the object, or deletes it.
func (p pinTest) change(t *testing.T, how string) {
	t.Helper()
	err := p.store.Delete(t.Context(), p.info.Key)
	if err == nil && how == "replaced" {
		_, err = objects.CreateBytes(t.Context(), p.store, p.info.Key, []byte("other"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// wantSpooled checks the file that an object is spooled into.
func wantSpooled(t *testing.T, o *s3.Object, want string) {
	t.Helper()
	dir := t.TempDir()
	f, hash, size, err := o.Spool(t.Context(), dir, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil || string(got) != want || size != int64(len(want)) || hash != fmt.Sprintf("%x", sha256.Sum256([]byte(want))) {
		t.Errorf("got %q of %d bytes with hash %s, error %v", got, size, hash, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files in the folder, error %v, want the one", len(entries), err)
	}
}

// wantNotSpooled checks that an object cannot be read, and that no file is left.
func wantNotSpooled(t *testing.T, o *s3.Object, limit int64, want error) {
	t.Helper()
	dir := t.TempDir()
	if f, _, _, err := o.Spool(t.Context(), dir, limit); !errors.Is(err, want) || f != nil {
		t.Errorf("got error %v, want %v", err, want)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("%d files are left, error %v", len(entries), err)
	}
}

func TestPinByETag(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	for how, want := range map[string]error{"replaced": s3.ErrReplaced, "deleted": s3.ErrGone} {
		t.Run(how, func(t *testing.T) {
			p := newPinTest(t, server.Client(), server.Bucket(t))
			o, err := p.pin(t.Context(), "", p.info.ETag)
			if err != nil || o.ETag != p.info.ETag || o.Version != "" || o.Size != int64(len(pinned)) || o.Modified.IsZero() {
				t.Fatalf("got %+v, error %v", o, err)
			}
			for _, etag := range []string{`"` + p.info.ETag + `"`, ""} {
				if again, err := p.pin(t.Context(), "", etag); err != nil || *again != *o {
					t.Errorf("by %q: got %+v, error %v", etag, again, err)
				}
			}
			wantSpooled(t, o, pinned)
			p.change(t, how)
			wantNotSpooled(t, o, 1<<20, want)
			if _, err := p.pin(t.Context(), "", p.info.ETag); !errors.Is(err, want) {
				t.Errorf("got error %v, want %v", err, want)
			}
		})
	}
}

func TestPinByVersion(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Ministack)
	for _, how := range []string{"replaced", "deleted"} {
		t.Run(how, func(t *testing.T) {
			p := newPinTest(t, server.Client(), server.VersionedBucket(t))
			o, err := p.pin(t.Context(), p.info.Version, "not looked at")
			if err != nil || o.Version != p.info.Version || o.Version == "" || o.ETag != p.info.ETag {
				t.Fatalf("got %+v, error %v", o, err)
			}
			if newest, err := p.pin(t.Context(), "", ""); err != nil || *newest != *o {
				t.Errorf("newest: got %+v, error %v", newest, err)
			}
			p.change(t, how)
			wantSpooled(t, o, pinned)
			_, err = p.client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: &p.bucket, Key: &p.info.Key, VersionId: &o.Version})
			if err != nil {
				t.Fatal(err)
			}
			wantNotSpooled(t, o, 1<<20, s3.ErrGone)
			if _, err := p.pin(t.Context(), p.info.Version, ""); !errors.Is(err, s3.ErrGone) {
				t.Errorf("got error %v, want ErrGone", err)
			}
		})
	}
}

func TestPinOfDeleteMarker(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Ministack)
	p := newPinTest(t, server.Client(), server.VersionedBucket(t))
	out, err := p.client.DeleteObject(t.Context(), &awss3.DeleteObjectInput{Bucket: &p.bucket, Key: &p.info.Key})
	if err != nil || !aws.ToBool(out.DeleteMarker) {
		t.Fatalf("got %+v, error %v", out, err)
	}
	for _, version := range []string{"", *out.VersionId} {
		if _, err := p.pin(t.Context(), version, ""); !errors.Is(err, s3.ErrGone) {
			t.Errorf("version %q: got error %v, want ErrGone", version, err)
		}
	}
}

func TestPinHasALimit(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	p := newPinTest(t, server.Client(), server.Bucket(t))
	o, err := p.pin(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	_, _, _, err = o.Spool(t.Context(), dir, int64(len(pinned))-1)
	var large *s3.TooLargeError
	if !errors.As(err, &large) || large.Size != int64(len(pinned)) {
		t.Errorf("got error %v, want TooLargeError", err)
	}
	wantSpooled(t, o, pinned)
}

func TestPinOutlastsBrokenConnections(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	line := &faulty{match: getting}
	p := newPinTest(t, line.client(server), server.Bucket(t))
	o, err := p.pin(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	line.faults = []fault{cut(3), drop, cut(4)}
	wantSpooled(t, o, pinned)
	line.faults = []fault{cut(0), cut(0), cut(0), cut(0)}
	wantNotSpooled(t, o, 1<<20, errDropped)
	line.faults = []fault{func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		return refuse(403, "AccessDenied")(r, send)
	}}
	if _, _, _, err := o.Spool(t.Context(), t.TempDir(), 1<<20); err == nil || errors.Is(err, s3.ErrGone) || errors.Is(err, s3.ErrReplaced) {
		t.Errorf("got error %v, want a refusal", err)
	}
}
