// Command denybatch denies the invoices of a spreadsheet at Vayana InvX and gives every row a verdict.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit statuses (design, section 7).
const (
	exitDone     = 0 // every row denied, already denied, skipped or duplicate
	exitOpenRows = 1 // finished, but some rows are not
	exitNothing  = 2 // nothing was sent: usage, configuration, unreadable file
	exitStopped  = 3 // stopped before the end
)

func main() {
	// The first signal asks for an orderly end, which run listens for; the second one is the shell's usual kill.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	err := newRootCommand(os.Getenv).ExecuteContext(ctx)
	var status *statusError
	switch {
	case err == nil:
	case errors.As(err, &status):
		os.Exit(status.code)
	default:
		fmt.Fprintln(os.Stderr, "denybatch: "+err.Error())
		os.Exit(exitNothing)
	}
}

// statusError is an exit status whose reason has been told already.
type statusError struct{ code int }

func (e *statusError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

func newRootCommand(getenv func(string) string) *cobra.Command {
	root := &cobra.Command{
		Use:   "denybatch",
		Short: "Deny the invoices of a spreadsheet at Vayana InvX, with a true verdict beside every row",
		Long: `denybatch reads a spreadsheet of invoices (CSV or XLSX), denies each at Vayana InvX in bulk calls, and writes the
spreadsheet back with a verdict beside every row. A denial cannot be undone: try "denybatch check FILE" first.

Settings come from the environment: DENYBATCH_INVX_URL, DENYBATCH_INVX_ORG, DENYBATCH_INVX_TOKEN or
DENYBATCH_INVX_HANDLE and DENYBATCH_INVX_PASSWORD; see the README for the others.

Exit status: 0 every row is denied, already denied, skipped or a duplicate; 1 finished, but some rows are not;
2 nothing was sent; 3 stopped before the end (run the same command again to go on).`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newRunCommand(getenv), newCheckCommand(getenv), newInspectCommand(), newSimulateCommand(),
		newSweepCommand(getenv), newLocalCommand(getenv))
	return root
}
