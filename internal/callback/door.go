package callback

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// door remembers when the tokens were last read anew.
type door struct {
	mu    sync.Mutex
	fresh time.Time
}

// renewal is how often the tokens are read anew because of callers whom they do not admit: often enough for a secret that was
// changed, and too seldom for a stranger to do harm with.
const renewal = time.Minute

// admit lets in who shows a token that is accepted, and answers others with noEntry. When it cannot know, that is an error.
func (h *Handler) admit(ctx context.Context, header http.Header) error {
	shown := shown(header)
	if len(shown) == 0 {
		return noEntry
	}
	tokens, err := h.Tokens(ctx, false)
	if err == nil && match(tokens, shown, h.Clock.Now()) {
		return nil
	}
	return h.admitAnew(ctx, shown)
}

// admitAnew looks again, in case the tokens were changed, or mended. Who comes meanwhile waits for the new ones.
func (h *Handler) admitAnew(ctx context.Context, shown []string) error {
	h.door.mu.Lock()
	defer h.door.mu.Unlock()
	now := h.Clock.Now()
	anew := h.door.fresh.IsZero() || now.Sub(h.door.fresh) >= renewal
	if anew {
		h.door.fresh = now
	}
	tokens, err := h.Tokens(ctx, anew)
	switch {
	case err != nil:
		return fmt.Errorf("the tokens: %w", err)
	case !match(tokens, shown, now):
		return noEntry
	}
	return nil
}

// match reports whether one of the texts shown is a token that counts now. How long that takes says nothing about how near
// a text came.
func match(tokens []Token, shown []string, now time.Time) bool {
	sums := make([][sha256.Size]byte, len(shown))
	for i, text := range shown {
		sums[i] = sha256.Sum256([]byte(text))
	}
	found := 0
	for _, token := range tokens {
		if !token.counts(now) {
			continue
		}
		want := sha256.Sum256([]byte(token.Value.Reveal()))
		for _, got := range sums {
			found |= subtle.ConstantTimeCompare(got[:], want[:])
		}
	}
	return found == 1
}

// ROIT does not document in which header the token comes (contracts/roit.md, section 5), so it may come in any that is made
// for one. Names compare without regard to case and hyphens, and may begin with X-.
var tokenHeaders = map[string]bool{
	"authorization": true, "token": true, "authtoken": true, "accesstoken": true, "apikey": true,
	"callbacktoken": true, "callbackauthtoken": true,
}

func isTokenHeader(name string) bool {
	name = strings.TrimPrefix(strings.ToLower(name), "x-")
	return tokenHeaders[strings.NewReplacer("-", "", "_", "").Replace(name)]
}

// What is looked at, at most: nobody who has a token needs more.
const (
	maxValues = 32
	maxValue  = 2 * maxToken // Basic makes a token longer by a third
	maxParts  = 8
)

// shown is every text in the headers that may be meant as the token.
func shown(header http.Header) (texts []string) {
	values := 0
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if !isTokenHeader(name) {
			continue
		}
		for _, value := range header[name] {
			if values++; values > maxValues {
				return texts
			}
			if len(value) <= maxValue {
				texts = append(texts, readings(value)...)
			}
		}
	}
	return texts
}

// readings is every text that a header's value may stand for: itself, and what comes behind a scheme. API Gateway joins
// headers of one name by commas, so each part may be one as well.
func readings(value string) (texts []string) {
	parts := []string{value}
	if strings.Contains(value, ",") {
		parts = append(parts, strings.SplitN(value, ",", maxParts)...)
	}
	for _, part := range parts {
		bare := strings.TrimSpace(part)
		texts = append(texts, bare, unquote(bare))
		bare = unquote(bare)
		space := strings.IndexAny(bare, " \t")
		if space < 0 {
			continue
		}
		scheme, rest := bare[:space], strings.TrimSpace(bare[space:])
		texts = append(texts, rest, unquote(rest), unquote(strings.TrimPrefix(rest, "token=")))
		if strings.EqualFold(scheme, "Basic") {
			texts = append(texts, basic(unquote(rest))...)
		}
	}
	return slices.DeleteFunc(texts, func(s string) bool { return s == "" || len(s) > maxToken })
}

// basic is a user and a password, either of which may be the token.
func basic(encoded string) []string {
	both, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(encoded, "="))
	if err != nil {
		return nil
	}
	user, password, _ := strings.Cut(string(both), ":")
	return []string{user, password}
}

// unquote takes away one pair of quotes.
func unquote(s string) string {
	if n := len(s); n >= 2 && s[0] == s[n-1] && (s[0] == '"' || s[0] == '\'') {
		return strings.TrimSpace(s[1 : n-1])
	}
	return s
}
