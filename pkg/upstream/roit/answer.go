package roit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// decode reads the body of a success. It is an error unless the body tells without doubt how the request fares; the
// error says what is odd, for a person will have to look at it. What stands around data is never judged by.
func decode(body []byte, about ids) (Answer, error) {
	envelope, err := readObject(body, "timestamp", "status", "message", "data")
	if err != nil {
		return Answer{}, err
	}
	answer := Answer{Timestamp: number(envelope["timestamp"]), Status: text(envelope["status"]), Message: text(envelope["message"])}
	data := envelope["data"]
	if kind(data) != '{' {
		return Answer{}, errors.New("the answer holds no data about the request")
	}
	members, err := readObject(data, "requestId", "integrationId", "status")
	if err != nil {
		return Answer{}, err
	}
	answer.Entity = entityStatus(members)
	answer.Entity.Raw = data
	return answer, judge(members, answer.Entity, about)
}

// judge compares what an answer says with what was asked.
func judge(members map[string]json.RawMessage, s EntityStatus, about ids) error {
	integration := members["integrationId"]
	switch absent := kind(integration) == 0 || kind(integration) == 'n'; {
	case kind(members["requestId"]) != '"':
		return errors.New("the answer does not say which request it is about")
	case !sameID(s.RequestID, about.RequestID):
		return fmt.Errorf("the answer is about another request, %s", quote(s.RequestID))
	case !absent && !sameID(s.IntegrationID, about.IntegrationID):
		return fmt.Errorf("the answer is about another integration, %s", quote(string(integration)))
	case kind(members["status"]) != '"':
		return errors.New("the answer holds no status of the request")
	case !s.Status.Known():
		return fmt.Errorf("the answer holds the unknown status %s, which somebody must look at", quote(string(s.Status)))
	}
	return nil
}

func entityStatus(members map[string]json.RawMessage) EntityStatus {
	return EntityStatus{
		ID:             text(members["id"]),
		Entity:         Entity(text(members["entity"])),
		MasterID:       text(members["masterId"]),
		RequestID:      text(members["requestId"]),
		Reference:      text(members["reference"]),
		IntegrationID:  text(members["integrationId"]),
		Type:           text(members["type"]),
		Status:         Status(text(members["status"])),
		IsPriority:     kind(members["isPriority"]) == 't',
		RetryAfter:     number(members["retryAfter"]),
		Message:        text(members["message"]),
		Metadata:       object(members["metadata"]),
		EntryReference: number(members["entryReference"]),
		EntryDate:      text(members["entryDate"]),
		SystemInfo:     object(members["systemInfo"]),
	}
}

// readObject reads one JSON object and nothing behind it. In none of its depths may a name stand twice, nor may one of
// the decisive names stand in other capitals: then it would depend on the reader what the answer says.
func readObject(body []byte, decisive ...string) (members map[string]json.RawMessage, err error) {
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	if kind(bytes.TrimLeft(body, " \t\r\n")) != '{' {
		return nil, errors.New("the answer is no JSON object")
	}
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, notJSON(body)
	}
	for name := range members {
		for _, want := range decisive {
			if name != want && strings.EqualFold(name, want) {
				return nil, fmt.Errorf("the answer names a field %s where %q was agreed", quote(name), want)
			}
		}
	}
	return members, nil
}

// checkJSON is strict: names that repeat, text that is not UTF-8 and anything behind the end are faults.
func checkJSON(body []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(body))
	_, err := d.ReadValue()
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("the answer names a field twice")
	case err != nil:
		return notJSON(body)
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return errors.New("the answer goes on after its end")
	}
	return nil
}

// notJSON says what a body is instead of JSON.
func notJSON(body []byte) error {
	trimmed := bytes.TrimSpace(body)
	switch {
	case len(trimmed) == 0:
		return errors.New("the answer is empty")
	case trimmed[0] == '<':
		return errors.New("the answer is HTML or XML instead of JSON")
	case cutOff(body):
		return errors.New("the answer is cut off")
	}
	return errors.New("the answer is not JSON")
}

func cutOff(body []byte) bool {
	_, err := jsontext.NewDecoder(bytes.NewReader(body)).ReadValue()
	return errors.Is(err, io.ErrUnexpectedEOF)
}

// kind is the first byte of a value, which tells what it is; zero when there is none.
func kind(raw json.RawMessage) byte {
	if len(raw) == 0 {
		return 0
	}
	return raw[0]
}

// text is a string; empty for anything else.
func text(raw json.RawMessage) (s string) {
	if kind(raw) == '"' {
		json.Unmarshal(raw, &s)
	}
	return s
}

// number is a number as it is written; empty for anything else.
func number(raw json.RawMessage) json.Number {
	if k := kind(raw); k == '-' || '0' <= k && k <= '9' {
		return json.Number(raw)
	}
	return ""
}

// object is an object as it is written; nil for anything else.
func object(raw json.RawMessage) json.RawMessage {
	if kind(raw) == '{' {
		return raw
	}
	return nil
}

// quote shows a text on one line if it is short. It never shows a part, in which no secret would be recognised.
func quote(s string) string {
	const enough = 40
	if n := utf8.RuneCountInString(s); n > enough {
		return fmt.Sprintf("of %d characters", n)
	}
	return fmt.Sprintf("%q", s)
}
