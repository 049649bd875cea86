package main

import (
	"strings"

	"denybatch/internal/settings"
	"denybatch/pkg/upstream/invx"
)

// config is what the environment and the flags say.
type config struct {
	settings.InvX
	state string
}

// loadConfig reads the environment. Whether the settings that only upstream needs are there is checked by client, because
// a dry run goes without them.
func loadConfig(getenv func(string) string) (config, error) {
	s, err := settings.LoadInvX(getenv)
	return config{InvX: s, state: getenv("DENYBATCH_STATE")}, err
}

// client connects to InvX, or says everything that is missing.
func (c config) client() (*invx.Client, error) {
	if err := c.Missing(); err != nil {
		return nil, err
	}
	return invx.New(c.Config)
}

// absent reports whether nobody meant to say how to reach InvX. An organisation alone does not.
func absent(s settings.InvX) bool {
	return s.URL == "" && s.Token.Empty() && s.Handle == "" && s.Password.Empty() && s.TokenARN == "" && s.PasswordARN == ""
}

// wrongInvX says everything that keeps a client from reaching InvX. Secrets behind ARNs are for the functions.
func wrongInvX(s settings.InvX) error {
	s.TokenARN, s.PasswordARN = "", ""
	if err := s.Missing(); err != nil {
		return err
	}
	for _, org := range orgs(s.Org) {
		s.Config.Org = org
		if _, err := invx.New(s.Config); err != nil {
			return err
		}
	}
	return nil
}

// orgs are the organisations that may be denied for, as deny-bulk reads them.
func orgs(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}
