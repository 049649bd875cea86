// Package s3server runs real S3 servers for tests: as processes of their own, on loopback, for as long as a test takes.
package s3server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/objects/s3"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// What servers and clients here agree on.
const (
	Region = "us-east-1"
	Access = "denybatch"
	Secret = "denybatch-test"
)

// Server is a running server.
type Server struct {
	URL     string
	buckets atomic.Int32
	process *process
	users   int // tests that run
}

// running are the servers that tests use now, by name. Tests that run together share one.
var running = struct {
	sync.Mutex
	servers map[string]*Server
}{servers: map[string]*Server{}}

// Start runs a server at least until t ends. When its program is not installed, t is skipped and says what installs it;
// where CI is set, that is a failure.
func Start(t testing.TB, kind Kind) *Server {
	t.Helper()
	program := find(t, kind)
	running.Lock()
	defer running.Unlock()
	s := running.servers[kind.Name]
	if s == nil {
		var err error
		if s, err = start(kind, program); err != nil {
			t.Fatalf("%s did not start: %v", kind.Name, err)
		}
		running.servers[kind.Name] = s
	}
	s.users++
	t.Cleanup(func() { s.leave(kind) })
	return s
}

// leave stops the server after its last test.
func (s *Server) leave(kind Kind) {
	running.Lock()
	defer running.Unlock()
	if s.users--; s.users == 0 {
		delete(running.servers, kind.Name)
		s.process.stop()
	}
}

// start returns when a new server answers.
func start(kind Kind, program string) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p, err := run(kind, program, port)
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://127.0.0.1:" + port, process: p}
	if err := s.await(); err != nil {
		p.stop()
		return nil, fmt.Errorf("%w\n%s", err, p.output.String())
	}
	return s, nil
}

// freePort returns a port that was free just now.
func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// await returns when the server answers, or why it will not.
func (s *Server) await() error {
	client := s.Client()
	for deadline := time.Now().Add(time.Minute); ; {
		_, err := client.ListBuckets(context.Background(), &awss3.ListBucketsInput{})
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-s.process.ended:
			return errors.New("it ended")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// connections are enough for tests that do many things at once to keep theirs.
var connections = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = 64 })

// Config returns what a client needs to reach the server.
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region: Region, BaseEndpoint: &s.URL, HTTPClient: connections,
		Credentials: credentials.NewStaticCredentialsProvider(Access, Secret, ""),
	}
}

// Client returns a client of the server.
func (s *Server) Client(options ...func(*awss3.Options)) *awss3.Client {
	return s3.NewClient(s.Config(), options...)
}

// Bucket makes an empty bucket.
func (s *Server) Bucket(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("bucket-%d", s.buckets.Add(1))
	if _, err := s.Client().CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: &name}); err != nil {
		t.Fatalf("make %s: %v", name, err)
	}
	return name
}

// VersionedBucket makes an empty bucket that keeps versions.
func (s *Server) VersionedBucket(t testing.TB) string {
	t.Helper()
	name := s.Bucket(t)
	_, err := s.Client().PutBucketVersioning(t.Context(), &awss3.PutBucketVersioningInput{
		Bucket: &name, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusEnabled},
	})
	if err != nil {
		t.Fatalf("keep versions in %s: %v", name, err)
	}
	return name
}

// Store makes an empty bucket and returns it as a store.
func (s *Server) Store(t testing.TB) objects.Store {
	t.Helper()
	return s3.New(s.Client(), s.Bucket(t), "")
}
