package upstreamtest

import (
	"strings"
	"testing"
	"time"
)

const loginBody = `{"handle":"buyer@example.com","handleType":"email","password":"right","tokenDurationInMins":30}`

func withLogin(t *testing.T, cfg Config) *Server {
	t.Helper()
	cfg.InvX.Auto, cfg.InvX.Handle, cfg.InvX.Password = true, "buyer@example.com", "right"
	return Start(t, cfg)
}

// theodore asks the login service and gives the token it answers.
func theodore(t *testing.T, s *Server, method, path, token, body string) (answer, string, time.Time) {
	t.Helper()
	got := ask(t, s, method, s.URL()+"/theodore/apis/v1/"+path, body, "Authorization", "Bearer "+token)
	var login struct {
		Data struct {
			Token  string
			Expiry int64
		}
	}
	got.decode(t, &login)
	return got, login.Data.Token, time.UnixMilli(login.Data.Expiry)
}

func as(token string) []string { return []string{"Authorization", "Bearer " + token} }

func TestLoginRefreshLogout(t *testing.T) {
	s := withLogin(t, Config{})
	_, token, expiry := theodore(t, s, "POST", "authtokens", "", loginBody)
	if left := time.Until(expiry); left < 29*time.Minute || left > 30*time.Minute {
		t.Errorf("the token lasts %v, want 30m", left)
	}
	if got := ask(t, s, "PATCH", s.BulkURL(), denials("a"), as(token)...); got.status != 200 {
		t.Errorf("with the token: %+v", got)
	}
	_, next, _ := theodore(t, s, "PUT", "authtokens", token, "")
	if got := ask(t, s, "GET", s.DocumentURL("a"), "", as(token)...).code(t); got != "err-expired-token" {
		t.Errorf("with the token before the refresh: %s", got)
	}
	if got, _, _ := theodore(t, s, "POST", "logout", next, ""); got.status != 200 {
		t.Errorf("logout: %+v", got)
	}
	if got := ask(t, s, "GET", s.DocumentURL("a"), "", as(next)...); got.status != 403 || got.code(t) != "err-invalid-token" {
		t.Errorf("after logout: %+v", got)
	}
	if got, _, _ := theodore(t, s, "PUT", "authtokens", next, ""); got.status != 403 {
		t.Errorf("refresh after logout: %+v", got)
	}
	want := Counters{BulkCalls: 1, BulkDocuments: 1, Applied: 1, Reads: 2, Logins: 1, Refreshes: 2, Logouts: 1}
	if got := s.Counters(); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
	wantNoViolations(t, s)
}

func TestLoginIsRefused(t *testing.T) {
	s := withLogin(t, Config{})
	for body, want := range map[string]string{
		strings.Replace(loginBody, "right", "wrong", 1):     "err-invalid-credentials",
		`{"handle":"buyer@example.com","password":"right"}`: "err-issue-with-parameter",
		`{"handleType":"email","password":"right"}`:         "err-issue-with-parameter",
		`not JSON`: "err-issue-with-parameter",
	} {
		if got, _, _ := theodore(t, s, "POST", "authtokens", "", body); got.code(t) != want {
			t.Errorf("%s: %s, want %s", body, got.code(t), want)
		}
	}
	if got := s.Counters().Violations; got != 3 {
		t.Errorf("%d violations, want 3: a wrong password is none", got)
	}
}

func TestLongTokensAreClamped(t *testing.T) {
	s := withLogin(t, Config{})
	_, _, expiry := theodore(t, s, "POST", "authtokens", "", strings.Replace(loginBody, "30", "9999", 1))
	if left := time.Until(expiry); left > 360*time.Minute {
		t.Errorf("the token lasts %v, want 6h", left)
	}
}

func TestSessionsAreCapped(t *testing.T) {
	s := withLogin(t, Config{InvX: InvX{SessionsUsed: 9}})
	_, token, _ := theodore(t, s, "POST", "authtokens", "", loginBody)
	if got, _, _ := theodore(t, s, "POST", "authtokens", "", loginBody); got.status != 401 || got.code(t) != "err-active-tokens-limit-exceeded" {
		t.Errorf("eleventh session: %+v", got)
	}
	if got, _, _ := theodore(t, s, "PUT", "authtokens", token, ""); got.status != 200 {
		t.Errorf("a refresh opens no session: %+v", got)
	}
	_, token, _ = theodore(t, s, "PUT", "authtokens", s.lastToken(), "")
	theodore(t, s, "POST", "logout", token, "")
	if got, _, _ := theodore(t, s, "POST", "authtokens", "", loginBody); got.status != 200 {
		t.Errorf("after a logout: %+v", got)
	}
}

// lastToken is the only live one.
func (s *Server) lastToken() string {
	for token := range s.invx.sessions.live {
		return token
	}
	return ""
}

