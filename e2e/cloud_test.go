// Package e2e drops files into the deployed stack and holds the reports that come out against what really happened upstream.
//
// The stack is infra/cdk as synthesised, in the local cloud of infra/local: S3, EventBridge, SQS and Secrets Manager are
// emulated, deny-bulk is the real program under a real Lambda runtime API, and every call it makes is held to its role.
// Upstream is upstreamtest, in this process.
package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"denybatch/pkg/upstream/upstreamtest"
)

const root = ".."

// What the stack is deployed with. The short timeout makes long batches go through many invocations.
const (
	timeout  = 5 * time.Second
	receives = 2
	latency  = 400 * time.Millisecond // of every answer of upstream
)

// orgs are the organisations of the tests, one for each, so that they may share a cloud.
var orgs = []string{"long", "thrice", "together", "poison", "check"}

// cloud is the deployed stack, as infra/local describes it, and what it talks to.
type cloud struct {
	Endpoint           string
	Region             string
	ExchangeBucket     string `json:"exchange_bucket"`
	StateBucket        string `json:"state_bucket"`
	QueueURL           string `json:"queue_url"`
	DeadLetterQueueURL string `json:"dead_letter_queue_url"`
	Functions          map[string]string
	Certificate        string

	port     string
	upstream *upstreamtest.Server
	objects  *s3.Client
	queues   *sqs.Client
}

var deployed struct {
	once sync.Once
	*cloud
	err error
}

func TestMain(m *testing.M) {
	status := m.Run()
	if c := deployed.cloud; c != nil {
		c.upstream.Close()
		if _, err := c.local("down"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
		if status == 0 { // otherwise somebody will want to read its log
			os.RemoveAll(c.folder())
		}
	}
	os.Exit(status)
}

// theCloud is deployed for the first test that asks. Where a program for it is missing, tests are skipped; with CI=true
// they fail, because there a test that silently does not run is worth nothing.
func theCloud(t *testing.T) *cloud {
	t.Helper()
	if why := missing(); why != "" && os.Getenv("CI") == "true" {
		t.Fatal(why)
	} else if why != "" {
		t.Skip(why)
	}
	deployed.once.Do(func() { deployed.cloud, deployed.err = deploy() })
	if deployed.err != nil {
		t.Fatal(deployed.err)
	}
	return deployed.cloud
}

func missing() string {
	if _, err := exec.LookPath("node"); err != nil {
		return "node is not installed: install Node.js 20 or newer"
	}
	if _, err := os.Stat(filepath.Join(root, ".tools", "ministack", "made")); err != nil {
		return "ministack is not installed: make tools"
	}
	return ""
}

func deploy() (*cloud, error) {
	up, err := upstreamtest.New(upstreamtest.Config{
		Latency: latency, InvX: upstreamtest.InvX{Orgs: orgs, Token: "secret-of-the-tests"},
	})
	if err != nil {
		return nil, err
	}
	c := &cloud{upstream: up}
	if c.port, err = freePort(); err != nil {
		return nil, err
	}
	said, err := c.local("up",
		"STRICT=1", "TIMEOUT="+strconv.Itoa(int(timeout/time.Second)), "MAX_RECEIVES="+strconv.Itoa(receives),
		"DENYBATCH_INVX_URL="+up.URL(), "DENYBATCH_INVX_ORG="+strings.Join(orgs, ","), "DENYBATCH_INVX_TOKEN=secret-of-the-tests")
	if err != nil {
		return nil, err
	}
	if lines := bytes.Count(said, []byte("\n")); lines != 1 {
		return c, fmt.Errorf("local up printed %d lines, want one: %s", lines, said)
	}
	if err := json.Unmarshal(said, c); err != nil {
		return c, fmt.Errorf("local up printed %s: %w", said, err)
	}
	return c, c.connect()
}

// local runs infra/local in an environment with nothing of the developer's own settings.
func (c *cloud) local(verb string, settings ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "run", "./infra/local", verb)
	cmd.Dir = root
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "DENYBATCH_") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(append(cmd.Env, "PORT="+c.port), settings...)
	var told bytes.Buffer
	cmd.Stderr = &told
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("local %s: %w\n%s", verb, err, told.Bytes())
	}
	return out, nil
}

func (c *cloud) connect() error {
	text, err := os.ReadFile(c.Certificate)
	if err != nil {
		return err
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(text)
	cfg := aws.Config{
		Region: c.Region, BaseEndpoint: &c.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}},
	}
	c.objects = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })
	c.queues = sqs.NewFromConfig(cfg)
	return nil
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

// folder is where infra/local keeps what belongs to this cloud.
func (c *cloud) folder() string { return filepath.Join(root, "build", "cloud-"+c.port) }

// log is everything that the functions and the emulator have said so far.
func (c *cloud) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.folder(), "ministack.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// eventually asks until it is told yes, and fails the test when that takes too long.
func eventually(t *testing.T, within time.Duration, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(within); !done(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", within, what)
		}
	}
}
