package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// figure is one line of the table.
type figure struct {
	what  string
	value string // as measured
	base  string // the floor, or the peer's value in the same run
	ratio float64
	goal  goal
}

// goal is what a ratio should be.
type goal struct {
	bound float64
	least bool // more is better
}

func atMost(ratio float64) goal  { return goal{bound: ratio} }
func atLeast(ratio float64) goal { return goal{bound: ratio, least: true} }

func (g goal) String() string {
	if g.least {
		return fmt.Sprintf(">= %.2f", g.bound)
	}
	return fmt.Sprintf("<= %.2f", g.bound)
}

// reached compares what is printed, so that 1.004 reaches 1.00.
func (g goal) reached(ratio float64) string {
	shown := fmt.Sprintf("%.2f", ratio)
	fmt.Sscan(shown, &ratio)
	if ratio == g.bound || (ratio > g.bound) == g.least {
		return "reached"
	}
	return "missed"
}

func show(out io.Writer, figures []figure) {
	table := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	fmt.Fprintln(table, "WHAT\tFIGURE\tFLOOR OR PEER\tRATIO\tGOAL\t")
	for _, f := range figures {
		if f.ratio == 0 { // nothing to compare with
			fmt.Fprintf(table, "%s\t%s\t%s\t-\t%v\t\n", f.what, f.value, f.base, f.goal)
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%.2f\t%v\t%s\n", f.what, f.value, f.base, f.ratio, f.goal, f.goal.reached(f.ratio))
	}
	table.Flush()
}

// thousands is n as people write it.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