func TestTokensExpireInTheirTime(t *testing.T) {
	var live sessions
	live.most = 10
	now := time.Now()
	token, _ := live.open(20*time.Minute, now)
	if _, refusal := live.use(token, now.Add(19*time.Minute)); refusal != nil {
		t.Errorf("after 19m: %v", refusal)
	}
	for range 5 {
		now = now.Add(19 * time.Minute)
		token, _, _ = live.renew(token, now)
	}
	now = now.Add(19 * time.Minute) // 114 of the session's 120 minutes
	token, last, _ := live.renew(token, now)
	if left := last.expires.Sub(now); left != 6*time.Minute {
		t.Errorf("the last token lasts %v, want the 6m that the session has left", left)
	}
	if _, refusal := live.use(token, now.Add(7*time.Minute)); refusal != expiredToken {
		t.Errorf("after the session: %v", refusal)
	}
	if _, _, refusal := live.renew(token, now.Add(7*time.Minute)); refusal != expiredToken {
		t.Errorf("refresh after the session: %v", refusal)
	}
}

func TestTokensDieEarly(t *testing.T) {
	s := withLogin(t, Config{Faults: "expire:calls=2"})
	_, token, _ := theodore(t, s, "POST", "authtokens", "", loginBody)
	for i, want := range []int{200, 200, 403, 403} {
		got := ask(t, s, "PATCH", s.BulkURL(), denials("a", "b"), as(token)...)
		if got.status != want {
			t.Errorf("call %d: HTTP %d, want %d", i+1, got.status, want)
		}
		if want == 403 && got.code(t) != "err-expired-token" {
			t.Errorf("call %d: %s", i+1, got.code(t))
		}
	}
	if got, _, _ := theodore(t, s, "PUT", "authtokens", token, ""); got.status != 403 {
		t.Errorf("refresh of a dead token: %+v", got)
	}
	_, token, _ = theodore(t, s, "POST", "authtokens", "", loginBody)
	if got := ask(t, s, "GET", s.DocumentURL("a"), "", as(token)...); got.status != 200 {
		t.Errorf("with a new token: %+v", got)
	}
}

func TestTokenHeaders(t *testing.T) {
	bearer := []string{"Authorization", "Bearer " + DefaultToken}
	flynn := []string{"Authorization", "", "X-FLYNN-N-USER-TOKEN", DefaultToken, "X-FLYNN-N-ORG-ID", DefaultOrg}
	both := append(flynn[2:], bearer...)
	for _, test := range []struct {
		name   string
		accept AuthScheme
		header []string
		want   string
	}{
		{"Bearer", AnyAuth, bearer, ""},
		{"Flynn", AnyAuth, flynn, ""},
		{"Both", AnyAuth, both, ""},
		{"None", AnyAuth, []string{"Authorization", ""}, "err-invalid-token"},
		{"Wrong", AnyAuth, as("guessed"), "err-invalid-token"},
		{"Differing", AnyAuth, append(as("guessed"), flynn[2:]...), "err-invalid-token"},
		{"FlynnWithoutOrg", AnyAuth, flynn[:4], "err-invalid-org"},
		{"BearerToFlynn", FlynnAuth, bearer, "err-invalid-token"},
		{"FlynnToBearer", BearerAuth, flynn, "err-invalid-token"},
		{"BothToFlynn", FlynnAuth, both, ""},
		{"BothToBearer", BearerAuth, both, ""},
		{"OtherOrg", AnyAuth, append(as(DefaultToken), "X-FLYNN-N-ORG-ID", "other"), "err-invalid-org"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Start(t, Config{InvX: InvX{Auto: true, Accept: test.accept}})
			got := ask(t, s, "PATCH", s.BulkURL(), denials("a"), test.header...)
			if got.code(t) != test.want || (got.status == 403) != (test.want != "") {
				t.Errorf("HTTP %d %s, want %s", got.status, got.code(t), test.want)
			}
			applied := 0
			if test.want == "" {
				applied = 1
			}
			wantApplied(t, s, map[string]int{"a": applied})
		})
	}
}

func TestOrganisationsAreKeptApart(t *testing.T) {
	s := Start(t, Config{InvX: InvX{Orgs: []string{"one", "two"}}})
	s.Add(Document{DocID: "a"}, Document{DocID: "b", Org: "two"}, Document{DocID: "c", Org: "elsewhere"})
	if got := deny(t, s, "a", "b", "c").verdicts(t); got != "1 a 220\n0 err-resource-not-found\n0 err-resource-not-found" {
		t.Errorf("as one: %s", got)
	}
	two := strings.Replace(s.BulkURL(), "/one/", "/two/", 1)
	if got := ask(t, s, "PATCH", two, denials("b")).verdicts(t); got != "1 b 220" {
		t.Errorf("as two: %s", got)
	}
	elsewhere := strings.Replace(s.BulkURL(), "/one/", "/elsewhere/", 1)
	if got := ask(t, s, "PATCH", elsewhere, denials("c")); got.status != 403 || got.code(t) != "err-invalid-org" {
		t.Errorf("as elsewhere: %+v", got)
	}
}
