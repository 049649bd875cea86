package e2e

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"denybatch/internal/report"
	"denybatch/internal/request"
	"denybatch/internal/sweep"
	"denybatch/pkg/upstream/upstreamtest"
)

const integration = "9f3d2c1b-7a60-4e58-b1d4-3c2a1f0e9d08"

// swept is the report of one sweep.
type swept struct {
	summary report.SweepSummary
	rows    []map[string]string // of report.csv, by heading
}

// sweeps are all that have reported, in the order in which they began. Each report must be there once, and add up.
func (c *cloud) sweeps(t *testing.T) []swept {
	t.Helper()
	written := map[string]int{}
	for _, v := range c.versions(t, c.ExchangeBucket, "reports/reprocess/") {
		key, _, _ := strings.Cut(v, "@")
		if written[key]++; written[key] > 1 {
			t.Errorf("%s was published %d times", key, written[key])
		}
	}
	var all []swept
	for _, key := range slices.Sorted(maps.Keys(written)) {
		prefix, ok := strings.CutSuffix(key, "summary.json")
		if !ok {
			continue
		}
		var s swept
		text, _ := c.get(t, c.ExchangeBucket, key)
		if err := json.Unmarshal(text, &s.summary); err != nil {
			t.Fatal(err)
		}
		text, _ = c.get(t, c.ExchangeBucket, prefix+"report.csv")
		if s.rows = table(t, text); !s.summary.Invariant.Holds || len(s.rows) != s.summary.Items {
			t.Errorf("%s speaks of %d lines of %d: %+v", key, s.summary.Items, len(s.rows), s.summary.Invariant)
		}
		all = append(all, s)
	}
	return all
}

// results are what sweeps have said of each request of an integration, the oldest first.
func results(all []swept, integration string) map[string]string {
	said := map[string]string{}
	for _, s := range all {
		for _, row := range s.rows {
			if row["kind"] == "request" && row["integrationId"] == integration {
				said[row["requestId"]] = strings.TrimSpace(said[row["requestId"]] + " " + row["result"])
			}
		}
	}
	return said
}

// of are the lines about a file of ours.
func of(file string, all []swept) (lines []map[string]string) {
	for _, s := range all {
		for _, row := range s.rows {
			if strings.HasSuffix(row["file"], "/"+file) {
				lines = append(lines, row)
			}
		}
	}
	return lines
}

// sweepUntil sweeps until that has brought about what is wanted.
func (c *cloud) sweepUntil(t *testing.T, within time.Duration, what string, done func([]swept) bool) []swept {
	t.Helper()
	var all []swept
	eventually(t, within, what, func() bool {
		c.sweepNow(t)
		if all = c.sweeps(t); done(all) {
			return true
		}
		time.Sleep(2 * time.Second)
		return false
	})
	return all
}

// ask drops a file of requests into the inbox.
func (c *cloud) ask(t *testing.T, name string, rows ...[]string) {
	t.Helper()
	var text bytes.Buffer
	if err := csv.NewWriter(&text).WriteAll(append([][]string{{"requestId", "integrationId", "confirm"}}, rows...)); err != nil {
		t.Fatal(err)
	}
	c.drop(t, "inbox/reprocess/"+integration+"/"+name, text.Bytes())
}

func row(id string, more ...string) []string {
	return append([]string{id}, append(more, "", "")[:2]...)
}

// add brings requests into being at ROIT, all of them failed; their runs end in then.
func (c *cloud) add(t *testing.T, integration string, then string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := c.upstream.AddRequests(upstreamtest.ROITRequest{IntegrationID: integration, RequestID: id, Then: strings.Fields(then)}); err != nil {
			t.Fatal(err)
		}
	}
}

func ids(prefix string, n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprintf("%s-%d", prefix, i+1))
	}
	return all
}

// TestRequestsGoRound is the whole circle: a file, the schedule, ROIT, its callbacks, and what later sweeps make of them.
func TestRequestsGoRound(t *testing.T) {
	c := theCloud(t)
	t.Parallel()
	t.Run("TheScheduleSweeps", c.theScheduleSweeps)
	t.Run("FailuresAreAskedForAgain", c.failuresAreAskedForAgain)
	t.Run("TwoAtOnce", c.twoAtOnce)
	t.Run("KilledWhileItAsks", c.killedWhileItAsks)
	t.Run("TheTruth", c.theTruth)
}

