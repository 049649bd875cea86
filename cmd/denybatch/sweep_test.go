package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest/s3server"
	"denybatch/internal/objects/s3"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

const requestInbox = "exchange/inbox/reprocess/" + upstreamtest.DefaultIntegration + "/"

// sweepDesk is a desk with an exchange and a file of requests in its inbox.
func sweepDesk(t *testing.T, sim *upstreamtest.Server, requests int) *desk {
	t.Helper()
	d := newDeskAt(t, sim)
	d.env["DENYBATCH_EXCHANGE"], d.env["DENYBATCH_STATE"] = "exchange", "state"
	d.write(t, requestInbox+"fix.csv", requestFile(requests))
	return d
}

func requestFile(n int) string {
	var b strings.Builder
	b.WriteString("requestId\n")
	for i := range n {
		b.WriteString(requestID(i) + "\n")
	}
	return b.String()
}

func requestID(i int) string { return fmt.Sprintf("request-%04d", i) }

// untilReprocessed waits for that many calls to ROIT.
func untilReprocessed(t *testing.T, sim *upstreamtest.Server, calls int) {
	t.Helper()
	until(t, "ROIT is asked", func() bool { return sim.Counters().ReprocessCalls >= calls })
}

// until waits for something to be so.
func until(t *testing.T, what string, so func() bool) {
	t.Helper()
	for end := time.Now().Add(longest); !so(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it takes too long until %s", what)
		}
	}
}

// holdsTrue wants no line to say what is not so at ROIT, and no request to have been asked for twice.
func holdsTrue(t *testing.T, sim *upstreamtest.Server, reports []sweepReport) {
	t.Helper()
	for _, r := range reports {
		for _, l := range r.lines {
			truth := sim.RequestTruth("", l.request)
			switch {
			case l.result == verdict.Accepted && truth.Applied != 1:
				t.Errorf("%s is accepted, and ROIT has run it %d times", l.request, truth.Applied)
			case truth.Asked > 1 || truth.Doubles > 0:
				t.Errorf("%s was asked for %d times, %d of them while it ran or was done", l.request, truth.Asked, truth.Doubles)
			}
		}
	}
}

