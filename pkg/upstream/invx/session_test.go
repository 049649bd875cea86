package invx

import (
	"context"
	"encoding/json"
	"fmt"
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

// theodore is a login service and an InvX that accepts only the tokens it has granted, and keeps a diary of both.
type theodore struct {
	*testing.T
	*httptest.Server

	mu      sync.Mutex
	diary   []string
	granted int
	valid   map[string]bool
	life    time.Duration // of a token
	clock   time.Time     // its own clock; the client's too unless a test says otherwise
	now     time.Time     // the client's clock

	onLogin, onRefresh, onCall func(w http.ResponseWriter) (done bool) // to answer otherwise; nil for not
}

func newTheodore(t *testing.T) *theodore {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := &theodore{T: t, valid: map[string]bool{}, life: time.Hour, clock: start, now: start}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /x/theodore/apis/v1/authtokens", s.login)
	mux.HandleFunc("PUT /x/theodore/apis/v1/authtokens", s.refresh)
	mux.HandleFunc("POST /x/theodore/apis/v1/logout", s.logout)
	mux.HandleFunc("PATCH /x/invx/apis/v1/orgs/o/edocuments/bulk", s.deny)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { t.Errorf("unexpected %s %s", r.Method, r.URL) })
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

func (s *theodore) client() *Client {
	return mustNew(s.T, Config{URL: s.URL + "/x", Org: "o", Handle: "a@b.example", Password: upstream.NewSecret("hunter2"), Now: s.Now})
}

func (s *theodore) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

// later moves both clocks.
func (s *theodore) later(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now, s.clock = s.now.Add(d), s.clock.Add(d)
}

// expire makes every token invalid.
func (s *theodore) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.valid)
}

func (s *theodore) note(entry string) { s.diary = append(s.diary, entry) }

func (s *theodore) login(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note("login")
	var got map[string]any
	json.NewDecoder(r.Body).Decode(&got)
	want := map[string]any{"handle": "a@b.example", "handleType": "email", "password": "hunter2", "tokenDurationInMins": 360.0}
	if !reflect.DeepEqual(got, want) {
		s.Errorf("logged in with %v, want %v", got, want)
	}
	if s.onLogin == nil || !s.onLogin(w) {
		s.grant(w)
	}
}

func (s *theodore) refresh(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.note("refresh " + token)
	switch {
	case s.onRefresh != nil && s.onRefresh(w):
	case !s.valid[token]:
		refuse(w, 403, "err-invalid-token")
	default:
		s.grant(w)
	}
}

func (s *theodore) logout(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.note("logout " + token)
	if !s.valid[token] {
		refuse(w, 403, "err-invalid-token")
	}
	delete(s.valid, token)
}

func (s *theodore) deny(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	io.Copy(io.Discard, r.Body)
	token := r.Header.Get("X-FLYNN-N-USER-TOKEN")
	s.note("deny " + token)
	switch {
	case s.onCall != nil && s.onCall(w):
	case !s.valid[token]:
		refuse(w, 403, "err-expired-token")
	default:
		io.WriteString(w, `{"status":"1","data":[]}`)
	}
}

