package upstreamtest

import (
	"fmt"
	"strings"
	"testing"
)

func statusBody(requestID string, more string) string {
	return strings.TrimSuffix(names(requestID), "}") + `,"status":"DONE","reference":"ref","message":"booked"` + more + "}"
}

func TestStatusMovesARequest(t *testing.T) {
	s := startROIT(t, ROIT{})
	more := `,"entryReference":4900001234,"entryDate":"2026-01-02T03:04:05.678Z","systemInfo":{"system":"x"},"metadata":{"k":"v"}`
	got := askROIT(t, s, "status", statusBody(roitExample, more))
	data := *got.roit(t).Data
	if got.status != 200 || data["status"] != "DONE" || data["message"] != "booked" || data["entryReference"] != 4900001234.0 ||
		data["entryDate"] != "2026-01-02T03:04:05.678Z" || fmt.Sprint(data["systemInfo"]) != "map[system:x]" {
		t.Errorf("HTTP %d %s", got.status, got.body)
	}
	if truth := s.RequestTruth("", roitExample); truth.Status != "DONE" || truth.Updates != 1 || truth.Message != "booked" || truth.Asked != 0 {
		t.Errorf("truth %+v", truth)
	}
	if got := s.Calls()[0].String(); got != "status 1: "+roitExample+" DONE, HTTP 200" {
		t.Errorf("logged as %s", got)
	}
	wantNoViolations(t, s)
}

func TestStatusWantsWhatIsDocumented(t *testing.T) {
	good := statusBody(roitExample, "")
	for name, body := range map[string]string{
		"NoStatus":       strings.Replace(good, `"status":"DONE",`, "", 1),
		"UnknownStatus":  strings.Replace(good, "DONE", "BOOKED", 1),
		"NoReference":    strings.Replace(good, `"reference":"ref",`, "", 1),
		"NoMessage":      strings.Replace(good, `,"message":"booked"`, "", 1),
		"EmptyMessage":   strings.Replace(good, "booked", "", 1),
		"NoRequest":      strings.Replace(good, roitExample, "", 1),
		"TextAsNumber":   statusBody(roitExample, `,"entryReference":"4900001234"`),
		"NoDate":         statusBody(roitExample, `,"entryDate":"2024-12-31T00:00:00:SSZ"`),
		"ListAsMetadata": statusBody(roitExample, `,"metadata":[]`),
		"AKeyTooMuch":    statusBody(roitExample, `,"retryAfter":0`),
	} {
		s := startROIT(t, ROIT{})
		if got := askROIT(t, s, "status", body); got.status != 400 || s.Counters().Violations != 1 || s.RequestTruth("", roitExample).Status != "ERROR" {
			t.Errorf("%s: HTTP %d %s, violations %q", name, got.status, got.body, s.Violations())
		}
	}
}

func TestStatusWantsTheReference(t *testing.T) {
	s := startROIT(t, ROIT{})
	s.AddRequests(ROITRequest{RequestID: "x", Reference: "mine"})
	if got := askROIT(t, s, "status", statusBody("x", "")); got.status != 400 || got.said(t) != "another-reference" {
		t.Errorf("%+v", got)
	}
	if got := askROIT(t, s, "status", strings.Replace(statusBody("x", ""), `"ref"`, `"mine"`, 1)); got.status != 200 {
		t.Errorf("%+v", got)
	}
	if got := askROIT(t, s, "status", statusBody("nobody", "")); got.status != 404 {
		t.Errorf("%+v", got)
	}
	wantNoViolations(t, s)
}

// pendingIDs are the requests that an answer hands out.
func pendingIDs(t *testing.T, a answer) string {
	t.Helper()
	var list struct {
		Data []struct{ RequestID, Status string }
	}
	a.decode(t, &list)
	var all []string
	for _, one := range list.Data {
		all = append(all, one.RequestID+" "+one.Status)
	}
	return strings.Join(all, ", ")
}

