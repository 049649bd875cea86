package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"denybatch/internal/callback"
	"denybatch/internal/denial"
	"denybatch/internal/local"
	"denybatch/internal/objects/dir"
	"denybatch/internal/request"
	"denybatch/internal/settings"
	"denybatch/internal/sweep"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/roit"
)

// localFlags are the flags of local.
type localFlags struct {
	folder, exchange, state string
	integrations            []string
	addr                    string
	every                   time.Duration
	given                   func(flag string) bool
}

func newLocalCommand(getenv func(string) string) *cobra.Command {
	var f localFlags
	cmd := &cobra.Command{
		Use:   "local",
		Short: "The whole system on this machine, with folders in place of buckets",
		Long: `Watches an inbox, and does with each file what the cloud would: files in inbox/deny/<organisation>/ are denied and those in
inbox/check/<organisation>/ checked at once, and requests in inbox/reprocess/<integration>/ are asked for by sweeps on a
schedule. It listens for ROIT's callbacks on this machine, and prints one line for each thing that happens. Reports appear
below reports/. Ctrl-C ends it in order; however it ends, the next start goes on.

Settings come from the environment: those of InvX (DENYBATCH_INVX_URL, …), those of ROIT (DENYBATCH_ROIT_URL, …) or both. Callbacks
must carry DENYBATCH_CALLBACK_TOKEN; without one, a token is made and printed.`,
		Example: `  denybatch local
  denybatch local --folder ~/denybatch --every 10s --addr 127.0.0.1:8081`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runLocal(cmd, getenv, f) },
	}
	flags := cmd.Flags()
	f.given = flags.Changed
	flags.StringVar(&f.folder, "folder", "denybatch-local", "folder for exchange/ and state/")
	flags.StringVar(&f.exchange, "exchange", "", "folder for people's files and the reports (DENYBATCH_EXCHANGE; default: exchange in --folder)")
	flags.StringVar(&f.state, "state", "", "folder for the state (DENYBATCH_STATE; default: state in --folder)")
	flags.StringSliceVar(&f.integrations, "integration", nil, "make inbox folders for these integrations of ROIT")
	flags.StringVar(&f.addr, "addr", "127.0.0.1:0", "loopback address to hear callbacks at; port 0 takes a free one")
	flags.DurationVar(&f.every, "every", time.Minute, "from one sweep to the next; the first is at once")
	return cmd
}

// localConfig is what the environment and the flags say.
type localConfig struct {
	invx            settings.InvX
	noInvX, noROIT  bool // nobody meant to configure it
	roit            settings.ROIT
	sweep           settings.Sweep
	callback        settings.Callback
	made            string // the token that callbacks must carry, if it was made here
	exchange, state place
}

// load reads the environment and the flags, and reports every fault at once.
func (f localFlags) load(getenv func(string) string) (c localConfig, err error) {
	faults := make([]error, 5, 12)
	c.invx, faults[0] = settings.LoadInvX(getenv)
	c.roit, faults[1] = settings.LoadROIT(getenv)
	c.sweep, faults[2] = settings.LoadSweep(getenv)
	c.callback, faults[3] = settings.LoadCallback(getenv)
	c.noInvX, c.noROIT = absent(c.invx), c.roit.URL == "" && c.roit.Token.Empty() && c.roit.TokenURL == ""
	if !c.noInvX {
		faults[4] = wrongInvX(c.invx)
	}
	if !c.noROIT {
		faults = append(faults, c.roit.Config.Missing()) // a secret behind an ARN is the functions' alone
	}
	if c.noInvX && c.noROIT {
		faults = append(faults, errors.New("neither InvX nor ROIT is configured, so there is nothing to do: set DENYBATCH_INVX_URL, DENYBATCH_INVX_ORG and "+
			"DENYBATCH_INVX_TOKEN, or DENYBATCH_ROIT_URL and DENYBATCH_ROIT_TOKEN, or all (denybatch simulate prints some to try)"))
	}
	if len(c.callback.Tokens) == 0 {
		c.made = rand.Text()
		c.callback.Tokens = []callback.Token{{Value: upstream.NewSecret(c.made)}}
	}
	if f.every < time.Second {
		faults = append(faults, fmt.Errorf("--every is %v: it must be at least 1s", f.every))
	}
	return c, errors.Join(append(faults, c.places(f, getenv))...)
}

// places finds the folders: a flag before --folder, if that is given, before the environment.
func (c *localConfig) places(f localFlags, getenv func(string) string) error {
	find := func(flag, variable, name string) (place, error) {
		text := cmp.Or(flag, getenv(variable))
		if flag == "" && (text == "" || f.given("folder")) {
			text = filepath.Join(f.folder, name)
		}
		p, err := parsePlace(variable, text)
		if err == nil && p.folder == "" {
			err = fmt.Errorf("%s is %s: denybatch local works on folders", variable, text)
		}
		return p, err
	}
	var err, other error
	c.exchange, err = find(f.exchange, "DENYBATCH_EXCHANGE", "exchange")
	c.state, other = find(f.state, "DENYBATCH_STATE", "state")
	if err = errors.Join(err, other); err != nil {
		return err
	}
	return apart(c.exchange, c.state)
}

