package settings_test

import (
	"strings"
	"testing"

	"denybatch/internal/settings"
)

func TestCallback(t *testing.T) {
	for _, c := range []struct {
		name       string
		token, arn string
		tokens     int
		loads      string // part of the fault
		missing    bool
	}{
		{"a token", "t1", "", 1, "", false},
		{"two tokens", "t1 2030-01-01T00:00:00Z\nt2\n", "", 2, "", false},
		{"a secret", "", "arn:x", 0, "", false},
		{"nothing", "", "", 0, "", true},
		{"both", "t1", "arn:x", 1, "both set", false},
		{"nonsense", "hush hush", "", 0, "DENYBATCH_CALLBACK_TOKEN: line 1", true},
		{"blank", " \n", "", 0, "there is no token", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := map[string]string{"DENYBATCH_CALLBACK_TOKEN": c.token, "DENYBATCH_CALLBACK_TOKEN_ARN": c.arn}
			s, err := settings.LoadCallback(func(name string) string { return env[name] })
			if len(s.Tokens) != c.tokens || s.TokenARN != c.arn {
				t.Errorf("got %d tokens and the secret %q", len(s.Tokens), s.TokenARN)
			}
			if (err != nil) != (c.loads != "") || err != nil && (!strings.Contains(err.Error(), c.loads) || strings.Contains(err.Error(), "hush")) {
				t.Errorf("got fault %v, want %q", err, c.loads)
			}
			if missing := s.Missing() != nil; missing != c.missing {
				t.Errorf("missing: %v", missing)
			}
		})
	}
}
