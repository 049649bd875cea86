package main

import (
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"denybatch/internal/cloud"
	"denybatch/internal/inbox"
)

const (
	bridgedEvent = `{"version":"0","id":"1","detail-type":"Object Created","source":"aws.s3","detail":{"version":"0",
		"bucket":{"name":"exchange"},"object":{"key":"inbox/deny/org 1/März+April.csv","size":5,"etag":"e1","version-id":"v1","sequencer":"1"},"reason":"PutObject"}}`
	notifiedEvent = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","s3":{
		"bucket":{"name":"exchange"},"object":{"key":"inbox/deny/org+1/M%C3%A4rz%2BApril.csv","size":5,"eTag":"e1","versionId":"v1"}}}]}`
	samEvent = `{"Records":[{"eventVersion":"2.0","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"1970-01-01T00:00:00.000Z",
		"eventName":"ObjectCreated:Put","s3":{"s3SchemaVersion":"1.0","bucket":{"name":"exchange","arn":"arn:aws:s3:::exchange"},
		"object":{"key":"inbox/deny/org+1/M%C3%A4rz%2BApril.csv","size":1024,"eTag":"e1","sequencer":"0A1B"}}}]}`
	continued = `{"denybatch_continue":{"bucket":"exchange","key":"inbox/deny/org 1/März+April.csv","version":"v1","etag":"e1"}}`
	testEvent = `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-01-01T00:00:00.000Z","Bucket":"exchange"}`
	removed   = `{"Records":[{"eventSource":"aws:s3","eventName":"ObjectRemoved:Delete","s3":{"bucket":{"name":"exchange"},"object":{"key":"a"}}}]}`
)

var wanted = inbox.Object{Bucket: "exchange", Key: "inbox/deny/org 1/März+April.csv", Version: "v1", ETag: "e1"}

func TestEventShapes(t *testing.T) {
	noVersion := wanted
	noVersion.Version = ""
	for _, c := range []struct {
		name, event string
		want        []notice
	}{
		{"EventBridge", bridgedEvent, []notice{{wanted}}},
		{"S3 notification", notifiedEvent, []notice{{wanted}}},
		{"SAM's S3 event", samEvent, []notice{{noVersion}}},
		{"continuation", continued, []notice{{wanted}}},
		{"S3 test event", testEvent, nil},
		{"object removed", removed, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseNotices(json.RawMessage(c.event))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%v, %v", got, err)
			}
			messages, queued := parseMessages(json.RawMessage(sqsEvent(c.event)))
			if !queued || len(messages) != 1 || messages[0].err != nil || !reflect.DeepEqual(messages[0].notices, c.want) {
				t.Errorf("inside SQS: %+v", messages)
			}
			if messages[0].id != "m1" || messages[0].receives != 2 {
				t.Errorf("message %+v", messages[0])
			}
		})
	}
}

func sqsEvent(body string) string {
	return `{"Records":[{"messageId":"m1","receiptHandle":"r","body":` + strconv.Quote(strings.NewReplacer("\n", " ", "\t", " ").Replace(body)) +
		`,"attributes":{"ApproximateReceiveCount":"2"},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:x:1:q"}]}`
}

func TestUnfamiliarEventsAreNamed(t *testing.T) {
	for _, event := range []string{`{}`, `[]`, `"text"`, `{"hello":"world"}`, `{"Records":[{"eventSource":"aws:sns"}]}`,
		`{"detail-type":"Object Created","detail":{}}`, `{"detail-type":"Scheduled Event","detail":{}}`, `{"Records":[1]}`, `not JSON`} {
		_, err := parseNotices(json.RawMessage(event))
		if !errors.Is(err, errUnfamiliar) || !strings.Contains(err.Error(), strconv.Quote(event)) {
			t.Errorf("%s: %v", event, err)
		}
	}
}

func FuzzEvent(f *testing.F) {
	for _, seed := range []string{bridgedEvent, notifiedEvent, samEvent, continued, testEvent, removed, sqsEvent(continued), "{}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		messages, _ := parseMessages(event)
		notices, err := parseNotices(event)
		for _, m := range append(messages, message{notices: notices, err: err}) {
			for _, n := range m.notices {
				if n.Bucket == "" || n.Key == "" {
					t.Errorf("a notice without a place: %+v", n)
				}
			}
		}
	})
}

func TestConfigurationFaultsAllAtOnce(t *testing.T) {
	env := map[string]string{"DENYBATCH_STATE": "state", "DENYBATCH_CHUNK": "many", "DENYBATCH_MAX_RECEIVES": "0", "DENYBATCH_INVX_CREDENTIALS": ""}
	_, err := loadConfig(func(name string) string { return env[name] })
	for _, name := range []string{"DENYBATCH_EXCHANGE", "DENYBATCH_STATE", "DENYBATCH_CHUNK", "DENYBATCH_MAX_RECEIVES",
		"DENYBATCH_INVX_URL", "DENYBATCH_INVX_ORG", "DENYBATCH_INVX_TOKEN"} {
		if err == nil || !strings.Contains(err.Error(), name+" ") {
			t.Errorf("%s is not named: %v", name, err)
		}
	}
	env = map[string]string{"DENYBATCH_EXCHANGE": "s3://x", "DENYBATCH_STATE": "s3://s/some/where/", "DENYBATCH_INVX_URL": "https://x", "DENYBATCH_INVX_CREDENTIALS": `{"a":{"token":"t"},"b":{}}`}
	if _, err = loadConfig(func(name string) string { return env[name] }); err == nil || !strings.Contains(err.Error(), "organisation b") {
		t.Errorf("%v", err)
	}
	env["DENYBATCH_INVX_CREDENTIALS"] = `{"a":{"token":"t"}}`
	c, err := loadConfig(func(name string) string { return env[name] })
	if err != nil || c.state != (cloud.Place{Bucket: "s", Prefix: "some/where/"}) || c.exchange != (cloud.Place{Bucket: "x"}) {
		t.Errorf("%+v, %v", c, err)
	}
}
