package callback_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"denybatch/internal/callback"
	"denybatch/pkg/upstream"
)

func TestParseTokens(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // token, and until when
		says       string
	}{
		{"one", "t1", []string{"t1"}, ""},
		{"lines", "\n t1 \r\n\r\nt2\t2030-01-02T03:04:05+01:00\n", []string{"t1", "t2 2030-01-02T02:04:05Z"}, ""},
		{"JSON", ` {"user":"x", "token":"a b"} `, nil, "visible"},
		{"JSON of Secrets Manager", `{"token":"p}q\"r"}`, []string{`p}q"r`}, ""},
		{"looks a little like JSON", `{"a#`, []string{`{"a#`}, ""},
		{"quotes are the token's", `"t1"`, []string{`"t1"`}, ""},
		{"nothing", " \n\n", nil, "no token"},
		{"empty JSON", `{"token":""}`, nil, "JSON"},
		{"broken JSON", `{"token":"hush"`, nil, "JSON"},
		{"JSON of another type", `{"token":["hush"]}`, nil, "JSON"},
		{"not a time", "t1\nhush tomorrow", nil, "line 2"},
		{"two times", "hush 2030-01-02T03:04:05Z 2030-01-02T03:04:05Z", nil, "line 1"},
		{"the time that means for ever", "hush 0001-01-01T00:00:00Z", nil, "line 1"},
		{"letters that no header carries", "hüsh", nil, "visible"},
		{"a control character", "hu\x00sh", nil, "visible"},
		{"too long", strings.Repeat("t", 4097), nil, "4096"},
		{"long", strings.Repeat("t", 4096), []string{strings.Repeat("t", 4096)}, ""},
		{"too many", strings.Repeat("t\n", 17), nil, "more than 16"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tokens, err := callback.ParseTokens(c.text)
			if (err != nil) != (c.says != "") || err != nil && (!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "hush")) {
				t.Fatalf("got %v, want %q", err, c.says)
			}
			if err != nil {
				return
			}
			var got []string
			for _, token := range tokens {
				text := token.Value.Reveal()
				if !token.Until.IsZero() {
					text += " " + token.Until.UTC().Format(time.RFC3339)
				}
				got = append(got, text)
			}
			if fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// enter reports what becomes of a call with these headers.
func (w *world) enter(t testing.TB, header http.Header) int {
	t.Helper()
	return w.do(t, callback.Request{Method: "POST", Header: header, Body: strings.NewReader("")}).Status
}

// in and out are the statuses of an empty body with and without the right token.
const in, out = 400, 401

func basic(user, password string) string {
	return base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
}

func TestFormsOfTheToken(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name   string
		values []string
		want   int
	}{
		{"Authorization", []string{token}, in},
		{"Authorization", []string{"Bearer " + token}, in},
		{"Authorization", []string{"  bearer \t " + token + " "}, in},
		{"Authorization", []string{`Bearer "` + token + `"`}, in},
		{"Authorization", []string{`"Bearer ` + token + `"`}, in},
		{"Authorization", []string{"Bearer\t'" + token + "'"}, in},
		{"Authorization", []string{"Token " + token}, in},
		{"Authorization", []string{`Token token="` + token + `"`}, in},
		{"Authorization", []string{"Basic " + basic(token, "")}, in},
		{"Authorization", []string{"Basic " + basic("", token)}, in},
		{"Authorization", []string{"basic " + basic("roit", token)}, in},
		{"Authorization", []string{"Basic " + strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(token)), "=")}, in},
		{"Authorization", []string{"Bearer wrong", "Bearer " + token}, in},
		{"Authorization", []string{"Bearer wrong,Bearer " + token}, in},
		{"Authorization", []string{"wrong , " + token}, in},
		{"X-Callback-Token", []string{token}, in},
		{"X-Auth-Token", []string{token}, in},
		{"X-Api-Key", []string{token}, in},
		{"X-Access-Token", []string{token}, in},
		{"X-Token", []string{token}, in},
		{"Token", []string{token}, in},
		{"Auth-Token", []string{token}, in},
		{"callbackAuthToken", []string{token}, in},
		{"Callbackauthtoken", []string{token}, in},
		{"Callback-Auth-Token", []string{`"` + token + `"`}, in},
		{"x-auth-token", []string{"Bearer " + token}, in},
		{"callback_auth_token", []string{token}, in},

		{"Authorization", []string{""}, out},
		{"Authorization", []string{"Bearer"}, out},
		{"Authorization", []string{"Bearer "}, out},
		{"Authorization", []string{`""`}, out},
		{"Authorization", []string{"Basic " + basic("", "")}, out},
		{"Authorization", []string{"Basic !!!"}, out},
		{"Authorization", []string{"Bearer " + basic("", token)}, out},
		{"Authorization", []string{strings.ToUpper(token)}, out},
		{"Authorization", []string{token[:len(token)-1]}, out},
		{"Authorization", []string{token + token}, out},
		{"Authorization", []string{"Bearer Bearer " + token}, out},
		{"Cookie", []string{"token=" + token}, out},
		{"Referer", []string{token}, out},
		{"X-Forwarded-Token", []string{token}, out},
		{token, []string{token}, out},
	} {
		if got := w.enter(t, http.Header{c.name: c.values}); got != c.want {
			t.Errorf("%s: %q: got %d, want %d", c.name, c.values, got, c.want)
		}
	}
	both := http.Header{"Authorization": {"Basic " + basic("someone", "else")}, "X-Api-Key": {"wrong"}, "X-Token": {token}}
	if got := w.enter(t, both); got != in {
		t.Errorf("one right token of three: %d", got)
	}
}

