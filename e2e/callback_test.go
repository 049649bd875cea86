package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"denybatch/internal/request"
)

// call is one call of the deployed callback.
type call struct {
	name   string
	method string
	token  string // as the header Authorization says it
	media  string
	body   string
	want   int
}

func (c *cloud) call(t *testing.T, one call) (*http.Response, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), one.method, c.CallbackURL, strings.NewReader(one.body))
	if err != nil {
		t.Fatal(err)
	}
	if one.token != "" {
		req.Header.Set("Authorization", one.token)
	}
	if one.media != "" {
		req.Header.Set("Content-Type", one.media)
	}
	res, err := c.client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, body
}

func TestTheCallbackRefusesInProblems(t *testing.T) {
	c := theCloud(t)
	const right, media, word = "Bearer " + callbackToken, "application/json", `{"requestId":"door","integrationId":"door","status":"DONE"}`
	for _, one := range []call{
		{"NoToken", "POST", "", media, word, 401},
		{"AnotherToken", "POST", "Bearer " + callbackToken + "x", media, word, 401},
		{"TheTokenOfInvX", "POST", "Bearer " + invxToken, media, word, 401},
		{"GET", "GET", right, "", "", 405},
		{"PUT", "PUT", right, media, word, 405},
		{"OneMegabyte", "POST", right, media, `{"requestId":"` + strings.Repeat("x", 1<<20) + `"}`, 413},
		{"PlainText", "POST", right, "text/plain", word, 415},
		{"Deep", "POST", right, media, strings.Repeat(`{"a":[`, 20_000), 400},
		{"NoJSON", "POST", right, media, "hello", 400},
		{"NothingInIt", "POST", right, media, "{}", 400},
	} {
		t.Run(one.name, func(t *testing.T) {
			began := time.Now()
			res, body := c.call(t, one)
			if res.StatusCode != one.want {
				t.Errorf("got %d, want %d: %s", res.StatusCode, one.want, body)
			}
			var p struct {
				Type, Title, Detail string
				Status              int
			}
			if err := json.Unmarshal(body, &p); err != nil || p.Status != one.want || p.Title == "" || p.Detail == "" ||
				res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("the answer is no problem: %s %s", res.Header.Get("Content-Type"), body)
			}
			if text := string(body); strings.Contains(text, "secret") || strings.Contains(text, callbackToken) || strings.Contains(text, c.StateBucket) {
				t.Errorf("the problem tells too much: %s", text)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	if rec, ok := c.request(t, "door", "door"); ok {
		t.Errorf("a callback that was refused left %+v", rec)
	}
}

func TestACallbackAboutAStrangerIsRecorded(t *testing.T) {
	c := theCloud(t)
	for _, status := range []string{"DONE", "PROCESSING", "DONE"} {
		body := `{"requestId":"stranger","integrationId":"door","status":"` + status + `"}`
		if res, answer := c.call(t, call{method: "POST", token: callbackToken, media: "application/json", body: body}); res.StatusCode != http.StatusAccepted {
			t.Errorf("%s: got %d %s", status, res.StatusCode, answer)
		}
	}
	if rec, ok := c.request(t, "door", "stranger"); !ok || rec.State != request.Done || rec.Asked != 0 {
		t.Errorf("the record says %+v: want it done, and never asked for", rec)
	}
}

// request is what the state bucket knows of a request. The second result is false when that is nothing.
func (c *cloud) request(t *testing.T, integration, id string) (rec request.Record, ok bool) {
	t.Helper()
	text, ok := c.get(t, c.StateBucket, request.ID{Integration: integration, Request: id}.Key())
	if ok && json.Unmarshal(text, &rec) != nil {
		t.Fatalf("the record of %s/%s is %s", integration, id, text)
	}
	return rec, ok
}
