// Command local is what scripts/sam needs beside SAM CLI: it fills the emulated cloud, leads containers to servers on
// loopback, calls the callback, and holds what the functions left behind against what really happened upstream.
//
// usage: local fill | relay GATEWAY PORT... | denied | call | heard | swept
//
// Environment: ENDPOINT, SIMULATOR and CALLBACK are where AWS is emulated, the upstreams are simulated, and the callback is
// served. It runs in the root of the checkout.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// story is one run of scripts/sam, and where everything is.
type story struct {
	cloud     cloud
	simulator string
	callback  string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage: local fill | relay GATEWAY PORT... | denied | call | heard | swept")

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	s := story{connect(os.Getenv("ENDPOINT")), os.Getenv("SIMULATOR"), os.Getenv("CALLBACK")}
	switch verb := args[0]; {
	case verb == "relay" && len(args) > 2:
		return relay(ctx, args[1], args[2:])
	case verb == "fill":
		return s.fill(ctx)
	case verb == "denied":
		return s.denied(ctx)
	case verb == "call":
		return s.call(ctx)
	case verb == "heard":
		return s.heard(ctx)
	case verb == "swept":
		return s.swept(ctx)
	}
	return errUsage
}
