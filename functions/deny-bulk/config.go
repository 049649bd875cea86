package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"denybatch/internal/cloud"
	"denybatch/internal/settings"
)

// config is what the environment says (design, section 7).
type config struct {
	settings.InvX
	orgs           []string // organisations that may be denied for with the one set of credentials
	credentials    string   // JSON: credentials by organisation, in place of the one set
	credentialsARN string   // of the secret that holds them
	exchange       cloud.Place
	state          cloud.Place
	queueURL       string
	receives       int // after how many receives a message goes to the dead-letter queue; 0 when not said
}

// loadConfig reads the environment and reports every fault at once, each naming its variable.
func loadConfig(getenv func(string) string) (config, error) {
	s, err := settings.LoadInvX(getenv)
	c := config{
		InvX: s, orgs: strings.FieldsFunc(s.Org, func(r rune) bool { return r == ',' || r == ' ' }),
		credentials: getenv("DENYBATCH_INVX_CREDENTIALS"), credentialsARN: getenv("DENYBATCH_INVX_CREDENTIALS_ARN"),
		queueURL: getenv("DENYBATCH_QUEUE_URL"),
	}
	errs := []error{err, c.check()}
	if c.exchange, err = cloud.ParsePlace("DENYBATCH_EXCHANGE", getenv("DENYBATCH_EXCHANGE")); err != nil {
		errs = append(errs, err)
	}
	if c.state, err = cloud.ParsePlace("DENYBATCH_STATE", getenv("DENYBATCH_STATE")); err != nil {
		errs = append(errs, err)
	}
	if text := getenv("DENYBATCH_MAX_RECEIVES"); text != "" {
		if c.receives, err = strconv.Atoi(text); err != nil || c.receives < 1 {
			errs = append(errs, fmt.Errorf("DENYBATCH_MAX_RECEIVES is %q: it must be a whole number from 1", text))
		}
	}
	return c, errors.Join(errs...)
}

// check reports what is missing, and credentials that cannot be read.
func (c config) check() error {
	if c.credentials == "" && c.credentialsARN == "" {
		return c.Missing()
	}
	var errs []error
	if c.URL == "" {
		errs = append(errs, errors.New("DENYBATCH_INVX_URL is not set: give the address of InvX"))
	}
	if c.credentials != "" {
		if _, err := parseCredentials(c.credentials); err != nil {
			errs = append(errs, fmt.Errorf("DENYBATCH_INVX_CREDENTIALS: %w", err))
		}
	}
	return errors.Join(errs...)
}

// credential is how to get in for one organisation: a ready token, or a login.
type credential struct {
	Token    string `json:"token"`
	Handle   string `json:"handle"`
	Password string `json:"password"`
}

// parseCredentials reads credentials by organisation. Its errors never repeat what it read.
func parseCredentials(text string) (map[string]credential, error) {
	var by map[string]credential
	if err := json.Unmarshal([]byte(text), &by); err != nil {
		return nil, errors.New(`it must be JSON such as {"<organisation>": {"token": "…"}} or {"<organisation>": {"handle": "…", "password": "…"}}`)
	}
	for org, c := range by {
		if c.Token == "" && (c.Handle == "" || c.Password == "") {
			return nil, fmt.Errorf("organisation %s has neither a token nor a handle and a password", org)
		}
	}
	return by, nil
}
