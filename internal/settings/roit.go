package settings

import (
	"errors"
	"fmt"
	"time"

	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/roit"
)

// ROIT is how to reach ROIT. Its Config is incomplete while a secret stands behind an ARN.
type ROIT struct {
	roit.Config
	TokenARN     string // of the secret that holds the token, in place of it; functions only
	TokenBodyARN string // of the secret that holds the token body, in place of it; functions only
}

// LoadROIT reads the variables whose names begin with DENYBATCH_ROIT_, and reports what is wrong with those that are set.
func LoadROIT(getenv func(string) string) (ROIT, error) {
	s := ROIT{
		TokenARN:     getenv("DENYBATCH_ROIT_TOKEN_ARN"),
		TokenBodyARN: getenv("DENYBATCH_ROIT_TOKEN_BODY_ARN"),
		Config: roit.Config{
			URL:        getenv("DENYBATCH_ROIT_URL"),
			Token:      upstream.NewSecret(getenv("DENYBATCH_ROIT_TOKEN")),
			AuthPrefix: getenv("DENYBATCH_ROIT_AUTH_PREFIX"),
			TokenURL:   getenv("DENYBATCH_ROIT_TOKEN_URL"),
			TokenBody:  upstream.NewSecret(getenv("DENYBATCH_ROIT_TOKEN_BODY")),
			TokenField: getenv("DENYBATCH_ROIT_TOKEN_FIELD"),
		},
	}
	faults := []error{s.Wrong()}
	if s.TokenARN != "" && s.TokenURL != "" {
		faults = append(faults, errors.New("DENYBATCH_ROIT_TOKEN_ARN and DENYBATCH_ROIT_TOKEN_URL are both set, so it is not clear which to use"))
	}
	if s.TokenBodyARN != "" && s.TokenURL == "" {
		faults = append(faults, errors.New("DENYBATCH_ROIT_TOKEN_BODY_ARN is set, but there is no DENYBATCH_ROIT_TOKEN_URL to post it to"))
	}
	return s, errors.Join(faults...)
}

// Missing names everything that is needed to call ROIT and is not set. A secret behind an ARN counts as set.
func (s ROIT) Missing() error {
	later := s.Config
	if s.TokenURL == "" && s.TokenARN != "" {
		later.Token = upstream.NewSecret(s.TokenARN)
	}
	if s.TokenURL != "" && s.TokenBodyARN != "" {
		later.TokenBody = upstream.NewSecret(s.TokenBodyARN)
	}
	return later.Missing()
}

// Sweep is how hard a sweep tries.
type Sweep struct {
	Limit    int           // requests asked in one sweep, at most
	Attempts int           // asks of one request until somebody must look at it
	Backoff  time.Duration // wait before the second attempt; it doubles with each
}

// The largest sensible settings of a sweep.
const (
	MaxSweepLimit    = 100_000
	MaxSweepAttempts = 100
	MaxSweepBackoff  = 7 * 24 * time.Hour
)

// LoadSweep reads the variables whose names begin with DENYBATCH_SWEEP_.
func LoadSweep(getenv func(string) string) (Sweep, error) {
	s := Sweep{Limit: 1000, Attempts: 5, Backoff: 15 * time.Minute}
	err := errors.Join(
		number(getenv, "DENYBATCH_SWEEP_LIMIT", &s.Limit, 1, MaxSweepLimit),
		number(getenv, "DENYBATCH_SWEEP_ATTEMPTS", &s.Attempts, 1, MaxSweepAttempts),
		duration(getenv, "DENYBATCH_SWEEP_BACKOFF", &s.Backoff, MaxSweepBackoff),
	)
	return s, err
}

func duration(getenv func(string) string, name string, into *time.Duration, most time.Duration) error {
	text := getenv(name)
	if text == "" {
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 || d > most {
		return fmt.Errorf("%s is %q: it must be a duration such as 15m or 2h30m, at most %v", name, text, most)
	}
	*into = d
	return nil
}