// A sweep that is killed again and again, and started again each time, asks for nothing twice and leaves no row out.
func TestSweepKilledOften(t *testing.T) {
	t.Parallel()
	const requests = 250
	sim := upstreamtest.Start(t, upstreamtest.Config{Seed: 3, Latency: 8 * time.Millisecond, Faults: "reprocess.lost=0.02",
		ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
	d := sweepDesk(t, sim, requests)
	rng := rand.New(rand.NewPCG(7, 7))
	killed := 0
	for i := range 16 {
		p := d.start(t, "sweep")
		if calls := sim.Counters().ReprocessCalls + 1 + rng.IntN(20); i%4 > 0 {
			for end := time.Now().Add(3 * time.Second); sim.Counters().ReprocessCalls < calls && time.Now().Before(end); {
				time.Sleep(time.Millisecond)
			}
		}
		time.Sleep(time.Duration(rng.IntN(200)) * time.Millisecond)
		p.cmd.Process.Kill()
		if p.wait(t).code == -1 {
			killed++
		}
	}
	asked := sim.Counters().ReprocessCalls
	d.mustRun(t, []int{exitOpenRows, exitDone, exitStopped}, "sweep")
	reports := d.sweeps(t, "exchange")
	holdsTrue(t, sim, reports)
	seen, unknown := map[int]int{}, 0
	for _, r := range reports {
		for _, l := range r.lines {
			seen[l.row]++
			if l.result == verdict.Unknown {
				unknown++
			}
		}
	}
	for row := 2; row < requests+2; row++ {
		if seen[row] != 1 {
			t.Errorf("row %d has %d lines", row, seen[row])
		}
	}
	t.Logf("killed %d times after %d calls; %d of %d are unknown, in %d reports", killed, asked, unknown, requests, len(reports))
	if killed < 10 || asked < 50 || unknown > requests/4 {
		t.Errorf("killed %d times after %d calls, %d are unknown", killed, asked, unknown)
	}
}

// The first interrupt ends a sweep in order: the report says what was asked and what was not.
func TestSweepInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot interrupt another one here")
	}
	t.Parallel()
	sim := upstreamtest.Start(t, upstreamtest.Config{Latency: 30 * time.Millisecond, ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
	d := sweepDesk(t, sim, 100)
	p := d.start(t, "sweep")
	untilReprocessed(t, sim, 5)
	second := d.run(t, "sweep", "--json")
	if second.code != exitNothing || !strings.Contains(second.stderr, "another denybatch process is sweeping") || !strings.Contains(second.stdout, `"exit_status":2`) {
		t.Errorf("a second sweep at the same time: exit status %d\n%s%s", second.code, second.stdout, second.stderr)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if e := p.wait(t); e.code != exitStopped || !strings.Contains(e.stdout, "Stopped before the end") {
		t.Errorf("exit status %d\n%s%s", e.code, e.stdout, e.stderr)
	}
	reports := d.sweeps(t, "exchange")
	if len(reports) != 1 || reports[0].summary.Counts[verdict.Accepted] == 0 || reports[0].summary.Counts[verdict.NotSent] == 0 {
		t.Fatalf("%+v", reports)
	}
	holdsTrue(t, sim, reports)
	for _, l := range reports[0].lines {
		if asked := sim.RequestTruth("", l.request).Asked; (l.result == verdict.NotSent) != (asked == 0) {
			t.Errorf("%s is %s and was asked for %d times", l.request, l.result, asked)
		}
	}
}

// A sweep that waits because ROIT asked it to does not keep the user waiting.
func TestSweepInterruptedWhileWaiting(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a process cannot interrupt another one here")
	}
	t.Parallel()
	sim := upstreamtest.Start(t, upstreamtest.Config{Faults: "reprocess.429=1:retry-after=50", ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
	d := sweepDesk(t, sim, 10)
	p := d.start(t, "sweep")
	untilReprocessed(t, sim, 1)
	began := time.Now()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if e := p.wait(t); e.code != exitStopped || time.Since(began) > 20*time.Second {
		t.Errorf("exit status %d after %v\n%s%s", e.code, time.Since(began), e.stdout, e.stderr)
	}
	if reports := d.sweeps(t, "exchange"); len(reports) != 1 || reports[0].summary.Counts[verdict.NotSent] != 10 {
		t.Errorf("%+v", reports)
	}
}

// A state that cannot be written into is a fault, and nothing is asked.
func TestSweepWithoutRightToWrite(t *testing.T) {
	t.Parallel()
	sim := upstreamtest.Start(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
	d := sweepDesk(t, sim, 1)
	d.write(t, "state", "a file")
	if e := d.run(t, "sweep"); e.code != exitNothing || e.stdout != "" || !strings.Contains(e.stderr, "state") {
		t.Errorf("exit status %d\n%s%s", e.code, e.stdout, e.stderr)
	}
	if n := sim.Counters().ReprocessCalls; n != 0 {
		t.Errorf("%d calls", n)
	}
}

// Batches that an outage stopped are gone on with by whoever can: this process, or nobody.
func TestSweepMindsBatches(t *testing.T) {
	t.Parallel()
	sim := upstreamtest.Start(t, upstreamtest.Config{InvX: upstreamtest.InvX{Auto: true}, ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
	d := newDeskAt(t, sim)
	d.env["DENYBATCH_EXCHANGE"], d.env["DENYBATCH_STATE"] = "exchange", "state"
	d.write(t, "exchange/inbox/deny/"+sim.Org()+"/june.csv", "docId,comments\n"+documentID(1)+",Not ours\n"+documentID(2)+",Not ours\n")
	d.env["DENYBATCH_INVX_TOKEN"] = "not-the-token"
	p := d.start(t, "local")
	p.says(t, "june.csv: stopped", "2 not_sent")
	p.cmd.Process.Kill()
	p.wait(t)
	d.age(t)
	delete(d.env, "DENYBATCH_INVX_TOKEN")
	delete(d.env, "DENYBATCH_INVX_URL")
	if e := d.run(t, "sweep"); e.code != exitDone || !strings.Contains(e.stderr, "there is 1 batch that should be gone on with, left alone: set DENYBATCH_QUEUE_URL") {
		t.Errorf("exit status %d\n%s%s", e.code, e.stdout, e.stderr)
	}
	d.connect(sim)
	e := d.mustRun(t, []int{exitDone}, "sweep")
	for _, want := range []string{"1  accepted", "inbox/deny/" + sim.Org() + "/june.csv: batch ", "run 2", "2  denied", "run-2/report.xlsx"} {
		if !strings.Contains(e.stdout, want) {
			t.Errorf("it does not say %q:\n%s", want, e.stdout)
		}
	}
	if n := sim.Counters(); n.Applied != 2 || n.DoubleDenials != 0 {
		t.Errorf("%+v", n)
	}
	if e := d.mustRun(t, []int{exitDone}, "sweep"); !strings.Contains(e.stdout, "Nothing is due") {
		t.Errorf("%s", e.stdout)
	}
}

var finished = regexp.MustCompile(`("finished": ")\d{4}`)

// age makes everything in the state due, as if a year had gone by.
func (d *desk) age(t *testing.T) {
	t.Helper()
	records, err := filepath.Glob(d.path("state/batches/*/batch.json"))
	if err != nil || len(records) == 0 {
		t.Fatalf("no batches: %v", err)
	}
	for _, path := range records {
		text, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, finished.ReplaceAll(text, []byte("${1}2020")), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	entries, err := filepath.Glob(d.path("state/due/*"))
	if err != nil || len(entries) == 0 {
		t.Fatalf("nothing is due: %v", err)
	}
	for i, path := range entries {
		if err := os.Rename(path, d.path(fmt.Sprintf("state/due/2020-01-01T00:%02dZ", i))); err != nil {
			t.Fatal(err)
		}
	}
}

// In buckets a sweep does the same as in folders, but that only its lease keeps others away.
func TestSweepInBuckets(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	people, machine := server.Bucket(t), server.Bucket(t)
	sim := upstreamtest.Start(t, upstreamtest.Config{ROIT: upstreamtest.ROIT{Auto: true, Answers: "DONE", CallbackAfter: -1}})
	d := newDeskAt(t, sim)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": s3server.Region, "AWS_ACCESS_KEY_ID": s3server.Access, "AWS_SECRET_ACCESS_KEY": s3server.Secret,
		"DENYBATCH_EXCHANGE": "s3://" + people + "/ours", "DENYBATCH_STATE": "s3://" + machine,
	} {
		d.env[name] = value
	}
	exchange := s3.New(server.Client(), people, "ours")
	file := "requestId\nr1\nr2\n"
	if _, err := objects.CreateBytes(t.Context(), exchange, "inbox/reprocess/int-1/fix.csv", []byte(file)); err != nil {
		t.Fatal(err)
	}
	e := d.mustRun(t, []int{exitDone}, "sweep")
	if !strings.Contains(e.stdout, "2  accepted") || !strings.Contains(e.stdout, "s3://"+people+"/ours/reports/reprocess/") {
		t.Errorf("%s", e.stdout)
	}
	d.mustRun(t, []int{exitDone}, "sweep")
	if n := sim.Counters(); n.Reprocessed != 2 || n.DoubleReprocesses != 0 {
		t.Errorf("%+v", n)
	}
	d.env["DENYBATCH_STATE"] = "s3://" + machine + "-which-is-not-there"
	if e := d.run(t, "sweep"); e.code != exitNothing || !strings.Contains(e.stderr, "denybatch: ") {
		t.Errorf("exit status %d\n%s%s", e.code, e.stdout, e.stderr)
	}
}
