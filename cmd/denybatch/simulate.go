package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"denybatch/pkg/upstream/upstreamtest"
)

// simulation is what the flags of simulate say.
type simulation struct {
	server   upstreamtest.Config
	seedFile string
	auto     bool
	quiet    bool
	roit     roitSimulation
}

func newSimulateCommand() *cobra.Command {
	var sim simulation
	cmd := &cobra.Command{
		Use:   "simulate",
		Short: "Serve the upstreams on this machine, with faults on request",
		Long: `Serves Vayana InvX with its login service, and ROIT, on this machine, with real state and with faults on request.

The first line printed is the URL; the next ones are the environment for the other commands. Then comes one line for
every call, and the totals at the end (Ctrl-C). Documents that no seed file names exist and can be denied; requests that
no file names exist and are in ERROR.

  GET  /_sim/state      every document and every request as a JSON line: what really happened to it
  POST /_sim/state      more documents, as CSV: docId,status[,comment][,behaviour][,org];
                        or more requests: requestId[,integrationId][,status][,then][,entity][,type][,reference][,message]
  GET  /_sim/calls      the counters; with ?log=1 the last calls, too
  POST /_sim/faults     the body is a fault text, which replaces the present one
  GET  /_sim/callbacks  every attempt to deliver a callback as a JSON line
  POST /_sim/callbacks  {"url":"...","token":"..."}: where callbacks go from now on; nowhere when url is ""

A behaviour is refuse-open[=CODE], unreadable, poison or missing; several are joined with "+", as are the statuses in
then, which the runs of a request end in one after the other. A request without integrationId belongs to
` + upstreamtest.DefaultIntegration + `.

` + upstreamtest.FaultHelp,
		Example: `  denybatch simulate --mode refuse --bad 0.01 --latency 50ms
  denybatch simulate --fault 'lost=0.05,429=0.02:retry-after=1,5xx@3;7' --seed 7
  denybatch simulate --fault reprocess.lost=0.1 --roit-then ERROR,DONE --callback-url http://127.0.0.1:8081/callback`,
		Args: cobra.NoArgs,
	}
	sim.addFlags(cmd)
	sim.addROITFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !cmd.Flags().Changed("auto") {
			sim.auto = sim.seedFile == ""
		}
		if !cmd.Flags().Changed("roit-auto") {
			sim.roit.auto = sim.roit.seedFile == ""
		}
		return sim.run(cmd.Context(), cmd.OutOrStdout())
	}
	return cmd
}

func (s *simulation) addFlags(cmd *cobra.Command) {
	flags, server, invx := cmd.Flags(), &s.server, &s.server.InvX
	flags.StringVar(&server.Addr, "addr", "127.0.0.1:0", "loopback address to listen on; port 0 takes a free one")
	flags.Uint64Var(&server.Seed, "seed", 0, "what all random choices follow from")
	flags.StringVar(&server.Faults, "fault", "", "what goes wrong (see above)")
	flags.DurationVar(&server.Latency, "latency", 0, "how long every answer takes at least")
	flags.DurationVar(&server.Skew, "skew", 0, "how far upstream's clock is ahead; negative is behind")
	flags.StringVar(&s.seedFile, "seed-file", "", "CSV file of documents: docId,status[,comment][,behaviour][,org]")
	flags.BoolVar(&s.auto, "auto", false, "documents nobody named exist (the default without --seed-file)")
	flags.BoolVar(&s.quiet, "quiet", false, "print no line for a call")

	flags.StringSliceVar(&invx.Orgs, "org", []string{upstreamtest.DefaultOrg}, "organisations that calls may name")
	flags.StringVar(&invx.Token, "token", "", "a token that is always good (default "+upstreamtest.DefaultToken+" without --handle)")
	flags.StringVar(&invx.Handle, "handle", "", "who may log in, with --password")
	flags.StringVar(&invx.Password, "password", "", "the password of --handle")
	flags.IntVar(&invx.MaxSessions, "sessions", 10, "sessions a user may have")
	flags.IntVar(&invx.SessionsUsed, "sessions-used", 0, "sessions that somebody else holds already")
	flags.Float64Var(&invx.Bad, "bad", 0, "share of the documents nobody named that are cancelled")
	flags.Float64Var(&invx.Denied, "denied", 0, "share of the documents nobody named that are denied already")
	flags.StringSliceVar(&invx.DenyFrom, "deny-from", []string{"200", "270", "100"}, "states a denial is legal in")
	flags.BoolVar(&invx.PartialRandom, "partial-random", false, "in partial mode a random part is applied")
	flags.BoolVar(&invx.AllowDuplicates, "allow-duplicates", false, "a call may name a document twice")
	flags.BoolVar(&invx.Bare, "bare", false, "answers hold documents without the item wrapper")
	flags.BoolVar(&invx.SingleObject, "single-object", false, "an answer about one document is not in an array")
	flags.BoolVar(&invx.FailedKey, "failed-key", false, "itemKey of a failed item is its docId")

	flags.Var(word(&invx.Mode), "mode", "what a bulk call does about bad documents: item, refuse, partial (default item)")
	flags.Var(word(&invx.Repeat), "repeat", "what denying a denied document does: refuse, accept, overwrite (default refuse)")
	flags.Var(word(&invx.Errors), "errors", "JSON of itemErrors: object, list, string (default object)")
	flags.Var(word(&invx.Accept), "auth", "which token headers count: both, bearer, flynn (default both)")
}

