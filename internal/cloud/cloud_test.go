package cloud_test

import (
	"bytes"
	"crypto/md5"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"denybatch/internal/cloud"
	"denybatch/internal/inbox"
)

// serve is an AWS that answers every request with what answer returns for its operation and body.
func serve(t *testing.T, answer func(operation string, body map[string]any) (status int, reply string)) aws.Config {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.Header.Get("Authorization") == "" {
			t.Errorf("%s: %v; signed: %q", operation, err, r.Header.Get("Authorization"))
		}
		status, reply := answer(operation, body)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		io.WriteString(w, reply)
	}))
	t.Cleanup(server.Close)
	return aws.Config{
		Region: "eu-central-1", BaseEndpoint: &server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}
}

// A secret is read once, however many ask for it; fresh reads it anew for all of them.
func TestSecretsAreRemembered(t *testing.T) {
	var reads atomic.Int64
	secrets := cloud.NewSecrets(secretsmanager.NewFromConfig(serve(t, func(operation string, body map[string]any) (int, string) {
		if operation != "GetSecretValue" || body["SecretId"] != "arn:a" {
			t.Errorf("%s %v", operation, body)
		}
		if reads.Add(1) == 1 {
			return 200, `{"SecretString":"old"}`
		}
		return 200, `{"SecretString":"new"}`
	})))
	get := func(fresh bool, want string) {
		t.Helper()
		if got, err := secrets.Get(t.Context(), "arn:a", fresh); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() { get(false, "old") })
	}
	callers.Wait()
	get(true, "new")
	get(false, "new")
	if n := reads.Load(); n != 2 {
		t.Errorf("%d reads", n)
	}
}

// A secret that cannot be read is named, and what was known stays known.
func TestSecretsThatCannotBeRead(t *testing.T) {
	var broken atomic.Bool
	secrets := cloud.NewSecrets(secretsmanager.NewFromConfig(serve(t, func(string, map[string]any) (int, string) {
		if broken.Load() {
			return 400, `{"__type":"ResourceNotFoundException","Message":"gone"}`
		}
		return 200, `{"SecretString":"known"}`
	})))
	if _, err := secrets.Get(t.Context(), "arn:a", false); err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	if _, err := secrets.Get(t.Context(), "arn:a", true); err == nil || !strings.Contains(err.Error(), "arn:a") {
		t.Errorf("%v", err)
	}
	if text, err := secrets.Get(t.Context(), "arn:a", false); err != nil || text != "known" {
		t.Errorf("%q, %v", text, err)
	}
}

func TestBus(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		reply  string
		says   string // in the error; "" when there is none
	}{
		{"taken", 200, `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}]}`, ""},
		{"refused", 200, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"Throttled","ErrorMessage":"slower"}]}`, "Throttled: slower"},
		{"refused without a word", 200, `{"FailedEntryCount":1}`, "refused"},
		{"not allowed", 400, `{"__type":"AccessDeniedException","message":"no"}`, "AccessDenied"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bus := cloud.Bus{Client: eventbridge.NewFromConfig(serve(t, func(operation string, body map[string]any) (int, string) {
				want := map[string]any{"Source": "denybatch", "DetailType": "Reprocess Sweep Completed", "Detail": `{"sweep":"s1"}`}
				entries, _ := body["Entries"].([]any)
				if operation != "PutEvents" || len(entries) != 1 || !maps.Equal(entries[0].(map[string]any), want) {
					t.Errorf("%s %v", operation, body)
				}
				return c.status, c.reply
			}))}
			err := bus.Put(t.Context(), "Reprocess Sweep Completed", map[string]string{"sweep": "s1"})
			if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// A continuation says all that deny-bulk needs, and waits as long as it is told to, or as SQS can.
func TestQueue(t *testing.T) {
	object := inbox.Object{Bucket: "exchange", Key: "inbox/deny/org/june.csv", Version: "v1", ETag: "e", Idle: 3}
	for delay, seconds := range map[time.Duration]float64{-time.Minute: 0, 0: 0, 65 * time.Second: 65, time.Hour: 900} {
		queue := cloud.Queue{URL: "https://queues/1", Client: sqs.NewFromConfig(serve(t, func(operation string, body map[string]any) (int, string) {
			var message struct {
				Continue inbox.Object `json:"denybatch_continue"`
			}
			text, _ := body["MessageBody"].(string)
			if err := json.Unmarshal([]byte(text), &message); err != nil || message.Continue != object {
				t.Errorf("%s, %v", text, err)
			}
			waits, _ := body["DelaySeconds"].(float64)
			if operation != "SendMessage" || body["QueueUrl"] != "https://queues/1" || waits != seconds {
				t.Errorf("%s %v, want %v seconds", operation, body, seconds)
			}
			return 200, fmt.Sprintf(`{"MessageId":"1","MD5OfMessageBody":"%x"}`, md5.Sum([]byte(text)))
		}))}
		if err := queue.Continue(t.Context(), object, delay); err != nil {
			t.Error(err)
		}
	}
	if err := (cloud.Queue{}).Continue(t.Context(), object, 0); err == nil || !strings.Contains(err.Error(), "DENYBATCH_QUEUE_URL") {
		t.Errorf("%v", err)
	}
}

func TestPlaces(t *testing.T) {
	for text, want := range map[string]cloud.Place{
		"s3://bucket":               {Bucket: "bucket"},
		"s3://bucket/":              {Bucket: "bucket"},
		"s3://bucket/some/where":    {Bucket: "bucket", Prefix: "some/where/"},
		"s3://bucket//some/where//": {Bucket: "bucket", Prefix: "some/where/"},
	} {
		if got, err := cloud.ParsePlace("DENYBATCH_STATE", text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "bucket", "s3://", "s3:///x", "https://bucket", "s3://bucket?x=1", "s3://bu%zzcket", "/folder"} {
		if got, err := cloud.ParsePlace("DENYBATCH_STATE", text); err == nil || !strings.HasPrefix(err.Error(), "DENYBATCH_STATE ") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func FuzzPlace(f *testing.F) {
	f.Add("s3://bucket/some/where/")
	f.Add("s3://bucket")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := cloud.ParsePlace("X", text)
		if err != nil {
			return
		}
		if p.Bucket == "" || strings.HasPrefix(p.Prefix, "/") || p.Prefix != "" && !strings.HasSuffix(p.Prefix, "/") {
			t.Errorf("%q: %+v", text, p)
		}
	})
}

// The line is what CloudWatch's documentation of the embedded metric format asks for.
func TestMetrics(t *testing.T) {
	var out bytes.Buffer
	now := time.UnixMilli(1_750_000_000_123)
	err := cloud.WriteMetrics(&out, now, [][]string{{}, {"Org"}}, map[string]string{"Org": "acme", "Batch": "b"}, map[string]int{"Rows": 7, "Denied": 0})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Batch":"b","Denied":0,"Org":"acme","Rows":7,"_aws":{"CloudWatchMetrics":[{"Dimensions":[[],["Org"]],` +
		`"Metrics":[{"Name":"Denied","Unit":"Count"},{"Name":"Rows","Unit":"Count"}],"Namespace":"Denybatch"}],"Timestamp":1750000000123}}` + "\n"
	if got := out.String(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if n := slices.Index(out.Bytes(), '\n'); n != out.Len()-1 {
		t.Error("more than one line")
	}
}
