package upstreamtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// answer is what a test looks at in an HTTP answer.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // the answer did not come, or not whole
}

// ask sends a request with the server's token.
func ask(t *testing.T, s *Server, method, url, body string, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Token())
	for i := 0; i < len(header); i += 2 {
		if req.Header.Del(header[i]); header[i+1] != "" {
			req.Header.Set(header[i], header[i+1])
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return answer{res.StatusCode, res.Header, string(got), err}
}

// deny asks for documents to be denied.
func deny(t *testing.T, s *Server, ids ...string) answer {
	t.Helper()
	return ask(t, s, "PATCH", s.BulkURL(), denials(ids...))
}

func denials(ids ...string) string {
	var b bytes.Buffer
	for i, id := range ids {
		fmt.Fprintf(&b, `,{"docId":%q,"comments":"wrong %s","action":"dny"}`, id, ids[i])
	}
	return "[" + strings.TrimPrefix(b.String(), ",") + "]"
}

func read(t *testing.T, s *Server, id string) answer {
	t.Helper()
	return ask(t, s, "GET", s.DocumentURL(id), "")
}

// bulkAnswer is a bulk answer as documented.
type bulkAnswer struct {
	Status string
	Data   []itemAnswer
	Error  errorAnswer
}

type itemAnswer struct {
	ItemStatus string
	ItemData   *documentAnswer
	ItemErrors any
	ItemKey    *string
}

type documentAnswer struct {
	ID             string
	Status         string
	DenialComments string
	LastUpdated    int64
}

type errorAnswer struct {
	Message string
	Type    string
	Args    map[string]string
}

func (a answer) bulk(t *testing.T) (b bulkAnswer) {
	t.Helper()
	a.decode(t, &b)
	return b
}

// document is the document that a reading shows.
func (a answer) document(t *testing.T) documentAnswer {
	t.Helper()
	var one struct{ Data documentAnswer }
	a.decode(t, &one)
	return one.Data
}

func (a answer) code(t *testing.T) string {
	t.Helper()
	return a.bulk(t).Error.Message
}

func (a answer) decode(t *testing.T, into any) {
	t.Helper()
	if a.err != nil {
		t.Fatal(a.err)
	}
	if err := json.Unmarshal([]byte(a.body), into, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%v in %s", err, a.body)
	}
}

// verdicts is each item as "id status code", in order.
func (a answer) verdicts(t *testing.T) string {
	t.Helper()
	var lines []string
	for _, it := range a.bulk(t).Data {
		line := it.ItemStatus
		if it.ItemData != nil {
			line += " " + it.ItemData.ID + " " + it.ItemData.Status
		}
		if e, ok := it.ItemErrors.(map[string]any); ok {
			line += fmt.Sprint(" ", e["message"])
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func wantApplied(t *testing.T, s *Server, want map[string]int) {
	t.Helper()
	for id, n := range want {
		if got := s.Truth(id).Applied; got != n {
			t.Errorf("%s was denied %d times, want %d", id, got, n)
		}
	}
}

func wantNoViolations(t *testing.T, s *Server) {
	t.Helper()
	if got := s.Violations(); len(got) > 0 {
		t.Errorf("violations: %q", got)
	}
}

// threeDocuments has a good one, a cancelled one and another good one.
func threeDocuments(t *testing.T, cfg Config) *Server {
	t.Helper()
	s := Start(t, cfg)
	if err := s.Add(Document{DocID: "a"}, Document{DocID: "b", Status: "240"}, Document{DocID: "c"}); err != nil {
		t.Fatal(err)
	}
	return s
}
