// Package e2e drops files into the deployed stack and holds the reports that come out against what really happened upstream.
//
// The stack is infra/cdk as synthesised, in the local cloud of infra/local: S3, EventBridge with its Scheduler, SQS, API Gateway
// and Secrets Manager are emulated, the functions are the real programs under a real Lambda runtime API, and every call they make
// is held to their roles. Upstream is upstreamtest, in this process, behind a gate that tests can close; it calls back over TLS.
package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

	every    = "1 minute" // a sweep
	attempts = 2          // asks of one request
	backoff  = "1s"       // before the second; the due index knows full minutes, so up to a minute more
)

// orgs are the organisations of the tests, one for each, so that they may share a cloud.
var orgs = []string{"long", "thrice", "together", "poison", "check", "outage"}

// ROIT's token is fetched, and what ROIT shows us is ours. None of these may stand in any log.
const (
	invxToken     = "secret-of-the-tests"
	roitPassword  = "password-of-the-tests"
	callbackToken = "callback-token-of-the-tests"
)

// cloud is the deployed stack, as infra/local describes it, and what it talks to.
type cloud struct {
	Endpoint           string
	Region             string
	ExchangeBucket     string `json:"exchange_bucket"`
	StateBucket        string `json:"state_bucket"`
	QueueURL           string `json:"queue_url"`
	DeadLetterQueueURL string `json:"dead_letter_queue_url"`
	CallbackURL        string `json:"callback_url"`
	Functions          map[string]string
	Certificate        string

	port     string
	upstream *upstreamtest.Server
	gate     *gate // before it
	trust    trust
	config   aws.Config
	objects  *s3.Client
	queues   *sqs.Client
}

var deployed struct {
	once sync.Once
	*cloud
	err error
}

func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "16") // they wait for the cloud, not for a processor
	status := m.Run()
	if c := deployed.cloud; c != nil {
		c.upstream.Close()
		c.gate.Close()
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
	c := &cloud{}
	var err error
	if c.upstream, err = upstreamtest.New(c.upstreams()); err != nil {
		return nil, err
	}
	if c.gate, err = newGate(c.upstream.URL()); err != nil {
		return nil, err
	}
	if c.port, err = freePort(); err != nil {
		return nil, err
	}
	said, err := c.local("up", c.settings()...)
	if err != nil {
		return nil, err
	}
	if lines := bytes.Count(said, []byte("\n")); lines != 1 {
		return c, fmt.Errorf("local up printed %d lines, want one: %s", lines, said)
	}
	if err := json.Unmarshal(said, c); err != nil {
		return c, fmt.Errorf("local up printed %s: %w", said, err)
	}
	if err := c.connect(); err != nil {
		return c, err
	}
	return c, c.upstream.SetCallback(c.CallbackURL, callbackToken)
}

// upstreams are both services. ROIT calls back before its answers arrive, each callback twice and in any order.
func (c *cloud) upstreams() upstreamtest.Config {
	return upstreamtest.Config{
		Latency: latency,
		InvX:    upstreamtest.InvX{Orgs: orgs, Token: invxToken},
		ROIT: upstreamtest.ROIT{
			TokenBody: map[string]string{"login": "e2e", "password": roitPassword}, TokenField: "data.token", AuthPrefix: "Bearer",
			CallbackClient: c.client(), CallbackHeader: "Authorization: Bearer", CallbackForm: upstreamtest.EnvelopeCallback,
			CallbackTimes: 2, CallbackProgress: true, CallbackShuffle: true,
		},
	}
}

// settings are what the stack is deployed with.
func (c *cloud) settings() []string {
	return []string{
		"STRICT=1", "TIMEOUT=" + strconv.Itoa(int(timeout/time.Second)), "MAX_RECEIVES=" + strconv.Itoa(receives), "SWEEP_EVERY=" + every,
		"DENYBATCH_INVX_URL=" + c.gate.URL, "DENYBATCH_INVX_ORG=" + strings.Join(orgs, ","), "DENYBATCH_INVX_TOKEN=" + invxToken,
		"DENYBATCH_ROIT_URL=" + c.gate.URL, "DENYBATCH_ROIT_AUTH_PREFIX=Bearer",
		"DENYBATCH_ROIT_TOKEN_URL=" + c.gate.URL + strings.TrimPrefix(c.upstream.ROITTokenURL(), c.upstream.URL()),
		"DENYBATCH_ROIT_TOKEN_FIELD=data.token", `DENYBATCH_ROIT_TOKEN_BODY={"login":"e2e","password":"` + roitPassword + `"}`,
		"DENYBATCH_SWEEP_ATTEMPTS=" + strconv.Itoa(attempts), "DENYBATCH_SWEEP_BACKOFF=" + backoff,
		"DENYBATCH_CALLBACK_TOKEN=" + callbackToken,
	}
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
	c.trust.Store(&http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}, MaxIdleConnsPerHost: 16})
	c.config = aws.Config{
		Region: c.Region, BaseEndpoint: &c.Endpoint, HTTPClient: c.client(),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	c.objects = s3.NewFromConfig(c.config, func(o *s3.Options) { o.UsePathStyle = true })
	c.queues = sqs.NewFromConfig(c.config)
	return nil
}

// trust is what reaches the cloud. Upstream, which calls back, is there before the cloud and its certificate are.
type trust struct{ atomic.Pointer[http.Transport] }

func (t *trust) RoundTrip(r *http.Request) (*http.Response, error) {
	if transport := t.Load(); transport != nil {
		return transport.RoundTrip(r)
	}
	return nil, errors.New("the cloud is not deployed yet")
}

func (c *cloud) client() *http.Client { return &http.Client{Transport: &c.trust} }

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
