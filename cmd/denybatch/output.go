package main

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"denybatch/internal/denial"
	"denybatch/internal/report"
	"denybatch/internal/verdict"
)

// success is what --json prints of a file that was reported on: summary.json and where it stands.
type success struct {
	report.Summary
	File       string `json:"file"`
	Folder     string `json:"folder"`
	ExitStatus int    `json:"exit_status"`
}

// failure is what --json prints of a file without a report.
type failure struct {
	File       string `json:"file"`
	Error      string `json:"error"`
	ExitStatus int    `json:"exit_status"`
}

func printJSON(out io.Writer, v any) {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.Encode(v)
}

// meaning explains each result where it is counted.
var meaning = map[verdict.Result]string{
	verdict.Denied:        "denied now",
	verdict.AlreadyDenied: "was denied before",
	verdict.Rejected:      "InvX refused it: mend the row and send it again",
	verdict.Invalid:       "never sent: mend the row and send it again",
	verdict.Duplicate:     "the document stands on an earlier row",
	verdict.Skipped:       "done according to the report that was dropped in",
	verdict.Unknown:       "sent, but nothing tells what happened: run the same command again",
	verdict.NotSent:       "not reached: run the same command again",
	verdict.WouldSend:     "would be sent",
}

// printOutcome shows a table of verdicts and where the reports are.
func (s session) printOutcome(file, out string, o denial.Outcome, took time.Duration) {
	sum := o.Summary
	fmt.Fprintf(s.stdout, "%s: %s, heading in row %d\n", file, howRead(sum.Reading.Reading), sum.Reading.HeaderRow)
	printCounts(s.stdout, verdict.Results, verdict.Counts(sum.Counts), meaning)
	fmt.Fprintf(s.stdout, "  %s; %s, %s, %s\n", sum.Invariant.Sums, counted(sum.Calls.Bulk, "bulk call"), counted(sum.Calls.Reads, "read"), took.Round(time.Millisecond))
	printStopped(s.stdout, sum.Stopped)
	printReports(s.stdout, sum.Reports, func(key string) string { return filepath.Join(out, filepath.FromSlash(key)) })
}

// printCounts shows how many there are of each result, and what it means.
func printCounts(out io.Writer, results []verdict.Result, counts verdict.Counts, meaning map[verdict.Result]string) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, result := range results {
		if n := counts[result]; n > 0 {
			fmt.Fprintf(table, "  %7d\t%s\t%s\n", n, result, meaning[result])
		}
	}
	table.Flush()
}

// printStopped says why something stopped before the end, if it did.
func printStopped(out io.Writer, why string) {
	if why != "" {
		fmt.Fprintf(out, "  Stopped before the end: %s.\n", strings.TrimSuffix(why, "."))
	}
}

// printReports shows where reports are; where says it of a key.
func printReports(out io.Writer, keys map[string]string, where func(key string) string) {
	var paths []string
	for _, key := range keys {
		paths = append(paths, where(key))
	}
	slices.Sort(paths)
	fmt.Fprintln(out, "Reports:\n  "+strings.Join(paths, "\n  "))
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// meter shows progress: on a terminal a line that changes, elsewhere a new line now and then.
type meter struct {
	out      io.Writer
	terminal bool
	quiet    bool

	mu    sync.Mutex
	began time.Time
	shown time.Time
	drawn bool
}

// now and then, where there is no terminal.
const quietFor = 10 * time.Second

func newMeter(out io.Writer, quiet bool) *meter {
	m := &meter{out: out, quiet: quiet, began: time.Now(), shown: time.Now()}
	if f, ok := out.(interface{ Fd() uintptr }); ok {
		m.terminal = term.IsTerminal(int(f.Fd()))
	}
	return m
}

func (m *meter) show(p denial.Progress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.quiet || (!m.terminal && time.Since(m.shown) < quietFor) {
		return
	}
	m.shown, m.drawn = time.Now(), true
	line := progressLine(p, time.Since(m.began))
	if m.terminal {
		fmt.Fprintf(m.out, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(m.out, line)
}

func progressLine(p denial.Progress, elapsed time.Duration) string {
	line := fmt.Sprintf("%d of %d rows settled", p.Settled, p.Rows)
	for _, r := range verdict.Results {
		if n := p.Counts[r]; n > 0 {
			line += fmt.Sprintf(", %d %s", n, r)
		}
	}
	return line + fmt.Sprintf(" (%s)", elapsed.Round(time.Second))
}

// done clears the changing line.
func (m *meter) done() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.terminal && m.drawn {
		fmt.Fprint(m.out, "\r\x1b[K")
	}
}