// A token of odd characters is taken as it is.
func TestOddTokens(t *testing.T) {
	for _, odd := range []string{`a,b`, `"quoted"`, `Bearer`, `a:b=c;`, `{"x`, `token=x`} {
		w := newWorld(t)
		w.Tokens = only(odd)
		for _, form := range []string{odd, "Bearer " + odd, `"` + odd + `"`} {
			if got := w.enter(t, http.Header{"Authorization": {form}}); got != in {
				t.Errorf("%q as %q: %d", odd, form, got)
			}
		}
	}
}

func TestExpiredToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		accepted := []callback.Token{
			{Value: upstream.NewSecret("old"), Until: time.Now().Add(24 * time.Hour)},
			{Value: upstream.NewSecret("new")},
			{}, // nobody can show this one
		}
		w.Tokens = func(context.Context, bool) ([]callback.Token, error) { return accepted, nil }
		old, young := http.Header{"Token": {"old"}}, http.Header{"Token": {"new"}}
		time.Sleep(24*time.Hour - time.Nanosecond)
		if w.enter(t, old) != in || w.enter(t, young) != in {
			t.Error("they do not both count until the end of the old one")
		}
		time.Sleep(time.Nanosecond)
		if w.enter(t, old) != out || w.enter(t, young) != in {
			t.Error("the old one does not end when it should")
		}
	})
}

// vault holds tokens that change, and counts how often it is asked anew.
type vault struct {
	mu         sync.Mutex
	known, now string
	fresh      atomic.Int32
	takes      time.Duration
	trouble    error
}

func (v *vault) get(ctx context.Context, fresh bool) ([]callback.Token, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if fresh {
		v.fresh.Add(1)
		time.Sleep(v.takes)
		if v.trouble != nil {
			return nil, v.trouble
		}
		v.known = v.now
	}
	return only(v.known)(ctx, fresh)
}

// Strangers cannot make us ask for the tokens more than once a minute.
func TestStrangersDoNotHammer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		v := &vault{known: "old", now: "new"}
		w.Tokens = v.get
		old, young, wrong := http.Header{"Token": {"old"}}, http.Header{"Token": {"new"}}, http.Header{"Token": {"wrong"}}
		if w.enter(t, http.Header{}) != out || w.enter(t, old) != in || v.fresh.Load() != 0 {
			t.Errorf("asked anew %d times without a reason", v.fresh.Load())
		}
		if w.enter(t, young) != in || w.enter(t, old) != out || v.fresh.Load() != 1 {
			t.Errorf("asked anew %d times, want once", v.fresh.Load())
		}
		for range 600 {
			time.Sleep(time.Second)
			if w.enter(t, wrong) != out || w.enter(t, young) != in {
				t.Fatal("strangers are in the way")
			}
		}
		if n := v.fresh.Load(); n != 11 {
			t.Errorf("asked anew %d times in ten minutes", n)
		}
	})
}

// A token that was changed counts at once, also for those who come while it is read.
func TestRotation(t *testing.T) {
	w := newWorld(t)
	v := &vault{known: "old", now: "new", takes: 50 * time.Millisecond}
	w.Tokens = v.get
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := w.enter(t, http.Header{"Token": {"new"}}); got != in {
				t.Errorf("the new token: %d", got)
			}
		})
	}
	all.Wait()
	if v.fresh.Load() != 1 {
		t.Errorf("asked anew %d times", v.fresh.Load())
	}
}

// When nobody can tell whether a token is right, it should be shown again.
func TestTokensCannotBeRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		v := &vault{known: "old", now: "new", trouble: errors.New("arn:secret is out of order")}
		w.Tokens = v.get
		if got := w.enter(t, http.Header{"Token": {"new"}}); got != 503 {
			t.Errorf("got %d", got)
		}
		if got := w.enter(t, http.Header{"Token": {"new"}}); got != out {
			t.Errorf("within a minute: got %d", got)
		}
		if got := w.enter(t, http.Header{"Token": {"old"}}); got != in {
			t.Errorf("a known token: %d", got)
		}
		w.Tokens = func(context.Context, bool) ([]callback.Token, error) { return nil, v.trouble }
		if got := w.enter(t, http.Header{"Token": {"old"}}); got != 503 {
			t.Errorf("with no token at all: %d", got)
		}
	})
}
