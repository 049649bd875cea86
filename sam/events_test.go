package sam

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"denybatch/internal/objects/objectstest/s3server"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

// What stands in samples/env.local.json and samples/events.
const (
	exchangeBucket = "denybatch-exchange"
	stateBucket    = "denybatch-state"
	sample         = "plain.xlsx"
	callbackToken  = "local-callback-token"
)

// events are the files of samples/events for a function, with what its answer to each must be.
type events map[string]func(t *testing.T, l *lambda, event string)

// Every event in samples/events is understood by the function whose name it bears, run as it is deployed, with the variables
// of samples/env.local.json.
func TestFunctionsUnderstandTheirSampleEvents(t *testing.T) {
	up := upstreams(t)
	environment := world(t, up)
	expectations := map[string]events{
		"deny-bulk": {
			"queue-eventbridge": denies, "queue-s3": denies, "queue-continue": denies, "queue-s3-test": doesNothing,
			"eventbridge": denies, "s3": denies, "s3-sam": denies, "s3-test": doesNothing, "continue": denies,
		},
		"reprocess": {"scheduler": sweeps, "rule": sweeps, "by-hand": sweeps},
		"callback": {
			"http-api": answers(http.StatusAccepted), "http-api-base64": answers(http.StatusAccepted),
			"function-url": answers(http.StatusAccepted), "wrong-token": answers(http.StatusUnauthorized),
			"wrong-method": answers(http.StatusMethodNotAllowed), "unreadable": answers(http.StatusBadRequest),
		},
	}
	var expected []string
	for function, byName := range expectations {
		l := start(t, function, environment[function])
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			expected = append(expected, function+"-"+name+".json")
			t.Run(function+"-"+name, func(t *testing.T) { byName[name](t, l, sampleEvent(t, function+"-"+name)) })
		}
	}
	everyEventIsExpected(t, expected)
	if c := up.Counters(); c.DoubleDenials != 0 || c.ReprocessCalls != 2 || c.DoubleReprocesses != 0 {
		t.Errorf("all events together led to %+v, want no document denied twice and each of the two requests asked for once", c)
	}
}

func sampleEvent(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "samples", "events", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func everyEventIsExpected(t *testing.T, expected []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "samples", "events", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if name := filepath.Base(path); !slices.Contains(expected, name) {
			t.Errorf("samples/events/%s is tried by no test: say in sam/events_test.go which function it is for and what must come of it", name)
		}
	}
}

// upstreams are both of them, simulated.
func upstreams(t *testing.T) *upstreamtest.Server {
	t.Helper()
	seed, err := os.Open(filepath.Join(root, "samples", "upstream.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer seed.Close()
	return upstreamtest.Start(t, upstreamtest.Config{
		InvX: upstreamtest.InvX{Token: "local-invx-token", CSV: seed}, ROIT: upstreamtest.ROIT{Token: "local-roit-token", Auto: true},
	})
}

// world is an emulated AWS with files in its inbox, and what each function's environment must be to find it and the upstreams.
func world(t *testing.T, up *upstreamtest.Server) map[string]map[string]string {
	t.Helper()
	cloud := s3server.Start(t, s3server.Ministack)
	fill(t, cloud)
	byLogicalName := localEnvironment(t, map[string]string{
		"http://host.docker.internal:4566": cloud.URL, "http://host.docker.internal:8090": up.URL(),
	})
	return map[string]map[string]string{
		"deny-bulk": byLogicalName["DenyBulkFunction"], "reprocess": byLogicalName["ReprocessFunction"], "callback": byLogicalName["CallbackFunction"],
	}
}

func fill(t *testing.T, cloud *s3server.Server) {
	t.Helper()
	client, vault := cloud.Client(), secretsmanager.NewFromConfig(cloud.Config())
	for _, bucket := range []string{exchangeBucket, stateBucket} {
		if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: &bucket}); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"denybatch-invx-token": "local-invx-token", "denybatch-roit-token": "local-roit-token", "denybatch-callback-token": callbackToken,
	} {
		if _, err := vault.CreateSecret(t.Context(), &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value}); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.Open(filepath.Join(root, "samples", sample))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for key, body := range map[string]*s3.PutObjectInput{
		"inbox/deny/" + upstreamtest.DefaultOrg + "/" + sample:                 {Body: file},
		"inbox/reprocess/" + upstreamtest.DefaultIntegration + "/requests.csv": {Body: strings.NewReader("requestId\nr-1\nr-2\n")},
	} {
		body.Bucket, body.Key = aws.String(exchangeBucket), &key
		if _, err := client.PutObject(t.Context(), body); err != nil {
			t.Fatal(err)
		}
	}
}

// denies expects the batch of the sample, by whichever event it was begun.
func denies(t *testing.T, l *lambda, event string) {
	var res struct {
		BatchItemFailures []any
		Batches           []struct {
			Summary struct{ Counts verdict.Counts }
		}
	}
	l.invoke(t, event, &res)
	if len(res.BatchItemFailures) != 0 || len(res.Batches) != 1 || res.Batches[0].Summary.Counts[verdict.Denied] != 23 {
		t.Errorf("%+v, want one batch with 23 documents denied", res)
	}
}

func doesNothing(t *testing.T, l *lambda, event string) {
	var res struct{ BatchItemFailures, Batches []any }
	l.invoke(t, event, &res)
	if len(res.BatchItemFailures)+len(res.Batches) != 0 {
		t.Errorf("%+v, want nothing", res)
	}
}

// sweeps expects a sweep, whatever the event says.
func sweeps(t *testing.T, l *lambda, event string) {
	var end struct {
		Sweep   string
		Ignored string
	}
	l.invoke(t, event, &end)
	if end.Sweep == "" || end.Ignored != "" {
		t.Errorf("%+v, want a sweep", end)
	}
}

func answers(status int) func(t *testing.T, l *lambda, event string) {
	return func(t *testing.T, l *lambda, event string) {
		var res struct {
			StatusCode int
			Headers    map[string]string
			Body       string
		}
		l.invoke(t, event, &res)
		if res.StatusCode != status || !strings.HasPrefix(res.Headers["Content-Type"]+res.Headers["content-type"], "application/") {
			t.Errorf("%s, want status %d", fmt.Sprint(res), status)
		}
	}
}
