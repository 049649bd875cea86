package upstreamtest

import (
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
)

func TestTokenHeadersOfROIT(t *testing.T) {
	for _, test := range []struct {
		name, prefix, header string
		unauthorized, want   int
	}{
		{"Raw", "", DefaultROITToken, 0, 200},
		{"RawWithBearer", "", "Bearer " + DefaultROITToken, 0, 401},
		{"Bearer", "Bearer", "Bearer " + DefaultROITToken, 0, 200},
		{"BearerAsSpelt", "Bearer ", "Bearer " + DefaultROITToken, 0, 200},
		{"BearerWithout", "Bearer", DefaultROITToken, 0, 401},
		{"None", "", "", 0, 401},
		{"Wrong", "", "guessed", 403, 403},
		{"OfInvX", "", DefaultToken, 0, 401},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := startROIT(t, ROIT{AuthPrefix: test.prefix, Unauthorized: test.unauthorized})
			got := askROIT(t, s, "reprocess", names(roitExample), "Authorization", test.header)
			if got.status != test.want || (test.want != 200) != (got.said(t) == "invalid-token") {
				t.Errorf("HTTP %d %s, want %d", got.status, got.body, test.want)
			}
			if test.want == 200 {
				wantRequest(t, s, roitExample, "PROCESSING", 1, 1, 0)
			} else {
				wantRequest(t, s, roitExample, "ERROR", 0, 1, 0)
			}
			wantNoViolations(t, s)
		})
	}
}

func withROITLogin(t *testing.T, cfg Config) *Server {
	t.Helper()
	cfg.ROIT.TokenBody, cfg.ROIT.CallbackAfter, cfg.ROIT.Auto = map[string]string{"clientId": "us", "secret": "right"}, -1, true
	return Start(t, cfg)
}

func askToken(t *testing.T, s *Server, body string) answer {
	t.Helper()
	return ask(t, s, "POST", s.ROITTokenURL(), body, "Authorization", "")
}

const tokenBody = `{"clientId":"us","secret":"right","more":[]}`

func TestTokensOfROIT(t *testing.T) {
	s := withROITLogin(t, Config{ROIT: ROIT{TokenPath: "/auth/v1/token", TokenField: "data.access.token"}})
	if s.ROITToken() != "" || !strings.HasSuffix(s.ROITTokenURL(), "/auth/v1/token") {
		t.Fatalf("token %q at %s", s.ROITToken(), s.ROITTokenURL())
	}
	var got struct {
		Data struct{ Access struct{ Token string } }
	}
	askToken(t, s, tokenBody).decode(t, &got)
	token := got.Data.Access.Token
	if left := time.Until(expiryOf(t, token)); left < 8*time.Hour-time.Minute || left > 8*time.Hour {
		t.Errorf("the token lasts %v, want 8h", left)
	}
	if got := askROIT(t, s, "reprocess", names("a"), "Authorization", token); got.status != 200 {
		t.Errorf("with the token: %+v", got)
	}
	for body, want := range map[string]int{
		`{"clientId":"us","secret":"wrong"}`: 401, `{"clientId":"us"}`: 401, `{"clientId":7,"secret":{}}`: 401, "{}": 401,
		"": 400, "[]": 400, "null": 400,
	} {
		if got := askToken(t, s, body); got.status != want {
			t.Errorf("%s: HTTP %d %s, want %d", body, got.status, got.body, want)
		}
	}
	if n := s.Counters(); n.ROITTokenCalls != 8 || n.Violations != 3 || n.Logins != 0 {
		t.Errorf("counters %+v", n)
	}
}

// expiryOf reads a JWT, as a client might.
func expiryOf(t *testing.T, token string) time.Time {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%q is no JWT", token)
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	var read struct {
		Exp int64 `json:"exp"`
	}
	if err == nil {
		err = json.Unmarshal(claims, &read)
	}
	if err != nil {
		t.Fatal(err)
	}
	return time.Unix(read.Exp, 0)
}

func TestNobodyGetsATokenUnasked(t *testing.T) {
	s := startROIT(t, ROIT{})
	if got := askToken(t, s, "{}"); got.status != 401 || got.said(t) != "invalid-credentials" {
		t.Errorf("%+v", got)
	}
}

func plainToken(t *testing.T, s *Server) string {
	t.Helper()
	var got struct{ Token string }
	askToken(t, s, tokenBody).decode(t, &got)
	return got.Token
}

func TestTokensOfROITDieEarly(t *testing.T) {
	s := withROITLogin(t, Config{Faults: "reprocess.expire:calls=1,token.503@1", ROIT: ROIT{Unauthorized: 403}})
	if got := askToken(t, s, tokenBody); got.status != 503 {
		t.Errorf("first token: %+v", got)
	}
	token := plainToken(t, s)
	for i, want := range []int{200, 403, 403} {
		got := askROIT(t, s, "reprocess", names("a"), "Authorization", token)
		if got.status != want || want == 403 && got.said(t) != "expired-token" {
			t.Errorf("call %d: HTTP %d %s, want %d", i+1, got.status, got.body, want)
		}
	}
	if got := askROIT(t, s, "reprocess", names("b"), "Authorization", plainToken(t, s)); got.status != 200 {
		t.Errorf("with a new token: %+v", got)
	}
	wantRequest(t, s, "a", "PROCESSING", 1, 3, 0)
}

func TestTokensOfROITExpireInTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := withROITLogin(t, Config{Memory: true})
		client := s.Client()
		defer client.CloseIdleConnections()
		token := postWith(t, client, s.ROITTokenURL(), "", tokenBody).token(t)
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{8*time.Hour - time.Minute, 200}, {2 * time.Minute, 401}} {
			time.Sleep(step.wait)
			if got := postWith(t, client, s.ReprocessURL(), token, names("a")); got.status != step.want {
				t.Errorf("%v later: HTTP %d %s, want %d", step.wait, got.status, got.body, step.want)
			}
		}
	})
}

func (a answer) token(t *testing.T) string {
	t.Helper()
	var got struct{ Token string }
	a.decode(t, &got)
	return got.Token
}
