package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"denybatch/internal/denial"
	"denybatch/internal/journal"
	"denybatch/internal/report"
	"denybatch/internal/settings"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/invx"
)

// runFlags are the flags of run and check.
type runFlags struct {
	org, out, state    string
	chunk, concurrency int
	dryRun, json       bool
	reports            []string
	given              func(flag string) bool
}

func newRunCommand(getenv func(string) string) *cobra.Command {
	var f runFlags
	cmd := &cobra.Command{
		Use:   "run FILE...",
		Short: "Deny the rows of spreadsheets at InvX and write the reports",
		Long: `Denies the document of every row and writes report.xlsx, report.csv, the retry file and summary.json into the folder
given with --out, or <name>.denybatch beside the file. Running the same command again after a crash goes on where it
stopped; after the end it sends nothing but rows that are unknown or not_sent.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runFiles(cmd, getenv, f, args) },
	}
	f.define(cmd)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "send nothing; report what would be sent")
	return cmd
}

func newCheckCommand(getenv func(string) string) *cobra.Command {
	f := runFlags{dryRun: true}
	cmd := &cobra.Command{
		Use:   "check FILE...",
		Short: "The same as run, but nothing is sent",
		Args:  cobra.MinimumNArgs(1),
		RunE:  func(cmd *cobra.Command, args []string) error { return runFiles(cmd, getenv, f, args) },
	}
	f.define(cmd)
	return cmd
}

func (f *runFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.given = flags.Changed
	flags.StringVar(&f.org, "org", "", "InvX organisation id (DENYBATCH_INVX_ORG)")
	flags.StringVar(&f.out, "out", "", "folder for the reports (default <name>.denybatch beside the file)")
	flags.StringVar(&f.state, "state", "", "folder for what must survive a crash (DENYBATCH_STATE; default: state in the folder of the reports)")
	flags.IntVar(&f.chunk, "chunk", 0, "rows in a call (DENYBATCH_CHUNK; default 50)")
	flags.IntVar(&f.concurrency, "concurrency", 0, "calls at a time, at most (DENYBATCH_CONCURRENCY; default 8)")
	flags.BoolVar(&f.json, "json", false, "print one JSON object for each file")
	flags.StringSliceVar(&f.reports, "reports", nil, "which reports to write: csv, xlsx, retry (default all)")
}

// runFiles runs each file in turn. The worst of their exit statuses is the command's.
func runFiles(cmd *cobra.Command, getenv func(string) string, f runFlags, files []string) error {
	c, err := f.settings(getenv)
	if err != nil {
		return err
	}
	outs, err := f.folders(files)
	if err != nil {
		return err
	}
	s := session{config: c, flags: f, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
	if !f.dryRun {
		if s.client, err = c.client(); err != nil {
			return err
		}
		defer s.client.Close(context.WithoutCancel(cmd.Context()))
		var refused *invx.LoginError
		if err := s.client.Login(cmd.Context()); errors.As(err, &refused) {
			return err
		}
	}
	var codes []int
	for i, file := range files {
		codes = append(codes, s.run(cmd.Context(), file, outs[i]))
	}
	if code := worst(codes); code != exitDone {
		return &statusError{code}
	}
	return nil
}

// settings are the environment's, overruled by the flags.
func (f runFlags) settings(getenv func(string) string) (config, error) {
	c, err := loadConfig(getenv)
	if f.org != "" {
		c.Org = f.org
	}
	if f.state != "" {
		c.state = f.state
	}
	if f.given("chunk") {
		c.Chunk = f.chunk
		err = errors.Join(err, settings.Within("--chunk", f.chunk, 1, settings.MaxChunk))
	}
	if f.given("concurrency") {
		c.Concurrency = f.concurrency
		err = errors.Join(err, settings.Within("--concurrency", f.concurrency, 1, settings.MaxConcurrency))
	}
	if strings.HasPrefix(c.state, "s3://") {
		err = errors.Join(err, fmt.Errorf("the state is %s: on the command line it must be a folder", c.state))
	}
	if _, kindErr := f.kinds(); kindErr != nil {
		err = errors.Join(err, kindErr)
	}
	return c, err
}

func (f runFlags) kinds() ([]report.Kind, error) {
	if len(f.reports) == 0 {
		return nil, nil
	}
	kinds := []report.Kind{}
	for _, name := range f.reports {
		switch k := report.Kind(strings.TrimSpace(name)); k {
		case report.CSV, report.XLSX, report.Retry:
			kinds = append(kinds, k)
		default:
			return nil, fmt.Errorf("--reports names %q: it can name csv, xlsx and retry", name)
		}
	}
	return kinds, nil
}

// folders says where the reports of each file go. No two files share a folder.
func (f runFlags) folders(files []string) ([]string, error) {
	outs, taken := make([]string, len(files)), map[string]string{}
	for i, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		switch {
		case f.out == "":
			outs[i] = filepath.Join(filepath.Dir(file), name+".denybatch")
		case len(files) == 1:
			outs[i] = f.out
		default:
			outs[i] = filepath.Join(f.out, filepath.Base(file))
		}
		abs, err := filepath.Abs(outs[i])
		if err != nil {
			return nil, err
		}
		if other, ok := taken[abs]; ok {
			return nil, fmt.Errorf("the reports of %s and %s would both go into %s: run them one at a time, each with its own --out", other, file, outs[i])
		}
		taken[abs] = file
	}
	return outs, nil
}

// worst is the exit status of several files: stopped before open rows before refused before done. A file that was
// refused among others that were not leaves rows open.
func worst(codes []int) int {
	count := map[int]int{}
	for _, c := range codes {
		count[c]++
	}
	switch {
	case count[exitStopped] > 0:
		return exitStopped
	case count[exitNothing] == len(codes):
		return exitNothing
	case count[exitNothing]+count[exitOpenRows] > 0:
		return exitOpenRows
	}
	return exitDone
}

// session is one command's work on its files.
type session struct {
	config config
	flags  runFlags
	client *invx.Client
	stdout io.Writer
	stderr io.Writer
}

// run denies one file and tells how it went. The result is an exit status.
func (s session) run(ctx context.Context, file, out string) int {
	began := time.Now()
	outcome, err := s.deny(ctx, file, out)
	if err != nil {
		fmt.Fprintln(s.stderr, "denybatch: "+err.Error())
		code := exitStopped
		var fault *sheet.Fault
		var nothing *nothingSentError
		var busy *journal.BusyError
		if errors.As(err, &fault) || errors.As(err, &nothing) || errors.As(err, &busy) {
			code = exitNothing
		}
		if s.flags.json {
			printJSON(s.stdout, failure{File: file, Error: err.Error(), ExitStatus: code})
		}
		return code
	}
	code := exitStatus(outcome.Summary)
	if s.flags.json {
		printJSON(s.stdout, success{Summary: outcome.Summary, File: file, Folder: filepath.Join(out, filepath.FromSlash(outcome.Prefix)), ExitStatus: code})
		return code
	}
	s.printOutcome(file, out, outcome, time.Since(began))
	return code
}

// exitStatus judges a published report.
func exitStatus(s report.Summary) int {
	if s.Status == report.Stopped {
		return exitStopped
	}
	for result, n := range s.Counts {
		if n > 0 && !result.Settled() && !(s.DryRun && result == verdict.WouldSend) {
			return exitOpenRows
		}
	}
	return exitDone
}

// nothingSentError is a reason why a file was not begun.
type nothingSentError struct{ err error }

func (e *nothingSentError) Error() string { return e.err.Error() }
func (e *nothingSentError) Unwrap() error { return e.err }

// deny runs one file through the engine.
func (s session) deny(ctx context.Context, file, out string) (denial.Outcome, error) {
	src, err := openSource(file)
	if err != nil {
		return denial.Outcome{}, err
	}
	defer src.Close()
	job, err := s.job(src, out)
	if err != nil {
		return denial.Outcome{}, &nothingSentError{err}
	}
	unlock, err := claim(s.stateFolder(out), job.Batch, out)
	if errors.Is(err, fs.ErrPermission) {
		err = fmt.Errorf("the reports cannot be written: %w: give a folder that you may write into with --out (and --state)", err)
	}
	if err != nil {
		return denial.Outcome{}, &nothingSentError{err}
	}
	defer unlock()
	if err := makeRoom(ctx, out, job.State, job.Batch); err != nil {
		return denial.Outcome{}, &nothingSentError{err}
	}
	meter := newMeter(s.stderr, s.flags.json)
	defer meter.done()
	engine := denial.New(s.upstream(), denial.Options{
		Chunk: s.config.Chunk, Concurrency: s.config.Concurrency, Owner: owner(), Dead: sameHost,
		Halt: cancelledBy(ctx), Progress: meter.show,
	})
	// The engine ends in order when it is told to halt; its calls to upstream are let finish.
	return engine.Run(context.WithoutCancel(ctx), job)
}

// upstream is the client, or nil in a dry run.
func (s session) upstream() denial.Upstream {
	if s.client == nil {
		return nil
	}
	return s.client
}

func (s session) stateFolder(out string) string {
	if s.config.state != "" {
		return s.config.state
	}
	return filepath.Join(out, "state")
}

func cancelledBy(ctx context.Context) func() denial.Halt {
	return func() denial.Halt {
		if ctx.Err() != nil {
			return denial.Cancel
		}
		return denial.GoOn
	}
}

// owner names this process as a holder of leases.
func owner() string {
	return fmt.Sprintf("%s%d/%d", hostPrefix(), os.Getpid(), time.Now().UnixNano())
}

func hostPrefix() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return "cli/" + host + "/"
}

// sameHost reports that a holder is gone: claim locks the batch among the processes of this machine.
func sameHost(holder string) bool { return strings.HasPrefix(holder, hostPrefix()) }
