package settings

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"denybatch/pkg/upstream/roit"
)

// env is an environment.
type env map[string]string

func (e env) get(name string) string { return e[name] }

func TestLoadROIT(t *testing.T) {
	s, err := LoadROIT(env{
		"DENYBATCH_ROIT_URL":         "https://hom.roit.ai",
		"DENYBATCH_ROIT_TOKEN_URL":   "https://hom.roit.ai/login",
		"DENYBATCH_ROIT_TOKEN_BODY":  `{"password":"hunter2"}`,
		"DENYBATCH_ROIT_TOKEN_FIELD": "data.token",
		"DENYBATCH_ROIT_AUTH_PREFIX": "Bearer",
	}.get)
	if err != nil {
		t.Fatal(err)
	}
	if s.URL != roit.Homologation || s.TokenURL != "https://hom.roit.ai/login" || s.TokenField != "data.token" ||
		s.AuthPrefix != "Bearer" || s.TokenBody.Reveal() != `{"password":"hunter2"}` {
		t.Errorf("read %+v", s)
	}
	if printed := fmt.Sprintf("%v %+v", s, s); strings.Contains(printed, "hunter2") {
		t.Errorf("a secret is printed: %s", printed)
	}
	if err := s.Missing(); err != nil {
		t.Error(err)
	}
	if _, err := roit.New(s.Config); err != nil {
		t.Error(err)
	}
}

func TestNothingSetIsNotWrongButMissing(t *testing.T) {
	s, err := LoadROIT(env{}.get)
	if err != nil {
		t.Errorf("wrong: %v", err)
	}
	wantNamed(t, s.Missing(), "DENYBATCH_ROIT_URL is not set", "DENYBATCH_ROIT_TOKEN is not set")
}

func TestMissingROIT(t *testing.T) {
	const url = "https://hom.roit.ai"
	for name, c := range map[string]struct {
		env  env
		want []string
	}{
		"AToken":                {env{"DENYBATCH_ROIT_URL": url, "DENYBATCH_ROIT_TOKEN": "tok"}, nil},
		"ATokenBehindAnARN":     {env{"DENYBATCH_ROIT_URL": url, "DENYBATCH_ROIT_TOKEN_ARN": "arn:a"}, nil},
		"ABodyBehindAnARN":      {env{"DENYBATCH_ROIT_URL": url, "DENYBATCH_ROIT_TOKEN_URL": url, "DENYBATCH_ROIT_TOKEN_BODY_ARN": "arn:a"}, nil},
		"NoBody":                {env{"DENYBATCH_ROIT_URL": url, "DENYBATCH_ROIT_TOKEN_URL": url}, []string{"DENYBATCH_ROIT_TOKEN_BODY is not set"}},
		"NoURL":                 {env{"DENYBATCH_ROIT_TOKEN": "tok"}, []string{"DENYBATCH_ROIT_URL is not set"}},
		"ABodyARNIsNoTokenARN":  {env{"DENYBATCH_ROIT_URL": url, "DENYBATCH_ROIT_TOKEN_BODY_ARN": "arn:a"}, []string{"DENYBATCH_ROIT_TOKEN is not set"}},
		"ATokenARNIsNoTokenURL": {env{"DENYBATCH_ROIT_URL": url, "DENYBATCH_ROIT_TOKEN_URL": url, "DENYBATCH_ROIT_TOKEN_ARN": "arn:a"}, []string{"DENYBATCH_ROIT_TOKEN_BODY is not set"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := LoadROIT(c.env.get)
			wantNamed(t, s.Missing(), c.want...)
		})
	}
}

