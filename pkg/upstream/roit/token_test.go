package roit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"denybatch/pkg/upstream"
)

// house is a token service and a ROIT that accepts only the tokens it is told to, and keeps a diary of both. It answers
// without a network, so that time is free; a login takes half a second and a call one.
type house struct {
	t   *testing.T
	mux *http.ServeMux

	mu      sync.Mutex
	diary   []string
	granted int
	refuses map[string]int // status with which a token, or everything ("*"), is refused at ROIT

	onLogin func(w http.ResponseWriter, body string) (done bool) // to answer otherwise; nil for not
}

const loginBody = `{"user":"machine@example","password":"hunter22"}`

func newHouse(t *testing.T) *house {
	h := &house{t: t, mux: http.NewServeMux(), refuses: map[string]int{}}
	h.mux.HandleFunc("POST /auth/login", h.login)
	h.mux.HandleFunc(route("/reprocess"), h.reprocess)
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { t.Errorf("unexpected %s %s", r.Method, r.URL) })
	return h
}

func (h *house) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if r.URL.Path == "/auth/login" {
		time.Sleep(time.Second / 2)
	} else {
		time.Sleep(time.Second)
	}
	h.mux.ServeHTTP(w, r)
	return w.Result(), nil
}

func (h *house) login(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.diary = append(h.diary, "login")
	if r.Header.Get("Authorization") != "" || r.Header.Get("Content-Type") != "application/json" {
		h.t.Errorf("logged in with the headers %v", r.Header)
	}
	if h.onLogin == nil || !h.onLogin(w, string(body)) {
		h.grant(w, string(body))
	}
}

func (h *house) grant(w http.ResponseWriter, body string) {
	if body != loginBody {
		h.t.Errorf("logged in with %s", body)
	}
	h.granted++
	fmt.Fprintf(w, `{"data":{"token":"token-%d"}}`, h.granted)
}

