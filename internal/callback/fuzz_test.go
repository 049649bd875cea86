package callback

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"denybatch/internal/clock"
	"denybatch/internal/objects/dir"
	"denybatch/internal/request"
	"denybatch/pkg/upstream"
)

// seeds are bodies of every kind.
var seeds = []string{
	entity, process, `[` + entity + `,` + process + `,{}]`,
	`{"timestamp":1782907198123,"status":"success","message":"","data":` + entity + `}`,
	`{"timestamp":"2026-07-01T11:59:58.123Z","data":[` + process + `,null]}`,
	`{"requestId":"r\u0000","integrationId":"` + strings.Repeat("i", 200) + `","status":"\ud83d\ude00"}`,
	`{"requestId":1,"requestId":2}`, "\ufeff{}", "[[[[]]]]", `{"data":{"data":{}}}`, "1e999", `{"status`, "\xff\xfe{", "",
	strings.Repeat("[", 70), `{"processUniqueId":"p","processStatus":"FAILED","requestId":"r","integrationId":"i","status":"DONE","updatedAt":0}`,
}

// Whatever comes, it is refused or gives words that can be recorded.
func FuzzBody(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		words, err := parse(body, heard)
		if len(words) == 0 && err == nil || len(words) > maxItems {
			t.Errorf("%d words, and error %v", len(words), err)
		}
		for _, h := range words {
			if err := h.id.Check(); err != nil {
				t.Errorf("%+v: %v", h.id, err)
			}
			w := h.word
			if w.Status == "" || len(w.Status) > maxStatus || strings.ContainsFunc(w.Status, unicode.IsControl) || len(w.Mark) != 32 {
				t.Errorf("the word is %+v", w)
			}
			if w.Stamped != !w.Said.IsZero() || !w.Said.IsZero() && (w.Said.Year() < 2000 || w.Said.After(heard.Add(24*time.Hour))) {
				t.Errorf("it was said at %s", w.Said)
			}
		}
		again, _ := parse(body, heard)
		if !slices.Equal(again, words) {
			t.Errorf("read again: %+v, %+v", again, words)
		}
	})
}

// Whatever a whole call looks like, the answer is one of few, and what is answered is recorded.
func FuzzCall(f *testing.F) {
	const token = "t0ken"
	for _, s := range seeds {
		f.Add("POST", "Bearer "+token, "application/json", []byte(s), false)
	}
	f.Add("POST", "Basic dDBrZW46", "", []byte(`eyJ9`), true)
	f.Add("GET", `"t0ken", x`, "text/json; charset=utf-8; q=1", []byte(entity), false)
	f.Fuzz(func(t *testing.T, method, auth, media string, body []byte, encoded bool) {
		store, err := dir.New(t.TempDir(), dir.WithoutSync())
		if err != nil {
			t.Fatal(err)
		}
		h := Handler{
			State: store, Clock: clock.System{}, Book: request.NewBook(store, clock.System{}, request.Policy{Attempts: 5, Backoff: time.Hour}),
			Tokens: func(context.Context, bool) ([]Token, error) { return []Token{{Value: upstream.NewSecret(token)}}, nil },
		}
		a := h.Handle(t.Context(), Request{
			Method: method, Header: http.Header{"Authorization": {auth}, "Content-Type": {media}}, Body: strings.NewReader(string(body)), Base64: encoded,
		})
		stored := map[bool]int{}
		for info, err := range store.List(t.Context(), "", "") {
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(info.Key, "callbacks/") {
				stored[strings.Contains(info.Key, "/unreadable/")]++
			}
		}
		want := map[int]bool{202: stored[false] == 1 && stored[true] == 0, 400: stored[true] == 1, 415: stored[true] == 1 && stored[false] == 0,
			401: len(stored) == 0, 405: len(stored) == 0, 413: len(stored) == 0}
		if !want[a.Status] {
			t.Errorf("got %d, and %v is stored", a.Status, stored)
		}
		if a.Status != 401 && a.Status != 405 && !strings.Contains(auth, token) && !strings.Contains(auth, "dDBrZW4") && !strings.Contains(strings.ToLower(auth), "basic") {
			t.Errorf("%q was let in", auth)
		}
	})
}

func FuzzTokens(f *testing.F) {
	for _, s := range []string{"t1", "t1 2030-01-02T03:04:05Z\nt2\n", `{"token":"t"}`, `{"token":"`, "\n\r\n", "a b c", "t\x00", "ü", strings.Repeat("t\n", 20)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tokens, err := ParseTokens(text)
		if err == nil && (len(tokens) == 0 || len(tokens) > maxTokens) {
			t.Errorf("%d tokens", len(tokens))
		}
		for _, token := range tokens {
			value := token.Value.Reveal()
			if err == nil && (value == "" || check(value) != nil || !strings.Contains(text, value) && !strings.Contains(text, `\`)) {
				t.Errorf("%q gives the token %q", text, value)
			}
			if err == nil && token.Until.IsZero() {
				if !match(tokens, shown(http.Header{"X-Token": {value}}), heard) {
					t.Errorf("%q is not let in by itself", value)
				}
			}
		}
	})
}

// Whatever a header holds, it takes little time to look at, and only a text that stands in it is taken for a token.
func FuzzHeader(f *testing.F) {
	for _, s := range []string{"t0ken", "Bearer t0ken", `"t0ken"`, "a,b,c", "Basic dDBrZW46", "Basic", " ", ",,,,,,,,,,,,", `"`, `Token token="x"`} {
		f.Add("Authorization", s)
	}
	f.Add("callbackAuthToken", "x")
	f.Fuzz(func(t *testing.T, name, value string) {
		texts := shown(http.Header{name: {value}})
		if len(texts) > 7*(maxParts+1) || !isTokenHeader(name) && texts != nil {
			t.Errorf("%d readings", len(texts))
		}
		for _, text := range texts {
			if text == "" || len(text) > maxToken {
				t.Errorf("%q is read as %q", value, text)
			}
		}
	})
}