func TestPendingChangesState(t *testing.T) {
	s := startROIT(t, ROIT{PendingLimit: 2})
	s.AddRequests(ROITRequest{RequestID: "a", Status: "PENDING"}, ROITRequest{RequestID: "b", Status: "RECEIVED"}, ROITRequest{RequestID: "c", Status: "DONE"},
		ROITRequest{RequestID: "d", Status: "PENDING", Type: "CTE"}, ROITRequest{RequestID: "e", Status: "PENDING", Entity: "SUPPLIER"},
		ROITRequest{RequestID: "f", Status: "PENDING", IntegrationID: "other"})
	body := `{"entity":"DOCUMENT","integrationId":"` + DefaultIntegration + `"}`
	for i, want := range []string{"a PROCESSING, b PROCESSING", "d PROCESSING", ""} {
		if got := pendingIDs(t, askROIT(t, s, "pending", body)); got != want {
			t.Errorf("call %d handed out %q, want %q", i+1, got, want)
		}
	}
	if truth := s.RequestTruth("", "a"); truth.Status != "PROCESSING" || truth.HandedOut != 1 || truth.Applied != 0 {
		t.Errorf("truth %+v", truth)
	}
	if got := askROIT(t, s, "pending", strings.Replace(body, "DOCUMENT", "SUPPLIER", 1)); pendingIDs(t, got) != "e PROCESSING" {
		t.Errorf("suppliers: %s", got.body)
	}
	if n := s.Counters(); n.PendingCalls != 4 || n.HandedOut != 4 {
		t.Errorf("counters %+v", n)
	}
	if got := s.Calls()[0].String(); got != "pending 1: 2 requests, HTTP 200" {
		t.Errorf("logged as %s", got)
	}
	wantNoViolations(t, s)
}

func TestPendingOfOneType(t *testing.T) {
	s := startROIT(t, ROIT{})
	s.AddRequests(ROITRequest{RequestID: "a", Status: "PENDING"}, ROITRequest{RequestID: "b", Status: "PENDING", Type: "CTE"})
	body := `{"entity":"DOCUMENT","integrationId":"` + DefaultIntegration + `","type":"CTE"}`
	if got := pendingIDs(t, askROIT(t, s, "pending", body)); got != "b PROCESSING" {
		t.Errorf("handed out %s", got)
	}
	for _, bad := range []string{`{"entity":"NFE","integrationId":"i"}`, `{"entity":"DOCUMENT"}`, `{"integrationId":"i"}`, strings.Replace(body, "type", "limit", 1)} {
		if got := askROIT(t, s, "pending", bad); got.status != 400 {
			t.Errorf("%s: %+v", bad, got)
		}
	}
	if got := s.Counters().Violations; got != 4 {
		t.Errorf("%d violations, want 4", got)
	}
}

func TestALostAnswerOfPendingHasHandedOut(t *testing.T) {
	s := Start(t, Config{Faults: "pending.lost@1"})
	s.AddRequests(ROITRequest{RequestID: "a", Status: "PENDING"})
	body := `{"entity":"DOCUMENT","integrationId":"` + DefaultIntegration + `"}`
	if got := askROIT(t, s, "pending", body); got.err == nil {
		t.Errorf("%+v", got)
	}
	if got := pendingIDs(t, askROIT(t, s, "pending", body)); got != "" || s.RequestTruth("", "a").HandedOut != 1 {
		t.Errorf("handed out again: %s, truth %+v", got, s.RequestTruth("", "a"))
	}
}

func TestAttachments(t *testing.T) {
	s := startROIT(t, ROIT{})
	s.AddRequests(ROITRequest{RequestID: "ready", Status: "PENDING"})
	got := askROIT(t, s, "attachs", names("ready"))
	var list struct{ Data []attachment }
	got.decode(t, &list)
	if got.status != 200 || len(list.Data) != 1 || list.Data[0].Base64 == "" {
		t.Errorf("%+v", got)
	}
	if got := askROIT(t, s, "attachs", names(roitExample)); got.status != 409 {
		t.Errorf("of a request in ERROR: %+v", got)
	}
	if s.RequestTruth("", "ready").Status != "PENDING" || s.Counters().AttachmentCalls != 2 {
		t.Errorf("counters %+v", s.Counters())
	}
	wantNoViolations(t, s)
}