func (h *house) reprocess(w http.ResponseWriter, r *http.Request) {
	io.Copy(io.Discard, r.Body)
	token := r.Header.Get("Authorization")
	h.mu.Lock()
	defer h.mu.Unlock()
	h.diary = append(h.diary, "reprocess "+token)
	status := max(h.refuses[token], h.refuses["*"])
	if status == 0 {
		io.WriteString(w, data("PENDING", ""))
		return
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"message":"invalid token %s"}`, token)
}

func (h *house) refuse(token string, status int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refuses[token] = status
}

func (h *house) config() Config {
	return Config{URL: "http://roit" + base, TokenURL: "http://roit/auth/login", TokenBody: upstream.NewSecret(loginBody), HTTP: &http.Client{Transport: h}}
}

// wantDiary checks what happened since the last time.
func (h *house) wantDiary(want ...string) {
	h.t.Helper()
	synctest.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !reflect.DeepEqual(h.diary, want) {
		h.t.Errorf("diary %q, want %q", h.diary, want)
	}
	h.diary = nil
}

// inHouse tells a story with time of its own.
func inHouse(t *testing.T, tell func(*testing.T, *house)) {
	synctest.Test(t, func(t *testing.T) { tell(t, newHouse(t)) })
}

func ask(t *testing.T, c *Client, want upstream.Disposition) error {
	t.Helper()
	_, err := c.Reprocess(t.Context(), integration, request)
	wantJudged(t, err, want)
	return err
}

func TestGrantedToken(t *testing.T) {
	t.Run("RenewedAfterSevenHoursWhileCallersGoOn", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			c := mustNew(t, h.config())
			ask(t, c, upstream.Fine) // the token is asked for now
			h.wantDiary("login", "reprocess token-1")
			time.Sleep(7*time.Hour - 1500*time.Millisecond - time.Nanosecond)
			ask(t, c, upstream.Fine)
			h.wantDiary("reprocess token-1")
			ask(t, c, upstream.Fine)
			h.wantDiary("login", "reprocess token-1")
			ask(t, c, upstream.Fine)
			h.wantDiary("reprocess token-2")
		})
	})
	t.Run("WaitedForAfterEightHours", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			c := mustNew(t, h.config())
			ask(t, c, upstream.Fine)
			time.Sleep(8 * time.Hour)
			ask(t, c, upstream.Fine)
			h.wantDiary("login", "reprocess token-1", "login", "reprocess token-2")
		})
	})
	for _, status := range []int{401, 403} {
		t.Run(fmt.Sprintf("RenewedOnceAfter%d", status), func(t *testing.T) {
			inHouse(t, func(t *testing.T, h *house) {
				c := mustNew(t, h.config())
				h.refuse("token-1", status)
				ask(t, c, upstream.Fine)
				h.wantDiary("login", "reprocess token-1", "login", "reprocess token-2")
			})
		})
	}
	for status, want := range map[int]upstream.Disposition{401: upstream.Unauthorized, 403: upstream.Forbidden} {
		t.Run(fmt.Sprintf("NeverInALoopAfter%d", status), func(t *testing.T) {
			inHouse(t, func(t *testing.T, h *house) {
				c := mustNew(t, h.config())
				h.refuse("*", status)
				err := ask(t, c, want)
				h.wantDiary("login", "reprocess token-1", "login", "reprocess token-2")
				for range 3 {
					ask(t, c, want)
				}
				h.wantDiary("reprocess token-2", "reprocess token-2", "reprocess token-2")
				if said := err.Error(); strings.Contains(said, "token-") || !strings.Contains(said, "invalid token [redacted]") {
					t.Errorf("the error says %q", said)
				}
			})
		})
	}
	t.Run("ConcurrentCallersRenewOnce", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			c := mustNew(t, h.config())
			h.refuse("token-1", 401)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { ask(t, c, upstream.Fine) })
			}
			wg.Wait()
			if h.granted != 2 || len(h.diary) != 2+16 {
				t.Errorf("%d tokens, diary %q", h.granted, h.diary)
			}
		})
	})
	t.Run("ALostRenewalLeavesTheRequestUnsent", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			c := mustNew(t, h.config())
			ask(t, c, upstream.Fine)
			h.refuse("*", 401)
			h.onLogin = func(w http.ResponseWriter, _ string) bool { w.WriteHeader(503); return true }
			ask(t, c, upstream.Unsent)
			h.wantDiary("login", "reprocess token-1", "reprocess token-1", "login")
		})
	})
}

func TestLogin(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		body   string
		want   upstream.Disposition
	}{
		"A400":            {400, `{"message":"no user hunter22"}`, upstream.Forbidden},
		"A401":            {401, `{"message":"wrong password hunter22"}`, upstream.Forbidden},
		"A403":            {403, `<p>hunter22</p>`, upstream.Forbidden},
		"A404":            {404, `<h1>nginx</h1>`, upstream.Misdirected},
		"A302":            {302, ``, upstream.Misdirected},
		"A429":            {429, `{}`, upstream.Unsent},
		"A500":            {500, `{"message":"{\"password\":\"hunter22\"}"}`, upstream.Unsent},
		"APage":           {200, `<html>hunter22</html>`, upstream.Unsent},
		"NoToken":         {200, `{"data":{"user":"hunter22"}}`, upstream.Forbidden},
		"ATokenOfTwo":     {200, `{"token":"Bearer x"}`, upstream.Forbidden},
		"ATokenInNoField": {200, `{"tokens":["x"]}`, upstream.Forbidden},
	} {
		t.Run(name, func(t *testing.T) {
			inHouse(t, func(t *testing.T, h *house) {
				h.onLogin = func(w http.ResponseWriter, body string) bool {
					w.Header().Set("Retry-After", "9")
					w.WriteHeader(c.status)
					io.WriteString(w, c.body)
					return true
				}
				err := ask(t, mustNew(t, h.config()), c.want)
				h.wantDiary("login")
				if strings.Contains(err.Error(), "hunter22") {
					t.Errorf("the error holds the password: %v", err)
				}
				if c.status == 429 && upstream.RetryAfter(err) != 9*time.Second {
					t.Errorf("wait %v", upstream.RetryAfter(err))
				}
			})
		})
	}
	t.Run("WrongCredentialsAreNotRepeatedAtOnce", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			h.onLogin = func(w http.ResponseWriter, _ string) bool { w.WriteHeader(401); return true }
			c := mustNew(t, h.config())
			for range 5 {
				ask(t, c, upstream.Forbidden)
			}
			h.wantDiary("login")
		})
	})
}

// rotation is a secret store.
type rotation struct {
	values []string // one for each reading; the last for all that follow
	err    error
	reads  int
}

func (r *rotation) fresh(context.Context) (upstream.Secret, error) {
	r.reads++
	if r.err != nil {
		return upstream.Secret{}, r.err
	}
	return upstream.NewSecret(r.values[min(r.reads, len(r.values))-1]), nil
}

func TestReadyTokenThatWasRotated(t *testing.T) {
	ready := func(h *house, r *rotation) Config {
		cfg := h.config()
		cfg.TokenURL, cfg.TokenBody, cfg.Token = "", upstream.Secret{}, upstream.NewSecret("token-a")
		if r != nil {
			cfg.Fresh = r.fresh
		}
		return cfg
	}
	for _, status := range []int{401, 403} {
		t.Run(fmt.Sprintf("ReadAnewOnceAfter%d", status), func(t *testing.T) {
			inHouse(t, func(t *testing.T, h *house) {
				r := &rotation{values: []string{"token-b\n"}}
				c := mustNew(t, ready(h, r))
				h.refuse("token-a", status)
				ask(t, c, upstream.Fine)
				ask(t, c, upstream.Fine)
				h.wantDiary("reprocess token-a", "reprocess token-b", "reprocess token-b")
				if r.reads != 1 {
					t.Errorf("read %d times", r.reads)
				}
			})
		})
	}
	for status, want := range map[int]upstream.Disposition{401: upstream.Unauthorized, 403: upstream.Forbidden} {
		for name, r := range map[string]*rotation{
			"NobodyCanReadIt":  nil,
			"TheSame":          {values: []string{"token-a"}},
			"Empty":            {values: []string{" "}},
			"Unusable":         {values: []string{"two words"}},
			"StoreOutOfReach":  {err: errors.New("the store is down")},
			"RefusedToo":       {values: []string{"token-b"}},
			"AnotherEachTime":  {values: []string{"token-b", "token-c", "token-d"}},
			"ThrottledByStore": {err: &upstream.Error{Op: "read secret", Status: 429}},
		} {
			t.Run(fmt.Sprintf("%s/%d", name, status), func(t *testing.T) {
				inHouse(t, func(t *testing.T, h *house) {
					c := mustNew(t, ready(h, r))
					h.refuse("*", status)
					for range 3 {
						err := ask(t, c, want)
						for _, hidden := range []string{"token-a", "token-b", "two words"} {
							if strings.Contains(err.Error(), hidden) {
								t.Errorf("the error holds %s: %v", hidden, err)
							}
						}
					}
					if r != nil && r.reads != 1 {
						t.Errorf("read %d times", r.reads)
					}
					if len(h.diary) > 4 {
						t.Errorf("diary %q", h.diary)
					}
				})
			})
		}
	}
	t.Run("WhyItStaysIsSaid", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			h.refuse("*", 401)
			err := ask(t, mustNew(t, ready(h, &rotation{err: errors.New("the store is down")})), upstream.Unauthorized)
			if !strings.Contains(err.Error(), "the store is down") {
				t.Errorf("the error does not say why the token was not replaced: %v", err)
			}
		})
	})
	t.Run("ReadAtFirstWhenThereIsNone", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			r := &rotation{values: []string{"token-b"}}
			cfg := ready(h, r)
			cfg.Token = upstream.Secret{}
			ask(t, mustNew(t, cfg), upstream.Fine)
			h.wantDiary("reprocess token-b")
			r.err = errors.New("the store is down")
			ask(t, mustNew(t, cfg), upstream.Unsent)
		})
	})
	t.Run("ConcurrentCallersReadOnce", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			r := &rotation{values: []string{"token-b"}}
			c := mustNew(t, ready(h, r))
			h.refuse("token-a", 401)
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { ask(t, c, upstream.Fine) })
			}
			wg.Wait()
			if r.reads != 1 {
				t.Errorf("read %d times", r.reads)
			}
		})
	})
}

func TestTokenBodyThatWasRotated(t *testing.T) {
	const old = `{"password":"outdated"}`
	onlyNew := func(w http.ResponseWriter, body string) bool {
		if body == old {
			w.WriteHeader(401)
		}
		return body == old
	}
	t.Run("ReadAnewWhenTheLoginIsRefused", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			r := &rotation{values: []string{loginBody}}
			cfg := h.config()
			cfg.TokenBody, cfg.Fresh, h.onLogin = upstream.NewSecret(old), r.fresh, onlyNew
			ask(t, mustNew(t, cfg), upstream.Fine)
			h.wantDiary("login", "login", "reprocess token-1")
		})
	})
	t.Run("ReadAnewWhenTheTokenIsRefused", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			r := &rotation{values: []string{loginBody}}
			cfg := h.config()
			cfg.Fresh = r.fresh
			c := mustNew(t, cfg)
			h.refuse("token-1", 403)
			ask(t, c, upstream.Fine)
			h.wantDiary("login", "reprocess token-1", "login", "reprocess token-2")
			if r.reads != 1 {
				t.Errorf("read %d times", r.reads)
			}
		})
	})
	t.Run("NotReadWhenTheTokenIsMerelyOld", func(t *testing.T) {
		inHouse(t, func(t *testing.T, h *house) {
			r := &rotation{values: []string{loginBody}}
			cfg := h.config()
			cfg.Fresh = r.fresh
			c := mustNew(t, cfg)
			ask(t, c, upstream.Fine)
			time.Sleep(9 * time.Hour)
			ask(t, c, upstream.Fine)
			if h.granted != 2 || r.reads != 0 {
				t.Errorf("%d tokens, read %d times", h.granted, r.reads)
			}
		})
	})
	for name, r := range map[string]*rotation{
		"TheSame":         {values: []string{old}},
		"RefusedToo":      {values: []string{old + " ", `{"password":"outdated2"}`}},
		"NoObject":        {values: []string{"hunter22"}},
		"StoreOutOfReach": {err: errors.New("the store is down")},
	} {
		t.Run("StillRefused/"+name, func(t *testing.T) {
			inHouse(t, func(t *testing.T, h *house) {
				cfg := h.config()
				cfg.TokenBody, cfg.Fresh = upstream.NewSecret(old), r.fresh
				h.onLogin = func(w http.ResponseWriter, body string) bool {
					w.WriteHeader(401)
					io.WriteString(w, body)
					return true
				}
				err := ask(t, mustNew(t, cfg), upstream.Forbidden)
				if r.reads != 1 || len(h.diary) > 2 || strings.Contains(err.Error(), "outdated") {
					t.Errorf("read %d times, diary %q, %v", r.reads, h.diary, err)
				}
			})
		})
	}
}

func TestAuthPrefix(t *testing.T) {
	for prefix, want := range map[string]string{"": secret, "Bearer": "Bearer " + secret, "Bearer ": "Bearer " + secret} {
		mux := http.NewServeMux()
		mux.HandleFunc(route("/reprocess"), func(w http.ResponseWriter, r *http.Request) {
			if got := r.Header.Get("Authorization"); got != want {
				t.Errorf("with the prefix %q Authorization is %q", prefix, got)
			}
			io.WriteString(w, data("DONE", ""))
		})
		srv := httptest.NewServer(mux)
		defer srv.Close()
		for _, url := range []string{srv.URL + base, srv.URL + base + "/", srv.URL + base + requestsPath + "/"} {
			ask(t, mustNew(t, Config{URL: url, AuthPrefix: prefix, Token: upstream.NewSecret(secret)}), upstream.Fine)
		}
	}
}

func TestDecodeToken(t *testing.T) {
	for _, c := range []struct{ body, field, want string }{
		{`{"token":"x"}`, "", "x"},
		{`{"accessToken":"x"}`, "", "x"},
		{`{"access_token":" x\n"}`, "", "x"},
		{`{"data":{"jwt":"x"}}`, "", "x"},
		{`{"data":"x"}`, "", "x"},
		{` "x" `, "", "x"},
		{`{"id_token":"i","token":"x"}`, "", "x"},
		{`{"token":null,"data":{"token":"x"}}`, "", "x"},
		{`{"token":"no","a":{"b":{"c":"x"}}}`, "a.b.c", "x"},
		{`{"token":"x"}`, "data.token", ""},
		{`{"a":["x"]}`, "a.0", ""},
		{`{"token":5}`, "", ""},
		{`{"token":"a b"}`, "", ""},
		{`{"token":"é"}`, "token", ""},
		{`[]`, "", ""},
		{``, "", ""},
		{`x.y.z`, "", ""},
	} {
		got, err := decodeToken([]byte(c.body), c.field)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s at %q: %q, %v", c.body, c.field, got, err)
		}
	}
}

func TestWrongConfigurationIsReportedAtOnce(t *testing.T) {
	never := func(context.Context) (upstream.Secret, error) { return upstream.Secret{}, nil }
	for name, c := range map[string]struct {
		cfg  Config
		want []string
	}{
		"Nothing":      {Config{}, []string{"DENYBATCH_ROIT_URL is not set", "DENYBATCH_ROIT_TOKEN is not set"}},
		"NoBody":       {Config{URL: Homologation, TokenURL: Homologation}, []string{"DENYBATCH_ROIT_TOKEN_BODY is not set"}},
		"ReadLater":    {Config{URL: Production, Fresh: never}, nil},
		"Both":         {Config{URL: Production, Token: upstream.NewSecret("t"), TokenURL: Production, TokenBody: upstream.NewSecret("{}")}, []string{"both set"}},
		"Everything":   {Config{URL: "ftp://x", Token: upstream.NewSecret("hunter22\n"), AuthPrefix: "a b", TokenField: "."}, []string{"DENYBATCH_ROIT_URL must begin", "DENYBATCH_ROIT_TOKEN must be", "DENYBATCH_ROIT_AUTH_PREFIX", "DENYBATCH_ROIT_TOKEN_FIELD"}},
		"BodyNoObject": {Config{URL: Production, TokenURL: Production, TokenBody: upstream.NewSecret("hunter22")}, []string{"DENYBATCH_ROIT_TOKEN_BODY must be"}},
		"BodyNoURL":    {Config{URL: Production, Token: upstream.NewSecret("t"), TokenBody: upstream.NewSecret("{}")}, []string{"DENYBATCH_ROIT_TOKEN_BODY is set, but"}},
		"User":         {Config{URL: "https://a:hunter22@h", Token: upstream.NewSecret("t")}, []string{"DENYBATCH_ROIT_URL must not hold"}},
		"Query":        {Config{URL: "https://h?key=hunter22", Token: upstream.NewSecret("t")}, []string{"DENYBATCH_ROIT_URL must not have"}},
		"EmptyQuery":   {Config{URL: "https://h?", Token: upstream.NewSecret("t")}, []string{"DENYBATCH_ROIT_URL must not have"}},
		"Fragment":     {Config{URL: "https://h#", Token: upstream.NewSecret("t")}, []string{"DENYBATCH_ROIT_URL must not have"}},
		"NoHost":       {Config{URL: "https:///x", Token: upstream.NewSecret("t")}, []string{"DENYBATCH_ROIT_URL names no host"}},
		"NoURL":        {Config{URL: "https://h\x7f", Token: upstream.NewSecret("t")}, []string{"DENYBATCH_ROIT_URL cannot"}},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := New(c.cfg)
			if (err == nil) != (c.want == nil) || (client == nil) != (err != nil) {
				t.Fatalf("got %v, %v", client, err)
			}
			if err == nil {
				return
			}
			if n := len(strings.Split(err.Error(), "\n")); n != len(c.want) {
				t.Errorf("%d faults, want %d: %v", n, len(c.want), err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no fault says %q: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "hunter22") {
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		cfg := h.config()
		c := mustNew(t, cfg)
		ask(t, c, upstream.Fine)
		cfg.HTTP = nil
		var printed strings.Builder
		for _, v := range []any{cfg, &cfg, c, *c, c.veil, c.veil.known} {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
				fmt.Fprintf(&printed, verb, v)
			}
		}
		for _, v := range []any{c, c.veil, cfg.Token, cfg.TokenBody} {
			b, _ := json.Marshal(v)
			printed.Write(b)
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "client", c, "config", cfg, "body", cfg.TokenBody)
		for _, word := range []string{"hunter22", "token-1"} {
			if strings.Contains(printed.String()+log.String(), word) {
				t.Errorf("%s is printed", word)
			}
		}
	})
}

func FuzzTokenAnswer(f *testing.F) {
	f.Add([]byte(`{"data":{"token":"x"}}`), "")
	f.Add([]byte(`{"a":{"b":"eyJ"}}`), "a.b")
	f.Add([]byte("\"\\u0041\xff\""), "")
	f.Add([]byte(`{"token":"Bearer x"}`), "..")
	f.Fuzz(func(t *testing.T, body []byte, field string) {
		token, err := decodeToken(body, field)
		if (err == nil) != (token != "") || !headerSafe(token) {
			t.Errorf("%q at %q gives %q, %v", body, field, token, err)
		}
		if err == nil && !json.Valid(body) {
			t.Errorf("%q is not JSON, yet it was read", body)
		}
	})
}
