package settings

import (
	"errors"
	"fmt"

	"denybatch/internal/callback"
)

// Callback is who may call back.
type Callback struct {
	Tokens   []callback.Token
	TokenARN string // of the secret that holds the tokens, in place of them; functions only
}

// LoadCallback reads the variables whose names begin with DENYBATCH_CALLBACK_, and reports what is wrong with those that are
// set.
func LoadCallback(getenv func(string) string) (Callback, error) {
	s := Callback{TokenARN: getenv("DENYBATCH_CALLBACK_TOKEN_ARN")}
	text := getenv("DENYBATCH_CALLBACK_TOKEN")
	if text == "" {
		return s, nil
	}
	var err error
	if s.Tokens, err = callback.ParseTokens(text); err != nil {
		return s, fmt.Errorf("DENYBATCH_CALLBACK_TOKEN: %w", err)
	}
	if s.TokenARN != "" {
		return s, errors.New("DENYBATCH_CALLBACK_TOKEN and DENYBATCH_CALLBACK_TOKEN_ARN are both set, so it is not clear which to use")
	}
	return s, nil
}

// Missing names what is needed to hear callbacks and is not set. Without a token everybody would be heard, or nobody.
func (s Callback) Missing() error {
	if len(s.Tokens) == 0 && s.TokenARN == "" {
		return errors.New("DENYBATCH_CALLBACK_TOKEN is not set: give the token that ROIT sends with its callbacks")
	}
	return nil
}
