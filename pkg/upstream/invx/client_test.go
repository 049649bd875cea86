package invx

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"denybatch/pkg/upstream"
)

const (
	org  = "6f1d5c8e-0000-4000-8000-000000000001"
	doc  = "0f8fad5b-d9cb-469f-a165-708677289501"
	base = "/gateway"
)

// setup is a client with a ready token, and the mux of the server it speaks to, mounted under a base path.
func setup(t *testing.T) (*Client, *http.ServeMux) {
	mux := http.NewServeMux()
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return mustNew(t, Config{URL: srv.URL + base, Org: org, Token: upstream.NewSecret("tok")}), mux
}

func mustNew(t *testing.T, cfg Config) *Client {
	t.Helper()
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const (
	bulkRoute = "PATCH " + base + "/invx/apis/v1/orgs/" + org + "/edocuments/bulk"
	readRoute = "GET " + base + "/invx/apis/v1/orgs/" + org + "/edocuments/{docId}"
)

// replies answers every request with a status and a body.
func replies(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

func TestDenyBulkSends(t *testing.T) {
	c, mux := setup(t)
	odd := "a \"quoted\" \\ line\nwith ü, 😀, \u2028, </script> and \x01"
	denials := []Denial{{doc, "Goods never arrived"}, {"b", odd}, {"c", "broken \xff text"}}
	mux.HandleFunc(bulkRoute, func(w http.ResponseWriter, r *http.Request) {
		var got []map[string]string
		if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
			t.Error(err)
		}
		want := []map[string]string{
			{"docId": doc, "comments": "Goods never arrived", "action": "dny"},
			{"docId": "b", "comments": odd, "action": "dny"},
			{"docId": "c", "comments": "broken \ufffd text", "action": "dny"},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("sent %q, want %q", got, want)
		}
		if r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Accept") != "application/json" {
			t.Errorf("sent headers %v", r.Header)
		}
		w.Header().Set("Date", "Sun, 01 Mar 2026 11:00:00 GMT")
		io.WriteString(w, `{"status":"1","data":[],"error":null,"info":null}`)
	})
	answer, err := c.DenyBulk(t.Context(), denials)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC); !answer.Date.Equal(want) || len(answer.Items) != 0 {
		t.Errorf("the answer is %+v", answer)
	}
}

func TestNothingToDenyIsNotSent(t *testing.T) {
	c, mux := setup(t)
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	if answer, err := c.DenyBulk(t.Context(), nil); err != nil || len(answer.Items) != 0 {
		t.Errorf("got %v, %v", answer, err)
	}
}

func TestAuthSchemes(t *testing.T) {
	for scheme, want := range map[AuthScheme][3]string{
		"":     {"Bearer tok", "tok", org},
		Both:   {"Bearer tok", "tok", org},
		Bearer: {"Bearer tok", "", ""},
		Flynn:  {"", "tok", org},
	} {
		t.Run(string(scheme), func(t *testing.T) {
			var got [3]string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = [3]string{r.Header.Get("Authorization"), r.Header.Get("X-FLYNN-N-USER-TOKEN"), r.Header.Get("X-FLYNN-N-ORG-ID")}
				io.WriteString(w, `{"data":[]}`)
			}))
			defer srv.Close()
			c := mustNew(t, Config{URL: srv.URL, Org: org, Auth: scheme, Token: upstream.NewSecret("tok")})
			if _, err := c.DenyBulk(t.Context(), []Denial{{doc, "x"}}); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("sent %q, want %q", got, want)
			}
		})
	}
}

func TestGet(t *testing.T) {
	for _, id := range []string{doc, strings.ToUpper(doc), "a/b?c#d%e ü"} {
		c, mux := setup(t)
		mux.HandleFunc(readRoute, func(w http.ResponseWriter, r *http.Request) {
			if got := r.PathValue("docId"); got != id {
				t.Errorf("asked for %q, want %q", got, id)
			}
			w.Header().Set("Date", "Sun, 01 Mar 2026 11:00:00 GMT")
			id, _ := json.Marshal(strings.ToLower(id))
			io.WriteString(w, `{"status":"1","data":{"id":`+string(id)+`,"status":"220","denialComments":"why","lastUpdated":1678192312345},"error":null}`)
		})
		reading, err := c.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		got := reading.Document
		if got.ID != strings.ToLower(id) || got.Status != StatusDenied || got.DenialComments != "why" || got.LastUpdated.UnixMilli() != 1678192312345 {
			t.Errorf("read %+v", got)
		}
		if reading.Date.IsZero() {
			t.Error("the reading has no date")
		}
	}
}

