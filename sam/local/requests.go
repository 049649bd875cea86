package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/request"
)

// event is the part of a callback's event that a call is made of.
type event struct {
	Body string
}

// call delivers the callback of samples/events to the API, with a wrong token and then with the right one.
func (s story) call(ctx context.Context) error {
	text, err := os.ReadFile("samples/events/callback-http-api.json")
	if err != nil {
		return err
	}
	var e event
	if err := json.Unmarshal(text, &e); err != nil {
		return err
	}
	for _, c := range []struct {
		what, token string
		want        int
	}{{"wrong token", "not-the-token", http.StatusUnauthorized}, {"right token", callbackToken, http.StatusAccepted}} {
		status, err := s.post(ctx, c.token, e.Body)
		if err != nil {
			return err
		}
		fmt.Printf("  %-12s POST /callback answers %d\n", c.what, status)
		if status != c.want {
			return fmt.Errorf("with the %s the callback answers %d, and it should be %d", c.what, status, c.want)
		}
	}
	return nil
}

// post waits until the API is served.
func (s story) post(ctx context.Context, token, body string) (status int, err error) {
	err = eventually(ctx, time.Minute, func() error {
		call, err := http.NewRequestWithContext(ctx, http.MethodPost, s.callback, strings.NewReader(body))
		if err != nil {
			return err
		}
		call.Header.Set("Authorization", token)
		call.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(call)
		if err != nil {
			return err
		}
		status = response.StatusCode
		return response.Body.Close()
	})
	return status, err
}

// heard holds the record of the request that the sample's callback is about against what it says.
func (s story) heard(ctx context.Context) error {
	text, err := os.ReadFile("samples/events/callback-http-api.json")
	if err != nil {
		return err
	}
	var e event
	var said struct{ IntegrationID, RequestID, Status, Message string }
	if err := errors.Join(json.Unmarshal(text, &e), json.Unmarshal([]byte(e.Body), &said)); err != nil {
		return err
	}
	record, err := s.record(ctx, said.RequestID)
	if err != nil {
		return err
	}
	if record.Word == nil || record.Word.Status != said.Status || record.Asked != 0 {
		return fmt.Errorf("ROIT said %s of %s, and its record is %+v", said.Status, said.RequestID, record)
	}
	fmt.Printf("  record       s3://%s/%s: %s, ROIT says %s\n", stateBucket, record.Key(), record.State, record.Word.Status)
	return nil
}

func (s story) record(ctx context.Context, id string) (record request.Record, err error) {
	text, _, err := objects.Read(ctx, s.cloud.state, request.ID{Integration: integration, Request: id}.Key(), 1<<20)
	if err != nil {
		return record, err
	}
	return record, json.Unmarshal(text, &record)
}

// swept holds the report of reprocess against the simulator, and waits until the callbacks that the simulator made are in the
// records.
func (s story) swept(ctx context.Context) error {
	rows, err := s.report(ctx, "reports/reprocess/")
	if err != nil {
		return err
	}
	fmt.Println("  verdicts     " + counts(rows))
	if err := s.askedOnce(ctx, rows); err != nil {
		return err
	}
	fmt.Println("  upstream     was asked once for each of them")
	for _, id := range requests {
		err := eventually(ctx, time.Minute, func() error {
			record, err := s.record(ctx, id)
			if err == nil && (record.State != request.Done || record.Asked != 1) {
				err = fmt.Errorf("the record of %s says %s after %d asks, and it should be done after one", id, record.State, record.Asked)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	fmt.Println("  callbacks    came through the API, and every record says done")
	return nil
}

func (s story) askedOnce(ctx context.Context, rows []row) error {
	truths, err := s.truths(ctx)
	if err != nil {
		return err
	}
	if len(rows) != len(requests) {
		return fmt.Errorf("the report has %d rows, and the file %d requests", len(rows), len(requests))
	}
	var faults []error
	for i, id := range requests {
		t := truths[id]
		if rows[i]["requestId"] != id || rows[i]["result"] != "accepted" || t.Asked != 1 || t.Doubles != 0 {
			faults = append(faults, fmt.Errorf("the report says %s of %s, and upstream says %+v", rows[i]["result"], rows[i]["requestId"], t))
		}
	}
	return errors.Join(faults...)
}
