package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

const backlogRows = 3000

// backlog is a file of many documents and the upstream that knows them: a few are cancelled, some denied already.
func backlog(t *testing.T, cfg upstreamtest.Config, denied float64) (*upstreamtest.Server, string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 5))
	var file strings.Builder
	file.WriteString("docId,comments\n")
	docs := make([]upstreamtest.Document, backlogRows)
	for i := range docs {
		docs[i] = upstreamtest.Document{DocID: documentID(i), Status: "200"}
		switch p := rng.Float64(); {
		case p < 0.03:
			docs[i].Status = "240"
		case p < 0.03+denied:
			docs[i].Status, docs[i].Comment = "220", "Goods not received"
		}
		fmt.Fprintf(&file, "%s,Goods not received\n", documentID(i))
	}
	sim := upstreamtest.Start(t, cfg)
	if err := sim.Add(docs...); err != nil {
		t.Fatal(err)
	}
	return sim, file.String()
}

func documentID(n int) string { return fmt.Sprintf("7c1e0b52-0000-4000-8000-%012x", n) }

// A run that is killed again and again, and started again each time, ends as one that was left alone.
func TestKilledTwentyTimes(t *testing.T) {
	for name, c := range map[string]struct {
		invx   upstreamtest.InvX
		denied float64
	}{
		"refuse":    {upstreamtest.InvX{Mode: upstreamtest.Refuse}, 0.05},
		"overwrite": {upstreamtest.InvX{Mode: upstreamtest.Item, Repeat: upstreamtest.OverwriteRepeat}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := upstreamtest.Config{Seed: 11, Latency: 8 * time.Millisecond, Faults: "lost=0.02", InvX: c.invx}
			sim, file := backlog(t, cfg, c.denied)
			d := newDeskAt(t, sim)
			d.write(t, "backlog.csv", file)
			d.killOften(t, 20, "run", "--concurrency", "4", "backlog.csv")
			want := undisturbed(t, cfg, c.denied)
			got := d.settledBacklog(t, sim)
			for i := range want {
				if got[i].row != want[i].row || got[i].result != want[i].result {
					t.Errorf("row %d is %s, left alone row %d is %s", got[i].row, got[i].result, want[i].row, want[i].result)
				}
			}
		})
	}
}

// killOften starts a command that often, kills it in the middle, and at last lets it end.
func (d *desk) killOften(t *testing.T, times int, args ...string) {
	t.Helper()
	rng := rand.New(rand.NewPCG(20, 26))
	killed := 0
	for range times {
		p := d.start(t, args...)
		time.Sleep(time.Duration(30+rng.IntN(370)) * time.Millisecond)
		p.cmd.Process.Kill()
		if p.wait(t).code == -1 {
			killed++
		}
	}
	t.Logf("killed %d times", killed)
	d.mustRun(t, []int{exitOpenRows}, args...)
}

func undisturbed(t *testing.T, cfg upstreamtest.Config, denied float64) []line {
	t.Helper()
	sim, file := backlog(t, cfg, denied)
	d := newDeskAt(t, sim)
	d.write(t, "backlog.csv", file)
	d.mustRun(t, []int{exitOpenRows}, "run", "backlog.csv")
	return d.settledBacklog(t, sim)
}

// settledBacklog is the one report on the backlog, which must be true and complete.
func (d *desk) settledBacklog(t *testing.T, sim *upstreamtest.Server) []line {
	t.Helper()
	checkUpstream(t, sim)
	if _, err := os.Stat(d.path("backlog.denybatch/run-2")); err == nil {
		t.Error("there is a second report")
	}
	lines := d.report(t, "backlog.denybatch")
	if len(lines) != backlogRows {
		t.Fatalf("%d rows are reported, want %d", len(lines), backlogRows)
	}
	for i, l := range lines {
		if l.row != i+2 {
			t.Errorf("line %d speaks of row %d", i, l.row)
		}
		if problem := lie(l.result, sim.Truth(documentID(i))); problem != "" || l.result == verdict.Unknown {
			t.Errorf("row %d is %s: %s", l.row, l.result, problem)
		}
	}
	return lines
}