// run serves until the context ends, which main ties to Ctrl-C.
func (s *simulation) run(ctx context.Context, out io.Writer) error {
	debug.SetGCPercent(25) // what is kept is large and free of pointers, so collecting often is cheap
	server, err := s.start(out)
	if err != nil {
		return err
	}
	defer server.Close()
	<-ctx.Done()
	printTotals(out, server)
	return nil
}

// start serves and prints where. Lines about calls come after that, however early the calls are.
func (s *simulation) start(out io.Writer) (*upstreamtest.Server, error) {
	if s.seedFile != "" {
		file, err := os.Open(s.seedFile)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		s.server.InvX.CSV = file
	}
	if s.roit.seedFile != "" {
		file, err := os.Open(s.roit.seedFile)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		s.server.ROIT.CSV = file
	}
	if err := s.roit.complete(&s.server.ROIT); err != nil {
		return nil, err
	}
	var printing sync.Mutex
	printing.Lock()
	defer printing.Unlock()
	s.server.InvX.Auto = s.auto
	if !s.quiet {
		s.server.OnCall = callPrinter(out, &printing)
	}
	server, err := upstreamtest.New(s.server)
	if err == nil {
		s.announce(out, server)
	}
	return server, err
}

// announce prints the URL and the environment to copy.
func (s *simulation) announce(out io.Writer, server *upstreamtest.Server) {
	lines := []string{server.URL(), "DENYBATCH_INVX_URL=" + server.URL(), "DENYBATCH_INVX_ORG=" + server.Org()}
	if token := server.Token(); token != "" {
		lines = append(lines, "DENYBATCH_INVX_TOKEN="+token)
	} else {
		invx := s.server.InvX
		lines = append(lines, "DENYBATCH_INVX_HANDLE="+invx.Handle, "DENYBATCH_INVX_PASSWORD="+invx.Password)
	}
	lines = append(lines, s.roitLines(server)...)
	fmt.Fprintln(out, strings.Join(lines, "\n"))
}

// callPrinter prints one line for every call.
func callPrinter(out io.Writer, printing *sync.Mutex) func(upstreamtest.Call) {
	return func(c upstreamtest.Call) {
		printing.Lock()
		defer printing.Unlock()
		fmt.Fprintln(out, c)
	}
}

func printTotals(out io.Writer, server *upstreamtest.Server) {
	n := server.Counters()
	fmt.Fprintf(out, "%d bulk calls with %d documents, %d denied (%d of them twice), %d reads, %d logins, %d refreshes, %d logouts\n",
		n.BulkCalls, n.BulkDocuments, n.Applied, n.DoubleDenials, n.Reads, n.Logins, n.Refreshes, n.Logouts)
	printROITTotals(out, n)
	if n.Violations > 0 {
		fmt.Fprintf(out, "%d requests broke the protocol:\n", n.Violations)
		for _, what := range server.Violations() {
			fmt.Fprintln(out, "  "+what)
		}
	}
}

// wordFlag is a flag whose value is one of a few words; the server refuses any other.
type wordFlag[T ~string] struct{ to *T }

func word[T ~string](to *T) wordFlag[T] { return wordFlag[T]{to} }

func (w wordFlag[T]) String() string {
	if w.to == nil {
		return ""
	}
	return string(*w.to)
}

func (w wordFlag[T]) Set(s string) error { *w.to = T(s); return nil }
func (w wordFlag[T]) Type() string       { return "word" }
