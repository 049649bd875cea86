package s3_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest/s3server"
	"denybatch/internal/objects/s3"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// errDropped is a connection that broke.
var errDropped = &dropped{}

type dropped struct{}

func (*dropped) Error() string   { return "connection reset by peer" }
func (*dropped) Temporary() bool { return true }

// fault does something to one request, with send for letting it through.
type fault func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error)

// faulty is a line to a server that does its next faults to the requests that match.
type faulty struct {
	mu     sync.Mutex
	match  func(*http.Request) bool
	faults []fault
	seen   int // requests that matched
}

// Do implements the SDK's HTTPClient.
func (f *faulty) Do(r *http.Request) (*http.Response, error) {
	send := func() (*http.Response, error) { return http.DefaultClient.Do(r) }
	if next := f.next(r); next != nil {
		return next(r, send)
	}
	return send()
}

func (f *faulty) next(r *http.Request) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.match(r) {
		return nil
	}
	f.seen++
	if len(f.faults) == 0 {
		return nil
	}
	next := f.faults[0]
	f.faults = f.faults[1:]
	return next
}

// client returns a client behind f that waits a millisecond before it tries again.
func (f *faulty) client(server *s3server.Server) *awss3.Client {
	return server.Client(func(o *awss3.Options) {
		o.HTTPClient = f
		o.RetryMaxAttempts = 5
		o.Retryer = retry.NewStandard(func(o *retry.StandardOptions) {
			o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return time.Millisecond, nil })
		})
	})
}

// store returns a new store behind f, and the same one reached directly.
func (f *faulty) store(t *testing.T, server *s3server.Server) (behind, direct objects.Store) {
	bucket := server.Bucket(t)
	return s3.New(f.client(server), bucket, "p"), s3.New(server.Client(), bucket, "p")
}

// refuse answers without asking the server.
func refuse(status int, code string) fault {
	return func(r *http.Request, _ func() (*http.Response, error)) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Header: http.Header{"Content-Type": {"application/xml"}}, Request: r,
			Body: io.NopCloser(strings.NewReader("<Error><Code>" + code + "</Code><Message>of the test</Message></Error>")),
		}, nil
	}
}

// drop breaks the connection before the request reaches the server.
func drop(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
	return nil, errDropped
}

// lose lets the request through and breaks the connection before its answer.
func lose(_ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
	if out, err := send(); err == nil {
		out.Body.Close()
	}
	return nil, errDropped
}

// loseAnd loses the answer and does something before the client can go on.
func loseAnd(do func()) fault {
	return func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		defer do()
		return lose(r, send)
	}
}

// cut lets n bytes of the answer's body through.
func cut(n int64) fault {
	return func(_ *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		out, err := send()
		if err == nil {
			out.Body = cutBody{io.MultiReader(io.LimitReader(out.Body, n), broken{}), out.Body}
		}
		return out, err
	}
}

type cutBody struct {
	io.Reader
	io.Closer
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errDropped }

// putting matches requests that make an object visible.
func putting(r *http.Request) bool {
	query := r.URL.Query()
	return r.Method == "PUT" && !query.Has("partNumber") || r.Method == "POST" && query.Has("uploadId")
}

// getting matches requests for an object.
func getting(r *http.Request) bool { return r.Method == "GET" && !r.URL.Query().Has("list-type") }

// sendingParts matches requests with a part of an object.
func sendingParts(r *http.Request) bool { return r.URL.Query().Has("partNumber") }

// wantContent checks what is at key.
func wantContent(t *testing.T, s objects.Store, key, want string) objects.Info {
	t.Helper()
	got, info, err := objects.Read(t.Context(), s, key, 100<<20)
	if err != nil || string(got) != want {
		t.Fatalf("read %s: got %.20q of %d bytes, error %v, want %.20q of %d", key, got, len(got), err, want, len(want))
	}
	return info
}

// create stores content under a key that must be free.
func create(t *testing.T, s objects.Store, key, content string) objects.Info {
	t.Helper()
	info, err := objects.CreateBytes(t.Context(), s, key, []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// wantError checks that err is want and none of the others that callers decide on.
func wantError(t *testing.T, err, want error) {
	t.Helper()
	for _, e := range []error{objects.ErrNotFound, objects.ErrExists, objects.ErrChanged} {
		if errors.Is(err, e) != (e == want) {
			t.Errorf("got error %v, want %v", err, want)
		}
	}
	if err == nil {
		t.Errorf("got no error, want %v", want)
	}
}