func TestGetSendsNoIDThatIsAnotherAddress(t *testing.T) {
	c, mux := setup(t)
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) { t.Error("something was sent") })
	for _, id := range []string{"", ".", ".."} {
		_, err := c.Get(t.Context(), id)
		if d, _ := upstream.Judge(err); d != upstream.Refused {
			t.Errorf("%q is judged %v: %v", id, d, err)
		}
	}
}

func TestNotFound(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   bool
		judged upstream.Disposition
	}{
		{"InUpstreamsWords", 404, `{"error":{"message":"err-resource-not-found","type":"ResourceNotFound"}}`, true, upstream.Refused},
		{"AsASentence", 404, `{"error":{"message":"no such document"}}`, true, upstream.Refused},
		{"InsideASuccess", 200, `{"status":"0","error":{"message":"err-resource-not-found"}}`, true, upstream.Refused},
		{"InsideAnItem", 200, `{"status":"1","data":{"itemStatus":"0","itemData":null,"itemErrors":[{"message":"err-resource-not-found"}]}}`, true, upstream.Refused},
		{"FromAWebServer", 404, `<html><h1>404 Not Found</h1></html>`, false, upstream.Misdirected},
		{"FromAFramework", 404, `{"timestamp":1,"status":404,"error":"Not Found","path":"/x"}`, false, upstream.Misdirected},
		{"FromAGateway", 404, `{"message":"no Route matched with those values"}`, false, upstream.Misdirected},
		{"Empty", 404, ``, false, upstream.Misdirected},
		{"AnotherRefusal", 400, `{"error":{"message":"err-issue-with-parameter"}}`, false, upstream.Refused},
		{"Found", 200, `{"data":{"id":"` + doc + `"}}`, false, upstream.Fine},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, mux := setup(t)
			mux.HandleFunc(readRoute, replies(c.status, c.body))
			_, err := client.Get(t.Context(), doc)
			if got := NotFound(err); got != c.want {
				t.Errorf("NotFound says %v: %v", got, err)
			}
			if d, _ := upstream.Judge(err); d != c.judged {
				t.Errorf("judged %v, want %v: %v", d, c.judged, err)
			}
		})
	}
}

func TestConfigFaultsComeAtOnce(t *testing.T) {
	_, err := New(Config{URL: "ftp://u:hunter2@host/?q", Auth: "basic", Token: upstream.NewSecret("a\nb"), Password: upstream.NewSecret("p")})
	for _, want := range []string{"InvX URL", "organisation", "auth scheme", `"basic"`, "both a token and a login", "handle", "InvX token"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("the error tells a password: %v", err)
	}
}

