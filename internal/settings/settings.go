// Package settings reads the environment, under one set of names for the command line and the functions (design,
// section 7). Nothing below it looks at the environment, and all faults are reported at once, each naming its variable.
package settings

import (
	"errors"
	"fmt"
	"strconv"

	"denybatch/internal/denial"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/invx"
)

// InvX is how to reach InvX and how hard to use it.
type InvX struct {
	invx.Config
	TokenARN    string // of the secret that holds the token, in place of it; functions only
	PasswordARN string // of the secret that holds the password, in place of it; functions only
	Chunk       int    // rows in a call
	Concurrency int    // calls at a time, at most
}

// LoadInvX reads the variables whose names begin with DENYBATCH_INVX_, and their neighbours.
func LoadInvX(getenv func(string) string) (InvX, error) {
	s := InvX{
		Chunk:       denial.DefaultChunk,
		Concurrency: denial.DefaultConcurrency,
		TokenARN:    getenv("DENYBATCH_INVX_TOKEN_ARN"),
		PasswordARN: getenv("DENYBATCH_INVX_PASSWORD_ARN"),
		Config: invx.Config{
			URL:         getenv("DENYBATCH_INVX_URL"),
			Org:         getenv("DENYBATCH_INVX_ORG"),
			Auth:        invx.AuthScheme(getenv("DENYBATCH_INVX_AUTH")),
			Token:       upstream.NewSecret(getenv("DENYBATCH_INVX_TOKEN")),
			Handle:      getenv("DENYBATCH_INVX_HANDLE"),
			Password:    upstream.NewSecret(getenv("DENYBATCH_INVX_PASSWORD")),
			TheodoreURL: getenv("DENYBATCH_THEODORE_URL"),
		},
	}
	return s, errors.Join(
		number(getenv, "DENYBATCH_CHUNK", &s.Chunk, 1, MaxChunk),
		number(getenv, "DENYBATCH_CONCURRENCY", &s.Concurrency, 1, MaxConcurrency),
	)
}

// The largest sensible settings.
const (
	MaxChunk       = 1000
	MaxConcurrency = 256
)

func number(getenv func(string) string, name string, into *int, least, most int) error {
	text := getenv(name)
	if text == "" {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("%s is %q: it must be a whole number from %d to %d", name, text, least, most)
	}
	*into = n
	return Within(name, n, least, most)
}

// Within reports that a setting is out of its range.
func Within(name string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%s is %d: it must be from %d to %d", name, n, least, most)
	}
	return nil
}

// Missing names everything that is needed to call InvX and is not set.
func (s InvX) Missing() error {
	var missing []error
	if s.URL == "" {
		missing = append(missing, errors.New("DENYBATCH_INVX_URL is not set: give the address of InvX, such as https://sandbox.services.vayananet.com"))
	}
	if s.Org == "" {
		missing = append(missing, errors.New("DENYBATCH_INVX_ORG is not set: give the organisation id (run and check also take --org)"))
	}
	password := !s.Password.Empty() || s.PasswordARN != ""
	if s.Token.Empty() && s.TokenARN == "" && (s.Handle == "" || !password) {
		missing = append(missing, errors.New("DENYBATCH_INVX_TOKEN is not set: give a token, or DENYBATCH_INVX_HANDLE and DENYBATCH_INVX_PASSWORD"))
	}
	return errors.Join(missing...)
}