func TestEveryWrongSettingOfROITIsNamedAtOnce(t *testing.T) {
	_, err := LoadROIT(env{
		"DENYBATCH_ROIT_URL":            "hom.roit.ai",
		"DENYBATCH_ROIT_TOKEN":          "two words",
		"DENYBATCH_ROIT_TOKEN_ARN":      "arn:a",
		"DENYBATCH_ROIT_TOKEN_URL":      "https://user:hunter2@hom.roit.ai/login",
		"DENYBATCH_ROIT_TOKEN_BODY":     "hunter2",
		"DENYBATCH_ROIT_TOKEN_FIELD":    "a..b",
		"DENYBATCH_ROIT_AUTH_PREFIX":    "a b",
		"DENYBATCH_ROIT_TOKEN_BODY_ARN": "",
	}.get)
	wantNamed(t, err, "DENYBATCH_ROIT_URL must", "DENYBATCH_ROIT_TOKEN must", "DENYBATCH_ROIT_TOKEN_ARN and", "DENYBATCH_ROIT_TOKEN_URL must",
		"DENYBATCH_ROIT_TOKEN_BODY must", "DENYBATCH_ROIT_TOKEN_FIELD must", "DENYBATCH_ROIT_AUTH_PREFIX must", "DENYBATCH_ROIT_TOKEN and DENYBATCH_ROIT_TOKEN_URL are both set")
	for _, secret := range []string{"hunter2", "two words"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error repeats %q: %v", secret, err)
		}
	}
	_, err = LoadROIT(env{"DENYBATCH_ROIT_TOKEN_BODY": "{}", "DENYBATCH_ROIT_TOKEN_BODY_ARN": "arn:a"}.get)
	wantNamed(t, err, "DENYBATCH_ROIT_TOKEN_BODY is set, but", "DENYBATCH_ROIT_TOKEN_BODY_ARN is set, but")
}

func TestLoadSweep(t *testing.T) {
	s, err := LoadSweep(env{}.get)
	if want := (Sweep{1000, 5, 15 * time.Minute}); err != nil || s != want {
		t.Errorf("by default %+v, %v; want %+v", s, err, want)
	}
	s, err = LoadSweep(env{"DENYBATCH_SWEEP_LIMIT": "100000", "DENYBATCH_SWEEP_ATTEMPTS": "1", "DENYBATCH_SWEEP_BACKOFF": "0"}.get)
	if want := (Sweep{100_000, 1, 0}); err != nil || s != want {
		t.Errorf("read %+v, %v; want %+v", s, err, want)
	}
	if s, err := LoadSweep(env{"DENYBATCH_SWEEP_BACKOFF": "168h"}.get); err != nil || s.Backoff != MaxSweepBackoff {
		t.Errorf("read %+v, %v", s, err)
	}
}

func TestEveryWrongSettingOfASweepIsNamedAtOnce(t *testing.T) {
	for _, e := range []env{
		{"DENYBATCH_SWEEP_LIMIT": "0", "DENYBATCH_SWEEP_ATTEMPTS": "0", "DENYBATCH_SWEEP_BACKOFF": "-1s"},
		{"DENYBATCH_SWEEP_LIMIT": "100001", "DENYBATCH_SWEEP_ATTEMPTS": "101", "DENYBATCH_SWEEP_BACKOFF": "168h1ns"},
		{"DENYBATCH_SWEEP_LIMIT": "many", "DENYBATCH_SWEEP_ATTEMPTS": "1.5", "DENYBATCH_SWEEP_BACKOFF": "15"},
	} {
		_, err := LoadSweep(e.get)
		wantNamed(t, err, "DENYBATCH_SWEEP_LIMIT is", "DENYBATCH_SWEEP_ATTEMPTS is", "DENYBATCH_SWEEP_BACKOFF is")
	}
}

// wantNamed checks that an error has these sentences and no others.
func wantNamed(t *testing.T, err error, want ...string) {
	t.Helper()
	var lines []string
	if err != nil {
		lines = strings.Split(err.Error(), "\n")
	}
	if len(lines) != len(want) {
		t.Errorf("%d faults, want %d: %v", len(lines), len(want), err)
	}
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("no fault says %q: %v", w, err)
		}
	}
}
