// Command local runs the stack on this machine: "local up" synthesises infra/cdk, starts an AWS emulator on 127.0.0.1 and
// deploys the synthesised template to it, exactly as it is. "local down" ends just that. "local install" only installs the emulator.
//
// Environment: PORT (4566) is the emulator's; TIMEOUT is deny-bulk's seconds; MAX_RECEIVES is how often a message is tried;
// SWEEP_EVERY is the time from one sweep to the next, such as "1 minute"; with STRICT=1 there is TLS only, and every call of a
// function is held to the stack's policies. The functions' upstream settings are the caller's own, under the names that the
// command line uses: DENYBATCH_INVX_URL, DENYBATCH_ROIT_URL, DENYBATCH_CALLBACK_TOKEN and so on.
//
// Standard output is one JSON line (see [cloud]); everything else goes to standard error.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	place, err := findPlace(os.Getenv)
	if err != nil {
		return err
	}
	if len(args) != 1 {
		return errUsage
	}
	switch args[0] {
	case "up":
		c, err := up(ctx, place)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(c)
	case "down":
		return down(place)
	case "install":
		_, err := install(ctx, place)
		return err
	}
	return errUsage
}

var errUsage = errors.New("usage: local up | local down | local install")

// cloud is what a deployed stack tells those who use it. It is an API: fields keep their meaning.
type cloud struct {
	Endpoint           string            `json:"endpoint"`
	Region             string            `json:"region"`
	ExchangeBucket     string            `json:"exchange_bucket"`
	StateBucket        string            `json:"state_bucket"`
	QueueURL           string            `json:"queue_url"`
	DeadLetterQueueURL string            `json:"dead_letter_queue_url"`
	CallbackURL        string            `json:"callback_url"`          // as it answers on this machine
	CallbackSecret     string            `json:"callback_secret"`       // ARN of the secret with the token for it
	Functions          map[string]string `json:"functions"`             // names as deployed
	Certificate        string            `json:"certificate,omitempty"` // file with what to trust, when STRICT is set
}

// up deploys into a fresh emulator. One that runs here already is ended first, with all that is in it.
func up(ctx context.Context, p place) (c cloud, err error) {
	if err := checkSettings(os.Getenv); err != nil {
		return c, err
	}
	if err := errors.Join(down(p), free(p)); err != nil {
		return c, err
	}
	assembly, err := synthesise(ctx, p)
	if err != nil {
		return c, err
	}
	program, err := install(ctx, p)
	if err != nil {
		return c, err
	}
	if err := start(ctx, p, program); err != nil {
		return c, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, down(p))
		}
	}()
	account, err := connect(p)
	if err != nil {
		return c, err
	}
	if err := account.bootstrap(ctx); err != nil {
		return c, err
	}
	outputs, err := account.deploy(ctx, assembly)
	if err != nil {
		return c, err
	}
	if err := account.fillSecrets(ctx, outputs, os.Getenv); err != nil {
		return c, err
	}
	c = describe(p, outputs)
	if os.Getenv("DENYBATCH_CALLBACK_TOKEN") == "" {
		say("DENYBATCH_CALLBACK_TOKEN is not set: the callback's token is made up and stands in the secret %s", c.CallbackSecret)
	}
	return c, nil
}

func describe(p place, outputs map[string]string) cloud {
	c := cloud{
		Endpoint: p.endpoint(), Region: region, Functions: map[string]string{},
		ExchangeBucket:     outputs["ExchangeBucket"],
		StateBucket:        outputs["StateBucket"],
		QueueURL:           outputs["QueueUrl"],
		DeadLetterQueueURL: outputs["DeadLetterQueueUrl"],
		CallbackURL:        p.reachable(outputs["CallbackUrl"]),
		CallbackSecret:     outputs["CallbackSecret"],
	}
	if p.strict {
		c.Certificate = p.certificate()
	}
	for name, output := range map[string]string{
		"deny-bulk": "DenyBulkFunction", "reprocess": "ReprocessFunction", "callback": "CallbackFunction",
	} {
		if outputs[output] != "" {
			c.Functions[name] = outputs[output]
		}
	}
	return c
}

// say tells whoever watches what is going on.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
