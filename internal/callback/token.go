package callback

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"denybatch/pkg/upstream"
)

const (
	maxToken  = 4 << 10
	maxTokens = 16
)

// Token is one that callers may show.
type Token struct {
	Value upstream.Secret
	Until time.Time // from when on it is refused; zero: never
}

func (t Token) counts(now time.Time) bool { return t.Until.IsZero() || now.Before(t.Until) }

// ParseTokens reads the tokens that are accepted: one a line, each perhaps followed by white space and the time (RFC 3339)
// until which it counts, so that an old and a new one overlap. {"token":"…"}, as Secrets Manager makes it, is one as well.
// Its errors never repeat what it read.
func ParseTokens(text string) ([]Token, error) {
	if strings.HasPrefix(strings.TrimSpace(text), "{") && strings.Contains(text, `"token"`) {
		return parseObject(text)
	}
	var tokens []Token
	line := 0
	for one := range strings.Lines(text) {
		line++
		fields := strings.Fields(one)
		if len(fields) == 0 {
			continue
		}
		token, err := parseLine(fields)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if tokens = append(tokens, token); len(tokens) > maxTokens {
			return nil, fmt.Errorf("there are more than %d tokens", maxTokens)
		}
	}
	if len(tokens) == 0 {
		return nil, errors.New("there is no token")
	}
	return tokens, nil
}

func parseObject(text string) ([]Token, error) {
	var object struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal([]byte(text), &object); err != nil || object.Token == "" {
		return nil, errors.New(`it looks like JSON, and then it must be {"token": "…"}`)
	}
	return []Token{{Value: upstream.NewSecret(object.Token)}}, check(object.Token)
}

func parseLine(fields []string) (Token, error) {
	token := Token{Value: upstream.NewSecret(fields[0])}
	if err := check(fields[0]); err != nil {
		return Token{}, err
	}
	if len(fields) == 1 {
		return token, nil
	}
	until, err := time.Parse(time.RFC3339, fields[1])
	if err != nil || len(fields) > 2 || until.IsZero() {
		return Token{}, errors.New("after a token there may stand one time, such as 2026-12-31T00:00:00Z, and nothing else")
	}
	token.Until = until
	return token, nil
}

// check says why no header can carry a token.
func check(token string) error {
	if len(token) > maxToken {
		return fmt.Errorf("a token has more than %d bytes", maxToken)
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return errors.New("a token holds something else than visible ASCII characters, which no header can carry")
	}
	return nil
}
