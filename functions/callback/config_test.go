package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"denybatch/internal/request"
	"denybatch/internal/settings"
)

func environment(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestConfig(t *testing.T) {
	c, err := loadConfig(environment(map[string]string{
		"DENYBATCH_STATE": "s3://state/prefix", "DENYBATCH_CALLBACK_TOKEN": "t1\nt2", "DENYBATCH_SWEEP_ATTEMPTS": "3", "DENYBATCH_SWEEP_BACKOFF": "1h",
	}))
	if err != nil || c.state.Bucket != "state" || c.state.Prefix != "prefix/" || len(c.Tokens) != 2 || c.policy != (request.Policy{Attempts: 3, Backoff: time.Hour}) {
		t.Errorf("got %+v, %v", c, err)
	}
	c, err = loadConfig(environment(map[string]string{"DENYBATCH_STATE": "s3://state", "DENYBATCH_CALLBACK_TOKEN_ARN": "arn:x"}))
	if err != nil || c.TokenARN != "arn:x" || c.policy != (request.Policy{Attempts: 5, Backoff: 15 * time.Minute}) {
		t.Errorf("the defaults: got %+v, %v", c, err)
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	_, err := loadConfig(environment(nil))
	for _, name := range []string{"DENYBATCH_STATE", "DENYBATCH_CALLBACK_TOKEN"} {
		if err == nil || !strings.Contains(err.Error(), name+" is not set") {
			t.Errorf("nothing about %s in %v", name, err)
		}
	}
	_, err = loadConfig(environment(map[string]string{
		"DENYBATCH_STATE": "folder", "DENYBATCH_CALLBACK_TOKEN": "hush hush", "DENYBATCH_SWEEP_ATTEMPTS": "0", "DENYBATCH_SWEEP_BACKOFF": "soon",
	}))
	for _, name := range []string{"DENYBATCH_STATE", "DENYBATCH_CALLBACK_TOKEN", "DENYBATCH_SWEEP_ATTEMPTS", "DENYBATCH_SWEEP_BACKOFF"} {
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "hush") {
			t.Errorf("nothing about %s in %v, or too much", name, err)
		}
	}
}

// vault is Secrets Manager.
type vault map[string]string

func (v vault) Get(_ context.Context, arn string, _ bool) (string, error) { return v[arn], nil }

func TestTokensOfASecret(t *testing.T) {
	from := settings.Callback{TokenARN: "arn:x"}
	all, err := tokens{from, vault{"arn:x": "t1 2030-01-01T00:00:00Z\nt2"}}.Get(t.Context(), false)
	if err != nil || len(all) != 2 {
		t.Errorf("got %v, %v", all, err)
	}
	_, err = tokens{from, vault{"arn:x": "hush hush"}}.Get(t.Context(), false)
	if err == nil || !strings.Contains(err.Error(), "arn:x") || strings.Contains(err.Error(), "hush") {
		t.Errorf("got %v", err)
	}
}
