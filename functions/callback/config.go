package main

import (
	"context"
	"errors"
	"fmt"

	"denybatch/internal/callback"
	"denybatch/internal/cloud"
	"denybatch/internal/request"
	"denybatch/internal/settings"
)

// config is what the environment says (design, section 7).
type config struct {
	settings.Callback
	state  cloud.Place
	policy request.Policy
}

// loadConfig reads the environment and reports every fault at once, each naming its variable.
func loadConfig(getenv func(string) string) (config, error) {
	who, faultyToken := settings.LoadCallback(getenv)
	if faultyToken == nil {
		faultyToken = who.Missing()
	}
	sweep, faultySweep := settings.LoadSweep(getenv)
	state, faultyState := cloud.ParsePlace("DENYBATCH_STATE", getenv("DENYBATCH_STATE"))
	return config{who, state, request.Policy{Attempts: sweep.Attempts, Backoff: sweep.Backoff}},
		errors.Join(faultyState, faultyToken, faultySweep)
}

// secrets gives the value behind an ARN. With fresh it asks again rather than remember.
type secrets interface {
	Get(ctx context.Context, arn string, fresh bool) (string, error)
}

// tokens are those that callers may show.
type tokens struct {
	settings.Callback
	secrets secrets
}

// Get gives the tokens of the environment, or those of the secret.
func (t tokens) Get(ctx context.Context, fresh bool) ([]callback.Token, error) {
	if t.TokenARN == "" {
		return t.Tokens, nil
	}
	text, err := t.secrets.Get(ctx, t.TokenARN, fresh)
	if err != nil {
		return nil, err
	}
	all, err := callback.ParseTokens(text)
	if err != nil {
		return nil, fmt.Errorf("the secret %s: %w", t.TokenARN, err)
	}
	return all, nil
}