func TestConfig(t *testing.T) {
	token := upstream.NewSecret("t")
	good := Config{URL: "https://h", Org: "o", Token: token}
	for _, c := range []struct {
		name  string
		with  func(*Config)
		fault string // empty for none
	}{
		{"Good", func(*Config) {}, ""},
		{"Login", func(c *Config) { c.Token, c.Handle, c.Password = upstream.Secret{}, "a@b", token }, ""},
		{"TrailingSlash", func(c *Config) { c.URL = "https://h/base/" }, ""},
		{"NoURL", func(c *Config) { c.URL = "" }, "InvX URL: missing"},
		{"RelativeURL", func(c *Config) { c.URL = "h/base" }, "must begin with"},
		{"NoHost", func(c *Config) { c.URL = "https:///x" }, "names no host"},
		{"Query", func(c *Config) { c.URL = "https://h?x=1" }, "query"},
		{"EmptyQuery", func(c *Config) { c.URL = "https://h?" }, "query"},
		{"Fragment", func(c *Config) { c.URL = "https://h#x" }, "fragment"},
		{"UserInfo", func(c *Config) { c.URL = "https://u:p@h" }, "user name"},
		{"NotAURL", func(c *Config) { c.URL = "https://h:x:y/%zz" }, "cannot be parsed"},
		{"BadTheodore", func(c *Config) { c.TheodoreURL = "h" }, "theodore URL"},
		{"NoOrg", func(c *Config) { c.Org = "" }, "organisation: missing"},
		{"OrgWithLineEnd", func(c *Config) { c.Org = "o\n" }, "organisation: must be"},
		{"OrgIsAPath", func(c *Config) { c.Org = ".." }, "organisation: is not"},
		{"NoCredentials", func(c *Config) { c.Token = upstream.Secret{} }, "neither"},
		{"NoPassword", func(c *Config) { c.Token, c.Handle = upstream.Secret{}, "a@b" }, "password: missing"},
		{"NoHandle", func(c *Config) { c.Token, c.Password = upstream.Secret{}, token }, "handle: missing"},
		{"TokenWithSpace", func(c *Config) { c.Token = upstream.NewSecret("Bearer x") }, "InvX token"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := good
			c.with(&cfg)
			_, err := New(cfg)
			if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("got %v, want %q", err, c.fault)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		given Config
		want  [2]string
	}{
		{Config{URL: "https://h"}, [2]string{"https://h/invx/apis/v1/orgs/a%20b/edocuments", "https://h/theodore/apis/v1"}},
		{Config{URL: "https://h/base/"}, [2]string{"https://h/base/invx/apis/v1/orgs/a%20b/edocuments", "https://h/base/theodore/apis/v1"}},
		{Config{URL: "https://h/base/invx/apis/v1"}, [2]string{"https://h/base/invx/apis/v1/orgs/a%20b/edocuments", "https://h/base/theodore/apis/v1"}},
		{Config{URL: "https://h/invx"}, [2]string{"https://h/invx/invx/apis/v1/orgs/a%20b/edocuments", "https://h/invx/theodore/apis/v1"}},
		{Config{URL: "https://h", TheodoreURL: "https://login/t/v1/"}, [2]string{"https://h/invx/apis/v1/orgs/a%20b/edocuments", "https://login/t/v1"}},
	} {
		given := c.given
		given.Org, given.Handle, given.Password = "a b", "a@b", upstream.NewSecret("p")
		cfg := given.withDefaults()
		if got := [2]string{cfg.documents(), cfg.TheodoreURL}; got != c.want {
			t.Errorf("%s leads to %q, want %q", given.URL, got, c.want)
		}
	}
}

func TestManyCallsAtOnce(t *testing.T) {
	c, mux := setup(t)
	mux.HandleFunc(bulkRoute, func(w http.ResponseWriter, r *http.Request) {
		var sent []struct{ DocID, Comments string }
		json.NewDecoder(r.Body).Decode(&sent)
		var items []string
		for _, d := range sent {
			items = append(items, `{"itemStatus":"1","itemData":{"id":"`+d.DocID+`","status":"220","denialComments":"`+d.Comments+`"}}`)
		}
		io.WriteString(w, `{"status":"1","data":[`+strings.Join(items, ",")+`]}`)
	})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			mine := string(rune('a' + g))
			for n := range 30 {
				denials := make([]Denial, 1+n)
				for i := range denials {
					denials[i] = Denial{mine + strings.Repeat("x", i), strings.Repeat(mine, n)}
				}
				answer, err := c.DenyBulk(context.Background(), denials)
				if err != nil || len(answer.Items) != len(denials) {
					t.Errorf("%d items, %v", len(answer.Items), err)
					return
				}
				for i, item := range answer.Items {
					if item.Document.ID != denials[i].DocID || item.Document.DenialComments != denials[i].Comment {
						t.Errorf("sent %v, got %+v: buffers are mixed up", denials[i], item.Document)
					}
				}
			}
		})
	}
	wg.Wait()
}