// runLocal runs the system until Ctrl-C.
func runLocal(cmd *cobra.Command, getenv func(string) string, f localFlags) error {
	c, err := f.load(getenv)
	if err != nil {
		return err
	}
	ctx, out := cmd.Context(), cmd.OutOrStdout()
	accounts := &local.Accounts{Config: c.invx.Config, Orgs: orgs(c.invx.Org)}
	if c.noInvX {
		accounts.Orgs = nil
	}
	defer accounts.Close(context.WithoutCancel(ctx))
	sys, err := c.system(accounts)
	if err != nil {
		return err
	}
	if err := c.makeInbox(f.integrations); err != nil {
		return err
	}
	unlock, err := local.Lock(filepath.Join(c.exchange.folder, ".lock"), "works on "+c.exchange.text+": end it first, or give another folder")
	if err != nil {
		return err
	}
	defer unlock()
	if sys.Listener, err = local.Listen(ctx, f.addr); err != nil {
		return err
	}
	defer sys.Listener.Close()
	sys.Every = f.every
	sys.Say = func(line string) { fmt.Fprintln(out, time.Now().Format(time.TimeOnly)+"  "+line) }
	sys.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	sys.Ready = func() { c.hint(out, sys) }
	return sys.Run(ctx)
}

// system is made of what is configured.
func (c localConfig) system(accounts *local.Accounts) (local.System, error) {
	exchange, err := dir.New(c.exchange.folder)
	if err != nil {
		return local.System{}, err
	}
	state, err := dir.New(c.state.folder)
	if err != nil {
		return local.System{}, err
	}
	sys := local.System{
		Exchange: exchange, State: state, Locks: c.state.locks(), Account: accounts.Get, Tokens: c.callback.Tokens,
		Limit: c.sweep.Limit, Policy: request.Policy{Attempts: c.sweep.Attempts, Backoff: c.sweep.Backoff},
		Denial: denial.Options{Chunk: c.invx.Chunk, Concurrency: c.invx.Concurrency}, Owner: owner, Dead: sameHost,
	}
	if c.noROIT {
		return sys, nil
	}
	var client sweep.Reprocessor
	client, err = roit.New(c.roit.Config)
	sys.ROIT = client
	return sys, err
}

// makeInbox makes the folders that people drop files into.
func (c localConfig) makeInbox(integrations []string) error {
	var faults []error
	folders := []string{"inbox/reprocess"}
	for _, org := range orgs(c.invx.Org) {
		folders = append(folders, "inbox/deny/"+org, "inbox/check/"+org)
	}
	for _, id := range integrations {
		folders = append(folders, "inbox/reprocess/"+id)
	}
	for _, f := range folders {
		if !filepath.IsLocal(f) || strings.Count(f, "/") > 2 {
			faults = append(faults, fmt.Errorf("%s: an organisation or integration cannot be the name of a folder", f))
			continue
		}
		faults = append(faults, os.MkdirAll(filepath.Join(c.exchange.folder, filepath.FromSlash(f)), 0o755))
	}
	return errors.Join(faults...)
}

// hint says where to drop what, and what is not configured.
func (c localConfig) hint(out io.Writer, sys local.System) {
	inbox := func(kind, whose string) string { return c.exchange.report("inbox/" + kind + "/" + whose + "/") }
	org := "<organisation>"
	if all := orgs(c.invx.Org); len(all) > 0 {
		org = all[0]
	}
	fmt.Fprintln(out, "The whole system runs on this machine until Ctrl-C. Drop a spreadsheet into a folder:")
	fmt.Fprintf(out, "  %s/  every document in it is denied, which cannot be undone\n", inbox("deny", org))
	fmt.Fprintf(out, "  %s/  the same, but nothing is sent\n", inbox("check", org))
	fmt.Fprintf(out, "  %s/  requests that ROIT is to reprocess; make a folder for each integration\n", inbox("reprocess", "<integration>"))
	fmt.Fprintf(out, "Reports: %s/\n", c.exchange.report("reports"))
	fmt.Fprintf(out, "Callbacks: POST http://%s%s\n", sys.Listener.Addr(), local.CallbackPath)
	if c.made != "" {
		fmt.Fprintf(out, "Callback token: %s (made for this time; set DENYBATCH_CALLBACK_TOKEN to choose one)\n", c.made)
	}
	if c.noInvX {
		fmt.Fprintln(out, "InvX is not configured (DENYBATCH_INVX_URL and others): nothing is denied, and files to deny are answered with a report that says so.")
	}
	if c.noROIT {
		fmt.Fprintln(out, "ROIT is not configured (DENYBATCH_ROIT_URL and others): requests are left alone until it is.")
	}
	fmt.Fprintf(out, "Sweeps: now, and every %v.\n", sys.Every)
}