func (c *cloud) theScheduleSweeps(t *testing.T) {
	c.add(t, integration, "DONE", ids("good", 4)...)
	c.add(t, integration, "ERROR DONE", "once")
	c.add(t, integration, "WARNING DONE", "warned")
	c.add(t, integration, "ERROR", "never")
	c.add(t, integration, "DONE", "heard", "unheard")
	c.add(t, "another-integration", "DONE", "good-1")
	c.gate.befall(lostOnTheWayBack, "heard")
	c.gate.befall(lostOnTheWay, "unheard")
	c.ask(t, "first.csv", row("good-1"), row("good-2"), row("once"), row("warned"), row("heard"), row("never"), row("good-1"), row("", integration),
		row("1,23457E+14"), row("nobody-knows-it"), row("unheard"), row("good-1", "another-integration"), row("good-3", integration), row("good-4"))

	var all []swept
	eventually(t, 3*time.Minute, "the schedule starts a sweep, which reports", func() bool {
		all = c.sweeps(t)
		return len(of("first.csv", all)) > 0
	})
	want := []string{"accepted", "accepted", "accepted", "accepted", "accepted", "accepted", "duplicate", "invalid",
		"invalid", "refused", "unknown", "accepted", "accepted", "accepted"}
	var got []string
	for _, row := range of("first.csv", all) {
		got = append(got, row["result"])
	}
	if !slices.Equal(got, want) {
		t.Errorf("the first sweep reports\n%v, want\n%v", got, want)
	}
	if files := all[len(all)-1].summary.Files; len(files) != 1 || files[0].Rows != len(want) || files[0].Version == "" {
		t.Errorf("the summary says of files: %+v", files)
	}
	for _, id := range []string{"good-1", "good-2", "good-3", "good-4", "heard"} {
		c.becomes(t, id, request.Done)
	}
}

// becomes waits for the callbacks.
func (c *cloud) becomes(t *testing.T, id string, want request.State) {
	t.Helper()
	var rec request.Record
	eventually(t, time.Minute, id+" is "+string(want), func() bool {
		rec, _ = c.request(t, integration, id)
		return rec.State == want
	})
}

func (c *cloud) failuresAreAskedForAgain(t *testing.T) {
	c.ask(t, "second.csv", row("good-1"), row("heard"), row("unheard"))
	said := results(c.sweepUntil(t, 3*time.Minute, "a request is exhausted", func(all []swept) bool {
		return strings.HasSuffix(results(all, integration)["never"], "exhausted")
	}), integration)
	for id, want := range map[string]string{
		"once": "accepted accepted", "warned": "accepted accepted", "never": "accepted accepted exhausted",
		"good-1": "accepted duplicate already_done", "heard": "accepted already_done", "unheard": "unknown unknown",
		"nobody-knows-it": "refused",
	} {
		if said[id] != want {
			t.Errorf("of %s the sweeps say %q, want %q", id, said[id], want)
		}
	}
	c.becomes(t, "once", request.Done)
	c.becomes(t, "warned", request.Done)

	c.ask(t, "third.csv", row("unheard", "", "yes"), row("never"))
	said = results(c.sweepUntil(t, time.Minute, "a person's word is heard", func(all []swept) bool {
		return len(strings.Fields(results(all, integration)["never"])) > 3
	}), integration)
	if got, want := said["unheard"], "unknown unknown accepted"; got != want {
		t.Errorf("of the request that nobody heard of the sweeps say %q, want %q", got, want)
	}
	if got, want := said["never"], "accepted accepted exhausted exhausted"; got != want {
		t.Errorf("of the request that always fails the sweeps say %q, want %q", got, want)
	}
	c.becomes(t, "unheard", request.Done)
}

// twoAtOnce invokes reprocess twice at a time. One of them sweeps, unless the schedule was faster than both; then it is tried again.
func (c *cloud) twoAtOnce(t *testing.T) {
	c.runSideBySide(t)
	for try := range 3 {
		ids := ids(fmt.Sprintf("both-%d", try), 6)
		c.add(t, integration, "DONE", ids...)
		var rows [][]string
		for _, id := range ids {
			rows = append(rows, row(id))
		}
		c.ask(t, fmt.Sprintf("both-%d.csv", try), rows...)
		var ends [2]sweep.Ending
		var both sync.WaitGroup
		for i := range ends {
			both.Go(func() { ends[i], _ = c.sweepNow(t) })
		}
		both.Wait()
		said := results(c.sweepUntil(t, time.Minute, "the file is reported", func(all []swept) bool {
			return results(all, integration)[ids[5]] != ""
		}), integration)
		for _, id := range ids {
			if said[id] != "accepted" {
				t.Errorf("of %s the sweeps say %q", id, said[id])
			}
		}
		if ends[0].Ignored == "" && ends[1].Ignored == "" {
			t.Errorf("both sweep: %+v and %+v", ends[0], ends[1])
		}
		if ends[0].Summary != nil || ends[1].Summary != nil {
			return
		}
	}
	t.Error("whenever two were invoked, neither swept")
}

