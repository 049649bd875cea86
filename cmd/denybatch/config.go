package main

import (
	"errors"
	"fmt"
	"strconv"

	"denybatch/internal/denial"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/invx"
)

// config is what the environment says (design, section 7).
type config struct {
	invx        invx.Config
	state       string
	chunk       int
	concurrency int
}

// loadConfig reads the environment. All faults are reported at once, each naming its variable. Whether the settings
// that only upstream needs are there is checked by client, because a dry run goes without them.
func loadConfig(getenv func(string) string) (config, error) {
	c := config{
		state:       getenv("DENYBATCH_STATE"),
		chunk:       denial.DefaultChunk,
		concurrency: denial.DefaultConcurrency,
		invx: invx.Config{
			URL:         getenv("DENYBATCH_INVX_URL"),
			Org:         getenv("DENYBATCH_INVX_ORG"),
			Auth:        invx.AuthScheme(getenv("DENYBATCH_INVX_AUTH")),
			Token:       upstream.NewSecret(getenv("DENYBATCH_INVX_TOKEN")),
			Handle:      getenv("DENYBATCH_INVX_HANDLE"),
			Password:    upstream.NewSecret(getenv("DENYBATCH_INVX_PASSWORD")),
			TheodoreURL: getenv("DENYBATCH_THEODORE_URL"),
		},
	}
	return c, errors.Join(
		number(getenv, "DENYBATCH_CHUNK", &c.chunk, 1, 1000),
		number(getenv, "DENYBATCH_CONCURRENCY", &c.concurrency, 1, 256),
	)
}

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
	return within(name, n, least, most)
}

func within(name string, n, least, most int) error {
	if n < least || n > most {
		return fmt.Errorf("%s is %d: it must be from %d to %d", name, n, least, most)
	}
	return nil
}

// client connects to InvX, or says everything that is missing.
func (c config) client() (*invx.Client, error) {
	var missing []error
	if c.invx.URL == "" {
		missing = append(missing, errors.New("DENYBATCH_INVX_URL is not set: give the address of InvX, such as https://sandbox.services.vayananet.com"))
	}
	if c.invx.Org == "" {
		missing = append(missing, errors.New("DENYBATCH_INVX_ORG is not set: give the organisation id there or with --org"))
	}
	if c.invx.Token.Empty() && (c.invx.Handle == "" || c.invx.Password.Empty()) {
		missing = append(missing, errors.New("DENYBATCH_INVX_TOKEN is not set: give a token, or DENYBATCH_INVX_HANDLE and DENYBATCH_INVX_PASSWORD"))
	}
	if len(missing) > 0 {
		return nil, errors.Join(missing...)
	}
	return invx.New(c.invx)
}
