// Package s3server runs real S3 servers for tests: as processes of their own, on loopback, for as long as a test takes.
package s3server

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/objects/s3"

	"github.com/aws/aws-sdk-go-v2/aws"
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

// Kind is a server program.
type Kind struct {
	Name    string
	program string // below the module's folder
	get     string // what installs it
	command func(program, port, folder string) *exec.Cmd
}

// Versity is versitygw, which keeps objects as files. Keys that are folders of others, or segments of more than 255
// bytes, are more than it can hold.
var Versity = Kind{Name: "versitygw", program: ".tools/bin/versitygw", get: "make tools", command: versity}

// Ministack is ministack, which emulates AWS in memory.
var Ministack = Kind{Name: "ministack", program: ".venv/bin/ministack", get: ".venv/bin/pip install ministack", command: ministack}

func versity(program, port, folder string) *exec.Cmd {
	root, versions := filepath.Join(folder, "buckets"), filepath.Join(folder, "versions")
	cmd := exec.Command(program, "--port", "127.0.0.1:"+port, "--region", Region, "--quiet", "--keep-alive",
		"posix", "--versioning-dir", versions, root)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+Access, "ROOT_SECRET_KEY="+Secret)
	return cmd
}

func ministack(program, port, folder string) *exec.Cmd {
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "BIND_HOST=127.0.0.1", "GATEWAY_PORT="+port, "TMPDIR="+folder, "HOME="+folder)
	return cmd
}

// Server is a running server.
type Server struct {
	URL     string
	buckets atomic.Int32
}

// Start runs a server until t ends. When its program is not installed, t is skipped and says what installs it; where CI
// is set, that is a failure.
func Start(t testing.TB, kind Kind) *Server {
	t.Helper()
	program := find(t, kind)
	folder := t.TempDir()
	for _, name := range []string{"buckets", "versions"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	port := freePort(t)
	s := &Server{URL: "http://127.0.0.1:" + port}
	var output bytes.Buffer
	cmd := kind.command(program, port, folder)
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.Dir = folder
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { cmd.Process.Kill(); <-ended })
	if err := s.await(t, ended); err != nil {
		cmd.Process.Kill()
		ended <- <-ended // its output is complete now
		t.Fatalf("%s did not start: %v\n%s", kind.Name, err, output.String())
	}
	return s
}

// find returns the path of the program.
func find(t testing.TB, kind Kind) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	program := filepath.Join(filepath.Dir(here), "../../../..", kind.program)
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	if _, err := os.Stat(program); err == nil {
		return program
	}
	missing := fmt.Sprintf("%s is not installed: %s", kind.Name, kind.get)
	if ci, _ := strconv.ParseBool(os.Getenv("CI")); ci {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// freePort returns a port that was free just now.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// await returns when the server answers, or why it will not.
func (s *Server) await(t testing.TB, ended <-chan error) error {
	client := s.Client()
	for deadline := time.Now().Add(time.Minute); ; {
		_, err := client.ListBuckets(t.Context(), &awss3.ListBucketsInput{})
		if err == nil || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ended:
			return fmt.Errorf("it ended: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Config returns what a client needs to reach the server.
func (s *Server) Config() aws.Config {
	return aws.Config{
		Region: Region, BaseEndpoint: &s.URL,
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

// Host is the server's address without the scheme.
func (s *Server) Host() string { return strings.TrimPrefix(s.URL, "http://") }