func (s *theodore) grant(w http.ResponseWriter) {
	s.granted++
	token := fmt.Sprintf("t%d", s.granted)
	s.valid[token] = true
	w.Header().Set("Date", s.clock.Format(http.TimeFormat))
	fmt.Fprintf(w, `{"data":{"token":%q,"userId":"u","expiry":%d,"associatedOrgs":[]}}`, token, s.clock.Add(s.life).UnixMilli())
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"message":%q,"type":"Authorization"}}`, code)
}

// always refuses whatever comes.
func always(status int, code string) func(http.ResponseWriter) bool {
	return func(w http.ResponseWriter) bool { refuse(w, status, code); return true }
}

// wantDiary compares what was heard so far, and begins a new page.
func (s *theodore) wantDiary(want ...string) {
	s.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !reflect.DeepEqual(s.diary, want) {
		s.Errorf("the requests were %q, want %q", s.diary, want)
	}
	s.diary = nil
}

func denyOne(c *Client) error {
	_, err := c.DenyBulk(context.Background(), []Denial{{"d1", "why"}})
	return err
}

func (s *theodore) wantDenied(c *Client) {
	s.Helper()
	if err := denyOne(c); err != nil {
		s.Error(err)
	}
}

func (s *theodore) wantJudged(err error, want upstream.Disposition) {
	s.Helper()
	if got, reason := upstream.Judge(err); got != want {
		s.Errorf("judged %v (%s), want %v: %v", got, reason, want, err)
	}
}

func TestSession(t *testing.T) {
	tell := func(name string, story func(*theodore, *Client)) {
		t.Run(name, func(t *testing.T) {
			s := newTheodore(t)
			story(s, s.client())
		})
	}
	tell("LogsInOnceAndOut", func(s *theodore, c *Client) {
		for range 2 {
			if err := c.Login(s.Context()); err != nil {
				s.Error(err)
			}
		}
		s.wantDenied(c)
		ctx, cancel := context.WithCancel(s.Context())
		cancel() // a run that was interrupted logs out too
		for range 2 {
			if err := c.Close(ctx); err != nil {
				s.Error(err)
			}
		}
		s.wantDiary("login", "deny t1", "logout t1")
	})
	tell("LogoutOfADeadSessionIsFine", func(s *theodore, c *Client) {
		s.wantDenied(c)
		s.expire()
		if err := c.Close(s.Context()); err != nil {
			s.Error(err)
		}
	})
	tell("NeverLoggedInNeverLogsOut", func(s *theodore, c *Client) {
		if err := c.Close(s.Context()); err != nil {
			s.Error(err)
		}
		s.wantDiary()
	})
	tell("RefreshesAheadOfTime", func(s *theodore, c *Client) {
		s.wantDenied(c)
		s.later(47 * time.Minute)
		s.wantDenied(c)
		s.wantDiary("login", "deny t1", "deny t1")
		s.later(time.Minute) // four fifths of an hour
		s.wantDenied(c)
		c.tokens.Take(s.Context()) // waits for the renewal
		s.mu.Lock()
		heard := strings.Join(s.diary, ", ")
		s.mu.Unlock()
		if !strings.Contains(heard, "refresh t1") || strings.Contains(heard, "login") {
			s.Errorf("the requests were %s", heard)
		}
	})
	tell("MeasuresLifeByTheodoresClock", func(s *theodore, c *Client) {
		s.clock = s.clock.Add(-7 * time.Hour) // to the client every token seems long expired
		s.wantDenied(c)
		s.later(47 * time.Minute)
		s.wantDenied(c)
		s.wantDiary("login", "deny t1", "deny t1")
	})
	tell("LogsInWhenTheSessionEnds", func(s *theodore, c *Client) {
		s.wantDenied(c)
		s.later(6 * time.Hour)
		s.wantDenied(c)
		s.wantDiary("login", "deny t1", "login", "deny t2")
	})
	tell("RefreshesAfterTheTokenEndedWithinTheSession", func(s *theodore, c *Client) {
		s.wantDenied(c)
		s.later(2 * time.Hour)
		s.wantDenied(c)
		s.wantDiary("login", "deny t1", "refresh t1", "deny t2")
	})
	tell("LogsInWhenTheRefreshIsRefused", func(s *theodore, c *Client) {
		s.wantDenied(c)
		s.expire()
		s.wantDenied(c)
		s.wantDiary("login", "deny t1", "deny t1", "refresh t1", "login", "deny t2")
	})
	for _, status := range []int{400, 404, 405} {
		tell(fmt.Sprintf("LogsInWhenRefreshingIsAnswered%d", status), func(s *theodore, c *Client) {
			s.onRefresh = always(status, "err-x")
			s.wantDenied(c)
			s.expire()
			s.wantDenied(c)
			s.wantDiary("login", "deny t1", "deny t1", "refresh t1", "login", "deny t2")
		})
	}
	tell("KeepsTheSessionWhenTheodoreIsDown", func(s *theodore, c *Client) {
		s.wantDenied(c)
		s.onRefresh = always(503, "")
		s.expire()
		s.wantJudged(denyOne(c), upstream.Unsent)
		s.wantDiary("login", "deny t1", "deny t1", "refresh t1")
	})
	tell("EightCallersOneRenewal", func(s *theodore, c *Client) {
		s.wantDenied(c)
		s.expire()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() { s.wantDenied(c) })
		}
		wg.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		count := map[string]int{}
		for _, entry := range s.diary {
			count[entry]++
		}
		if count["login"] != 2 || count["refresh t1"] != 1 || count["deny t2"] != 8 || count["deny t1"] > 9 {
			s.Errorf("the requests were %v", count)
		}
	})
	tell("RefusedAgainWithANewTokenIsForbidden", func(s *theodore, c *Client) {
		s.onCall = always(403, "err-invalid-org")
		s.wantJudged(denyOne(c), upstream.Forbidden)
		s.wantDiary("login", "deny t1", "refresh t1", "deny t2")
		err := denyOne(c) // and the next call renews nothing any more
		s.wantJudged(err, upstream.Forbidden)
		s.wantDiary("deny t2")
		if e, ok := err.(*upstream.Error); !ok || e.Code != "err-invalid-org" {
			s.Errorf("got %v", err)
		}
	})
	tell("AnExpiredTokenInsideASuccessIsRenewed", func(s *theodore, c *Client) {
		s.onCall = func(w http.ResponseWriter) bool {
			s.onCall = nil
			io.WriteString(w, `{"status":"0","data":null,"error":{"message":"err-expired-token"}}`)
			return true
		}
		s.wantDenied(c)
		s.wantDiary("login", "deny t1", "refresh t1", "deny t2")
	})
	tell("TooManySessionsAtLoginStops", func(s *theodore, c *Client) {
		s.onLogin = always(401, "err-active-tokens-limit-exceeded")
		for range 3 {
			err := denyOne(c)
			s.wantJudged(err, upstream.Unauthorized)
			if !strings.Contains(err.Error(), "all ten sessions of this user are in use") {
				s.Errorf("the error does not help: %v", err)
			}
		}
		s.wantDiary("login")
	})
	tell("TooManySessionsAtACallStops", func(s *theodore, c *Client) {
		s.onCall = always(401, "err-active-tokens-limit-exceeded")
		s.wantJudged(denyOne(c), upstream.Unauthorized)
		s.wantDiary("login", "deny t1")
	})
	tell("TooManySessionsAtRefreshStops", func(s *theodore, c *Client) {
		s.wantDenied(c)
		s.expire()
		s.onRefresh = always(401, "err-active-tokens-limit-exceeded")
		s.wantJudged(denyOne(c), upstream.Unauthorized)
		s.wantDiary("login", "deny t1", "deny t1", "refresh t1")
	})
	for _, status := range []int{400, 403, 404, 422} {
		tell(fmt.Sprintf("ALoginAnswered%dIsALoginError", status), func(s *theodore, c *Client) {
			s.onLogin = always(status, "err-bad-credentials")
			err := c.Login(s.Context())
			if _, ok := err.(*LoginError); !ok {
				s.Errorf("got %T: %v", err, err)
			}
			err = denyOne(c)
			s.wantJudged(err, upstream.Forbidden)
			if !strings.Contains(err.Error(), "err-bad-credentials") {
				s.Errorf("got %v", err)
			}
			s.wantDiary("login") // the account is not locked by repeating it
		})
	}
	for name, body := range map[string]string{
		"Empty": ``, "HTML": `<html>`, "NoToken": `{"data":{"expiry":1}}`, "NoData": `{}`, "NullData": `{"data":null}`,
		"NullToken": `{"data":{"token":null}}`, "ListData": `{"data":[]}`, "NoHeader": `{"data":{"token":"a\nb"}}`, "List": `[1]`,
	} {
		tell("ALoginAnsweredWith"+name+"IsAskedAgainLater", func(s *theodore, c *Client) {
			s.onLogin = func(w http.ResponseWriter) bool { io.WriteString(w, body); return true }
			s.wantJudged(denyOne(c), upstream.Unsent)
			s.onLogin = nil
			s.wantDenied(c)
		})
	}
	tell("ARefusalInsideASuccessfulLogin", func(s *theodore, c *Client) {
		s.onLogin = func(w http.ResponseWriter) bool {
			io.WriteString(w, `{"status":"0","data":null,"error":{"message":"err-bad-credentials"}}`)
			return true
		}
		s.wantJudged(denyOne(c), upstream.Forbidden)
	})
}

func TestExpiryIsReadLeniently(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	for name, c := range map[string]struct {
		expiry string
		life   time.Duration
	}{
		"Number":  {fmt.Sprint(now.Add(time.Hour).UnixMilli()), time.Hour},
		"String":  {fmt.Sprintf("%q", fmt.Sprint(now.Add(time.Hour).UnixMilli())), time.Hour},
		"Seconds": {fmt.Sprint(now.Add(time.Hour).Unix()), time.Hour},
		"Null":    {"null", assumedLife},
		"Past":    {"1", assumedLife},
		"Absurd":  {"9e14", assumedLife},
		"Words":   {`"soon"`, assumedLife},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil
				fmt.Fprintf(w, `{"data":{"token":"t","expiry":%s}}`, c.expiry)
			}))
			defer srv.Close()
			client := mustNew(t, Config{URL: srv.URL, Org: "o", Handle: "a@b", Password: upstream.NewSecret("p"), Now: func() time.Time { return now }})
			grant, err := client.session.login(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := grant.Until.Sub(now); got != c.life {
				t.Errorf("a token with the expiry %s lives for %v, want %v", c.expiry, got, c.life)
			}
		})
	}
}

func TestRenewAfter(t *testing.T) {
	for life, want := range map[time.Duration]time.Duration{
		6 * time.Hour:    288 * time.Minute,
		20 * time.Minute: 16 * time.Minute,
		6 * time.Minute:  4 * time.Minute,
		3 * time.Minute:  90 * time.Second,
		time.Minute:      30 * time.Second,
	} {
		if got := renewAfter(life); got != want {
			t.Errorf("a token of %v is renewed after %v, want %v", life, got, want)
		}
	}
}

func TestHandleType(t *testing.T) {
	for handle, want := range map[string]string{"a@b.example": "email", "9876543210": "mobile", "+919876543210": "mobile", "+": "email", "12a": "email"} {
		if got := handleType(handle); got != want {
			t.Errorf("%s is a handle of type %s, want %s", handle, got, want)
		}
	}
}

func TestAReadyTokenIsNeverRenewed(t *testing.T) {
	s := newTheodore(t)
	c := mustNew(t, Config{URL: s.URL + "/x", Org: "o", Token: upstream.NewSecret("ready"), Now: s.Now})
	if err := c.Login(t.Context()); err != nil {
		t.Error(err)
	}
	s.wantJudged(denyOne(c), upstream.Forbidden)
	if err := c.Close(t.Context()); err != nil {
		t.Error(err)
	}
	s.wantDiary("deny ready")
}
