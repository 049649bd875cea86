package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"denybatch/internal/clock"
	"denybatch/internal/cloud"
	"denybatch/internal/journal"
	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/report"
	"denybatch/internal/sweep"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/roit"
	"denybatch/pkg/upstream/upstreamtest"
)

var complete = map[string]string{
	"DENYBATCH_ROIT_URL": "https://hom.roit.ai", "DENYBATCH_ROIT_TOKEN_ARN": "arn:aws:secretsmanager:us-east-1:1:secret:t",
	"DENYBATCH_EXCHANGE": "s3://people/in", "DENYBATCH_STATE": "s3://machine", "DENYBATCH_QUEUE_URL": "https://sqs/q",
}

func TestConfig(t *testing.T) {
	cfg, err := loadConfig(func(name string) string { return complete[name] })
	if err != nil || cfg.arn() != complete["DENYBATCH_ROIT_TOKEN_ARN"] || cfg.exchange.Prefix != "in/" || cfg.Limit != 1000 {
		t.Errorf("%+v, %v", cfg, err)
	}
	_, err = loadConfig(func(string) string { return "" })
	for _, name := range []string{"DENYBATCH_ROIT_URL", "DENYBATCH_ROIT_TOKEN", "DENYBATCH_EXCHANGE", "DENYBATCH_STATE"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("an empty environment: %v does not name %s", err, name)
		}
	}
	for name, value := range map[string]string{
		"DENYBATCH_ROIT_TOKEN_ARN": "no-arn", "DENYBATCH_SWEEP_LIMIT": "0", "DENYBATCH_SWEEP_BACKOFF": "soon", "DENYBATCH_STATE": "folder",
		"DENYBATCH_ROIT_URL": "ftp://roit",
	} {
		env := maps.Clone(complete)
		env[name] = value
		if _, err := loadConfig(func(name string) string { return env[name] }); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
	}
}

// newTestHandler sweeps folders, at a simulated ROIT.
func newTestHandler(t *testing.T) (*handler, objects.Store, *upstreamtest.Server, *bytes.Buffer) {
	t.Helper()
	sim := upstreamtest.Start(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
	client, err := roit.New(roit.Config{URL: sim.URL(), Token: upstream.NewSecret(sim.ROITToken()), HTTP: sim.Client()})
	if err != nil {
		t.Fatal(err)
	}
	exchange, errX := dir.New(t.TempDir(), dir.WithoutSync())
	state, errS := dir.New(t.TempDir(), dir.WithoutSync())
	if errX != nil || errS != nil {
		t.Fatal(errX, errS)
	}
	var metrics bytes.Buffer
	return &handler{
		clock: clock.System{}, metrics: &metrics, nextID: nextID(),
		sweeper: sweep.Sweeper{ROIT: client, Exchange: exchange, State: state, Options: sweep.Options{Clock: clock.System{}}},
	}, exchange, sim, &metrics
}

func TestEveryEventIsOneSweep(t *testing.T) {
	for name, event := range map[string]string{"schedule": `{}`, "rule": `{"detail-type":"Scheduled Event"}`, "by hand": `null`, "odd": `"now"`} {
		t.Run(name, func(t *testing.T) {
			h, exchange, sim, metrics := newTestHandler(t)
			if _, err := objects.CreateBytes(t.Context(), exchange, "inbox/reprocess/int-1/fix.csv", []byte("requestId\na\nb\n")); err != nil {
				t.Fatal(err)
			}
			end, err := h.Handle(t.Context(), json.RawMessage(event))
			if err != nil || end.Summary == nil || end.Summary.Counts["accepted"] != 2 {
				t.Fatalf("%+v, %v", end, err)
			}
			if sim.RequestTruth("int-1", "a").Applied != 1 {
				t.Error("a was not asked for")
			}
			var line map[string]any
			if err := json.Unmarshal(metrics.Bytes(), &line); err != nil || line["Sweeps"] != 1.0 || line["Accepted"] != 2.0 || line["OldestBatchMinutes"] != 0.0 {
				t.Errorf("the metrics are %s (%v)", metrics, err)
			}
			metrics.Reset()
			if end, err := h.Handle(t.Context(), nil); err != nil || end.Summary != nil || !strings.Contains(metrics.String(), `"Sweeps":1`) {
				t.Errorf("a sweep with nothing to do: %+v, %v, %s", end, err, metrics)
			}
		})
	}
}

func TestNoAskBeginsTooLate(t *testing.T) {
	h, exchange, sim, _ := newTestHandler(t)
	if _, err := objects.CreateBytes(t.Context(), exchange, "inbox/reprocess/int-1/fix.csv", []byte("requestId\na\n")); err != nil {
		t.Fatal(err)
	}
	for remaining, late := range map[time.Duration]bool{300 * time.Second: false, 15 * time.Minute: false} {
		ctx, cancel := context.WithTimeout(t.Context(), remaining)
		if got := h.halt(ctx)(); got != late {
			t.Errorf("with %v left: too late is %v", remaining, got)
		}
		cancel()
	}
	over, cancel := context.WithDeadline(context.WithoutCancel(t.Context()), time.Now().Add(-time.Second))
	defer cancel()
	if !h.halt(over)() {
		t.Error("it is never too late")
	}
	s := h.sweeper
	s.Worker, s.Halt = "w", func() bool { return true }
	if end, err := s.Sweep(t.Context()); err != nil || !end.HandedOver {
		t.Errorf("%+v, %v", end, err)
	}
	if sim.RequestTruth("int-1", "a").Asked != 0 {
		t.Error("it was asked for all the same")
	}
}

// serve is an AWS service that keeps what it is asked for.
func serve(t *testing.T, asked *[]string) aws.Config {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		*asked = append(*asked, r.Header.Get("X-Amz-Target")+" "+string(b))
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		fmt.Fprint(w, `{"FailedEntryCount":0,"Entries":[{"EventId":"1"}],"MessageId":"1"}`)
	}))
	t.Cleanup(server.Close)
	return aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
}

func TestWhatIsSentToOthers(t *testing.T) {
	var asked []string
	sdk := serve(t, &asked)
	rec := journal.Record{Batch: "b1", Source: journal.Source{Bucket: "people", Key: "inbox/deny/org/a.csv", Version: "v7", ETag: "e1"}}
	queue := cloud.Queue{Client: sqs.NewFromConfig(sdk, func(o *sqs.Options) { o.DisableMessageChecksumValidation = true }), URL: "https://sqs/q"}
	if err := (batches{queue, "in/"}).Continue(t.Context(), rec, 2); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`denybatch_continue`, `in/inbox/deny/org/a.csv`, `v7`, `\"reopen\":2`} {
		if !strings.Contains(asked[0], part) {
			t.Errorf("the message %s has no %s", asked[0], part)
		}
	}
	tell := announcer{cloud.Bus{Client: eventbridge.NewFromConfig(sdk)}, cloud.Place{Bucket: "people", Prefix: "in/"}}
	err := tell.Announce(t.Context(), report.SweepSummary{Sweep: "s1", Status: report.Finished, Reports: map[string]string{"csv": "reports/r.csv"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"Reprocess Sweep Completed", `in/reports/r.csv`, `\"sweep\":\"s1\"`, `"denybatch"`} {
		if !strings.Contains(asked[1], part) {
			t.Errorf("the event %s has no %s", asked[1], part)
		}
	}
}
