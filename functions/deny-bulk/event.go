package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"denybatch/internal/inbox"
)

// notice is one thing that an event asks for: an object to deny, or to go on with.
type notice struct{ inbox.Object }

// message is one SQS record: what it asks for, or why it cannot be understood.
type message struct {
	id       string
	receives int // how often it has been received, this time included
	notices  []notice
	err      error
}

// envelope holds the fields by which event shapes are told apart (design, section 6).
type envelope struct {
	inbox.Continuation
	Records    []json.RawMessage `json:"Records,omitempty"`
	Event      string            `json:"Event,omitempty"`       // "s3:TestEvent", when notifications are set up
	DetailType string            `json:"detail-type,omitempty"` // EventBridge
	Detail     json.RawMessage   `json:"detail,omitempty"`
}

// record is one of Records: from SQS, or from S3 itself.
type record struct {
	EventSource string `json:"eventSource"`
	EventName   string `json:"eventName"`
	MessageID   string `json:"messageId"`
	Body        string `json:"body"`
	Attributes  struct {
		ReceiveCount int `json:"ApproximateReceiveCount,string"`
	} `json:"attributes"`
	S3 struct {
		Bucket struct {
			Name string `json:"name"`
		} `json:"bucket"`
		Object struct {
			Key       string `json:"key"` // URL-encoded, with + for a space
			VersionID string `json:"versionId"`
			ETag      string `json:"eTag"`
		} `json:"object"`
	} `json:"s3"`
}

// detail is that of an EventBridge event from S3.
type detail struct {
	Bucket struct {
		Name string `json:"name"`
	} `json:"bucket"`
	Object struct {
		Key       string `json:"key"` // as it is
		VersionID string `json:"version-id"`
		ETag      string `json:"etag"`
	} `json:"object"`
}

// parseMessages takes an SQS event apart. The second result is false when it is not from SQS.
func parseMessages(event json.RawMessage) ([]message, bool) {
	var e envelope
	if json.Unmarshal(event, &e) != nil || len(e.Records) == 0 {
		return nil, false
	}
	messages := make([]message, len(e.Records))
	for i, raw := range e.Records {
		var r record
		if err := json.Unmarshal(raw, &r); err != nil || r.EventSource != "aws:sqs" {
			return nil, false
		}
		m := message{id: r.MessageID, receives: r.Attributes.ReceiveCount}
		m.notices, m.err = parseNotices(json.RawMessage(r.Body))
		messages[i] = m
	}
	return messages, true
}

// parseNotices reads any event but an SQS one. Events that ask for nothing give no notice and no error.
func parseNotices(event json.RawMessage) ([]notice, error) {
	var e envelope
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, unfamiliar(event)
	}
	switch {
	case e.Continue != nil && e.Continue.Bucket != "" && e.Continue.Key != "":
		return []notice{{*e.Continue}}, nil
	case e.Event == "s3:TestEvent":
		return nil, nil
	case e.DetailType == "Object Created":
		return bridged(event, e.Detail)
	case len(e.Records) > 0:
		return notified(event, e.Records)
	}
	return nil, unfamiliar(event)
}

func bridged(event, raw json.RawMessage) ([]notice, error) {
	var d detail
	if json.Unmarshal(raw, &d) != nil || d.Bucket.Name == "" || d.Object.Key == "" {
		return nil, unfamiliar(event)
	}
	return []notice{{Object: inbox.Object{
		Bucket: d.Bucket.Name, Key: d.Object.Key, Version: known(d.Object.VersionID), ETag: strings.Trim(d.Object.ETag, `"`),
	}}}, nil
}

func notified(event json.RawMessage, records []json.RawMessage) ([]notice, error) {
	var notices []notice
	for _, raw := range records {
		var r record
		if err := json.Unmarshal(raw, &r); err != nil || r.S3.Bucket.Name == "" || r.S3.Object.Key == "" {
			return nil, unfamiliar(event)
		}
		if r.EventName != "" && !strings.Contains(r.EventName, "ObjectCreated:") {
			continue
		}
		key, err := url.QueryUnescape(r.S3.Object.Key)
		if err != nil {
			return nil, fmt.Errorf("the key %q of an S3 notification is not URL-encoded: %w", r.S3.Object.Key, err)
		}
		notices = append(notices, notice{Object: inbox.Object{
			Bucket: r.S3.Bucket.Name, Key: key, Version: known(r.S3.Object.VersionID), ETag: strings.Trim(r.S3.Object.ETag, `"`),
		}})
	}
	return notices, nil
}

// known is a version id that names a version: a bucket without versions says "null".
func known(version string) string {
	if version == "null" {
		return ""
	}
	return version
}

// errUnfamiliar is an event of a shape that we do not know.
var errUnfamiliar = errors.New("this event is of an unfamiliar shape")

func unfamiliar(event []byte) error {
	const enough = 200
	text := strings.ToValidUTF8(string(event[:min(len(event), enough)]), "?")
	return fmt.Errorf("%w; it begins %q", errUnfamiliar, text)
}