// killedWhileItAsks kills the function twice in one sweep: once when ROIT has heard, and once when it has not.
func (c *cloud) killedWhileItAsks(t *testing.T) {
	c.add(t, integration, "DONE", ids("kill", 5)...)
	killed := make(chan int, 2)
	c.gate.befall(func(pass func()) { pass(); killed <- c.kill("reprocess") }, "kill-2")
	c.gate.befall(func(func()) { killed <- c.kill("reprocess") }, "kill-4")
	c.ask(t, "killed.csv", row("kill-1"), row("kill-2"), row("kill-3"), row("kill-4"), row("kill-5"))
	for range 2 {
		c.sweepNow(t)
		select {
		case n := <-killed:
			if n == 0 {
				t.Fatal("there was no process to kill")
			}
		case <-time.After(time.Minute):
			t.Fatal("it never asked for what it was to be killed at")
		}
		c.leaseRunsOut(t)
	}
	said := results(c.sweepUntil(t, time.Minute, "the sweep that was killed twice is reported", func(all []swept) bool {
		return results(all, integration)["kill-5"] != ""
	}), integration)
	for id, want := range map[string]string{"kill-1": "accepted", "kill-2": "accepted", "kill-3": "accepted", "kill-4": "unknown", "kill-5": "accepted"} {
		if said[id] != want {
			t.Errorf("of %s the sweeps say %q, want %q", id, said[id], want)
		}
	}
	if truth := c.upstream.RequestTruth(integration, "kill-4"); truth.Asked != 0 {
		t.Errorf("somebody asked again for what is unknown: %+v", truth)
	}
}

// leaseRunsOut makes as if the three minutes had passed for which others leave a sweep alone.
func (c *cloud) leaseRunsOut(t *testing.T) {
	t.Helper()
	c.edit(t, "sweeps/lease.json", func(lease map[string]any) { lease["until"] = time.Now().Add(-time.Second).UTC() })
}

// theTruth holds every line of every report against what really happened at ROIT.
func (c *cloud) theTruth(t *testing.T) {
	all := c.sweeps(t)
	for truth := range c.upstream.RequestTruths() {
		said := strings.Fields(results(all, truth.IntegrationID)[truth.RequestID])
		accepted, unknown := 0, 0
		for _, result := range said {
			switch result {
			case "accepted":
				accepted++
			case "unknown":
				unknown++
			}
		}
		if truth.Applied < accepted || truth.Applied > accepted+unknown {
			t.Errorf("%s was reprocessed %d times, and the sweeps say %v", truth.RequestID, truth.Applied, said)
		}
		if truth.Doubles > 0 {
			t.Errorf("%s was reprocessed while it was under way or done: %+v", truth.RequestID, truth)
		}
	}
	calls := c.upstream.Counters()
	if calls.Violations > 0 || calls.ROITTokenCalls == 0 {
		t.Errorf("ROIT says of us: %+v", calls)
	}
	for _, d := range c.upstream.CallbackDeliveries() {
		if d.Answer != http.StatusAccepted && d.Answer != 0 { // 0: no answer in time, and sent again
			t.Errorf("a callback was answered with %d %s", d.Answer, d.Error)
		}
	}
	log := c.log(t)
	for _, secret := range []string{invxToken, roitPassword, callbackToken} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	t.Logf("%d sweeps reported on %d asks and %d callbacks", len(all), calls.ReprocessCalls, calls.CallbackCalls)
}

// edit changes a record of the state bucket, as time might.
func (c *cloud) edit(t *testing.T, key string, change func(map[string]any)) {
	t.Helper()
	text, ok := c.get(t, c.StateBucket, key)
	var record map[string]any
	if err := json.Unmarshal(text, &record); err != nil || !ok {
		t.Fatalf("%s is %s: %v", key, text, err)
	}
	change(record)
	c.put(t, c.StateBucket, key, record)
}
