package main

import (
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
