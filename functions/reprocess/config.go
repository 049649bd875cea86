package main

import (
	"errors"
	"fmt"
	"strings"

	"denybatch/internal/cloud"
	"denybatch/internal/settings"
)

// config is what the environment says (design, section 7).
type config struct {
	settings.ROIT
	settings.Sweep
	exchange cloud.Place
	state    cloud.Place
	queueURL string // where batches are gone on with; without one they are left alone
}

// loadConfig reads the environment and reports every fault at once, each naming its variable.
func loadConfig(getenv func(string) string) (c config, err error) {
	faults := make([]error, 5)
	c.ROIT, faults[0] = settings.LoadROIT(getenv)
	faults[1] = c.ROIT.Missing()
	c.Sweep, faults[2] = settings.LoadSweep(getenv)
	c.exchange, faults[3] = cloud.ParsePlace("DENYBATCH_EXCHANGE", getenv("DENYBATCH_EXCHANGE"))
	c.state, faults[4] = cloud.ParsePlace("DENYBATCH_STATE", getenv("DENYBATCH_STATE"))
	c.queueURL = getenv("DENYBATCH_QUEUE_URL")
	for name, arn := range map[string]string{"DENYBATCH_ROIT_TOKEN_ARN": c.TokenARN, "DENYBATCH_ROIT_TOKEN_BODY_ARN": c.TokenBodyARN} {
		if arn != "" && !strings.HasPrefix(arn, "arn:") {
			faults = append(faults, fmt.Errorf("%s is not an ARN: it must be that of the secret, arn:aws:secretsmanager:…", name))
		}
	}
	return c, errors.Join(faults...)
}

// arn is of the secret that lets us in, empty when that stands in the environment itself.
func (c config) arn() string {
	switch {
	case c.TokenURL != "" && c.TokenBody.Empty():
		return c.TokenBodyARN
	case c.TokenURL == "" && c.Token.Empty():
		return c.TokenARN
	}
	return ""
}
