package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"denybatch/internal/callback"
	"denybatch/internal/clock"
	"denybatch/internal/cloud"
	"denybatch/internal/ledger"
	"denybatch/internal/local"
	"denybatch/internal/objects"
	"denybatch/internal/report"
	"denybatch/internal/request"
	"denybatch/internal/settings"
	"denybatch/internal/sweep"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/roit"
)

// sweepFlags are the flags of sweep.
type sweepFlags struct {
	exchange, state string
	limit           int
	json            bool
	given           func(flag string) bool
}

func newSweepCommand(getenv func(string) string) *cobra.Command {
	var f sweepFlags
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "One sweep, now: ask ROIT to reprocess what is due",
		Long: `Reads the files in inbox/reprocess/<integration>/ of the exchange, has denial batches gone on with that came to nothing, and
asks ROIT to reprocess every request that is due. The report has a line for each. A request that was perhaps asked for is
never asked for again by itself: somebody has to look, and to drop it in with confirm = yes.

Settings come from the environment: DENYBATCH_EXCHANGE and DENYBATCH_STATE, each a folder or s3://bucket/prefix,
DENYBATCH_ROIT_URL, and DENYBATCH_ROIT_TOKEN or DENYBATCH_ROIT_TOKEN_URL with DENYBATCH_ROIT_TOKEN_BODY. Batches are handed to
deny-bulk when DENYBATCH_QUEUE_URL is set, gone on with here when the settings of InvX are, and left alone otherwise.

Exit status: 0 nothing was due, or every line is accepted, already_done or duplicate; 1 finished, but some lines are not;
2 nothing was asked (usage, configuration, another sweep is under way); 3 stopped before the end.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSweep(cmd, getenv, f) },
	}
	flags := cmd.Flags()
	f.given = flags.Changed
	flags.StringVar(&f.exchange, "exchange", "", "where people's files and the reports are (DENYBATCH_EXCHANGE)")
	flags.StringVar(&f.state, "state", "", "where the state is (DENYBATCH_STATE)")
	flags.IntVar(&f.limit, "limit", 0, "requests to ask for, at most (DENYBATCH_SWEEP_LIMIT; default 1000)")
	flags.BoolVar(&f.json, "json", false, "print JSON: summary.json and the exit status in one line")
	return cmd
}

// sweepConfig is what the environment and the flags say.
type sweepConfig struct {
	settings.ROIT
	settings.Sweep
	invx            settings.InvX
	exchange, state place
	queueURL        string
}

// load reads the environment and the flags, and reports every fault at once.
func (f sweepFlags) load(getenv func(string) string) (c sweepConfig, err error) {
	faults := make([]error, 11)
	c.ROIT, faults[0] = settings.LoadROIT(getenv)
	faults[1] = c.ROIT.Config.Missing() // a secret behind an ARN is the functions' alone
	c.Sweep, faults[2] = settings.LoadSweep(getenv)
	if f.given("limit") {
		c.Limit = f.limit
		faults[3] = settings.Within("--limit", f.limit, 1, settings.MaxSweepLimit)
	}
	c.exchange, faults[4] = parsePlace("DENYBATCH_EXCHANGE", cmp.Or(f.exchange, getenv("DENYBATCH_EXCHANGE")))
	c.state, faults[5] = parsePlace("DENYBATCH_STATE", cmp.Or(f.state, getenv("DENYBATCH_STATE")))
	if faults[4] == nil && faults[5] == nil {
		faults[6] = apart(c.exchange, c.state)
		faults[7] = c.exchange.mustBeFolder("DENYBATCH_EXCHANGE")
	}
	c.queueURL = getenv("DENYBATCH_QUEUE_URL")
	if c.queueURL != "" && c.exchange.folder != "" {
		faults[8] = errors.New("DENYBATCH_QUEUE_URL is set, but DENYBATCH_EXCHANGE is a folder, which deny-bulk cannot read: unset one of them")
	}
	c.invx, faults[9] = settings.LoadInvX(getenv)
	if c.queueURL == "" && !absent(c.invx) {
		faults[10] = wrongInvX(c.invx)
	}
	return c, errors.Join(faults...)
}

// runSweep makes one sweep and tells how it went.
func runSweep(cmd *cobra.Command, getenv func(string) string, f sweepFlags) error {
	c, err := f.load(getenv)
	if err != nil {
		return err
	}
	s, err := newSweeping(cmd.Context(), c, f, cmd.OutOrStdout(), cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	if c.state.folder != "" {
		unlock, err := local.Lock(filepath.Join(c.state.locks(), local.SweepLock), "is sweeping: wait for it to end")
		if err != nil {
			return s.end(exitNothing, err)
		}
		defer unlock()
	}
	return s.run(cmd.Context())
}

// sweeping is one sweep of the command.
type sweeping struct {
	sweepConfig
	flags          sweepFlags
	stdout, stderr io.Writer
	log            *slog.Logger

	client    *roit.Client
	files     objects.Store // the exchange
	objects   objects.Store // the state
	followUps followUps
	told      []report.SweepSummary // of sweeps that ended, the one that was left behind first
}

func newSweeping(ctx context.Context, c sweepConfig, f sweepFlags, stdout, stderr io.Writer) (s *sweeping, err error) {
	s = &sweeping{sweepConfig: c, flags: f, stdout: stdout, stderr: stderr}
	s.log = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if s.client, err = roit.New(c.ROIT.Config); err != nil {
		return nil, err
	}
	if s.files, err = c.exchange.open(ctx); err != nil {
		return nil, err
	}
	if s.objects, err = c.state.open(ctx); err != nil {
		return nil, err
	}
	s.followUps, err = s.newFollowUps(ctx)
	return s, err
}

// run sweeps, and goes on with batches. Its end is orderly when ctx ends.
func (s *sweeping) run(ctx context.Context) error {
	end, err := s.sweeper(ctx).Sweep(context.WithoutCancel(ctx))
	switch {
	case err != nil && end.Sweep == "":
		return s.end(exitNothing, err)
	case err != nil:
		return s.end(exitStopped, fmt.Errorf("sweep %s: %w (run the same command again to go on)", end.Sweep, err))
	case end.Ignored != "" && end.Sweep == "":
		return s.end(exitNothing, errors.New(end.Ignored))
	case end.Ignored != "":
		return s.end(exitStopped, errors.New(end.Ignored))
	case end.HandedOver:
		return s.end(exitStopped, errors.New("interrupted before every file was read: run the same command again to go on"))
	}
	code := s.tell(context.WithoutCancel(ctx), end)
	code = graver(code, s.followUps.finish(ctx))
	if code != exitDone {
		return &statusError{code}
	}
	return nil
}

func (s *sweeping) sweeper(ctx context.Context) sweep.Sweeper {
	policy := request.Policy{Attempts: s.Attempts, Backoff: s.Backoff}
	book := request.NewBook(s.objects, clock.System{}, policy)
	return sweep.Sweeper{
		ROIT: s.client, Exchange: s.files, State: s.objects, Batches: s.followUps.batches(),
		Replay: func(ctx context.Context, id string) error { return callback.Replay(ctx, s.objects, book, id) },
		Announce: func(_ context.Context, sum report.SweepSummary) error {
			s.told = append(s.told, sum)
			return nil
		},
		Options: sweep.Options{
			Worker: owner(), Limit: s.Limit, Policy: policy, Clock: local.Hasty(ctx.Done()), Dead: s.state.dead(), Log: s.log,
			Halt: func() bool { return ctx.Err() != nil },
		},
	}
}

// end ends the command without a report.
func (s *sweeping) end(code int, err error) error {
	fmt.Fprintln(s.stderr, "denybatch: "+err.Error())
	if s.flags.json {
		printJSON(s.stdout, struct {
			Error      string `json:"error"`
			ExitStatus int    `json:"exit_status"`
		}{err.Error(), code})
	}
	return &statusError{code}
}

// tell shows every report that came out. The result is an exit status.
func (s *sweeping) tell(ctx context.Context, end sweep.Ending) int {
	if len(s.told) == 0 {
		if end.Summary != nil { // it was announced by a worker that died before it could say so
			s.told = append(s.told, *end.Summary)
		} else {
			return s.nothing(ctx, end)
		}
	}
	code := exitDone
	for _, sum := range s.told {
		code = graver(code, sweepStatus(sum))
	}
	for _, sum := range s.told {
		if s.flags.json {
			printJSON(s.stdout, sweepSuccess{sum, code})
		} else {
			s.show(sum)
		}
	}
	return code
}

// sweepSuccess is what --json prints of a sweep: summary.json and the exit status.
type sweepSuccess struct {
	report.SweepSummary
	ExitStatus int `json:"exit_status"`
}

// nothing tells of a sweep that had nothing to report.
func (s *sweeping) nothing(ctx context.Context, end sweep.Ending) int {
	if end.Stopped != "" {
		s.end(exitStopped, fmt.Errorf("%s: %s due, for the next sweep", end.Stopped, are(end.Waiting)))
		return exitStopped
	}
	if s.flags.json {
		printJSON(s.stdout, sweepSuccess{report.SweepSummary{
			Sweep: end.Sweep, Status: report.Finished, Invariant: report.Invariant{Holds: true}, Counts: report.SweepCounts{},
			Files: []report.SweptFile{}, Integrations: map[string]report.SweepCounts{}, Reports: map[string]string{}, Notes: []string{},
		}, exitDone})
		return exitDone
	}
	soon, at := s.soon(ctx)
	if soon > 0 {
		fmt.Fprintf(s.stdout, "Nothing is due yet, and no file in the inbox is new. %s due from %s on.\n", are(soon), at.Local().Format(time.TimeOnly))
		return exitDone
	}
	fmt.Fprintln(s.stdout, "Nothing is due, and no file in the inbox is new.")
	return exitDone
}

func are(requests int) string {
	if requests == 1 {
		return "1 request is"
	}
	return fmt.Sprintf("%d requests are", requests)
}

// soon counts the requests that the next full minute makes due. Who sweeps twice within a minute wonders where they are.
func (s *sweeping) soon(ctx context.Context) (requests int, at time.Time) {
	index := ledger.Index{Store: s.objects, Clock: clock.System{}}
	book := request.NewBook(s.objects, clock.System{}, request.Policy{})
	now := index.Clock.Now()
	seen := map[string]bool{}
	for e, err := range index.Due(ctx, now.Add(time.Minute), request.Kind) {
		if err != nil {
			return 0, at // the sweep has just read it; whatever this is, it is not worth an error
		}
		due, err := book.Truth(ctx, e)
		if err == nil && !due.IsZero() && e.At.After(now) && !seen[e.ID] {
			seen[e.ID] = true
			requests, at = requests+1, e.At
		}
	}
	return requests, at
}

// sweepStatus judges a sweep's report.
func sweepStatus(sum report.SweepSummary) int {
	if sum.Status == report.Stopped {
		return exitStopped
	}
	for result, n := range sum.Counts {
		if n > 0 && result != verdict.Accepted && result != verdict.AlreadyDone && result != verdict.Duplicate {
			return exitOpenRows
		}
	}
	return exitDone
}

// graver is the worse of two exit statuses, of which neither is exitNothing.
func graver(a, b int) int { return max(a, b) }

// requestMeaning explains each result where it is counted.
var requestMeaning = map[verdict.Result]string{
	verdict.Accepted:    "ROIT took it, and calls back",
	verdict.AlreadyDone: "ROIT has said before that it is done",
	verdict.Refused:     "ROIT would not: mend the cause and drop it in again",
	verdict.Invalid:     "never asked for: mend the row or the file and drop it in again",
	verdict.Duplicate:   "it stands on an earlier row, or waits already",
	verdict.Unknown:     "perhaps asked for: look at ROIT, then drop it in with confirm = yes if it is to be asked again",
	verdict.NotSent:     "not asked for: the report says why",
	verdict.Exhausted:   "failed as often as is allowed: mend the cause, then drop it in with confirm = yes",
}

// show shows a table of results and where the reports are.
func (s *sweeping) show(sum report.SweepSummary) {
	fmt.Fprintf(s.stdout, "sweep %s: %s read, %s to ROIT\n", sum.Sweep, counted(len(sum.Files), "file"), counted(sum.Calls, "call"))
	for _, f := range sum.Files {
		what := counted(f.Rows, "row")
		if f.Refused != "" {
			what = f.Refused
		}
		fmt.Fprintf(s.stdout, "  %s: %s\n", f.Key, what)
	}
	printCounts(s.stdout, verdict.RequestResults, verdict.Counts(sum.Counts), requestMeaning)
	fmt.Fprintf(s.stdout, "  %s\n", sum.Invariant.Sums)
	if sum.Waiting > 0 {
		fmt.Fprintf(s.stdout, "  %s more due, left to the next sweep.\n", counted(sum.Waiting, "request"))
	}
	printStopped(s.stdout, sum.Stopped)
	printReports(s.stdout, sum.Reports, s.exchange.report)
}

// queue is where deny-bulk takes its orders from, reached as the AWS command line would.
func (s *sweeping) queue(ctx context.Context) (cloud.Queue, error) {
	cfg, err := awsconfig.LoadDefaultConfig(ctx)
	return cloud.Queue{Client: sqs.NewFromConfig(cfg), URL: s.queueURL}, err
}
