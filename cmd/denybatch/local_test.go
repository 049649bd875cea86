package main

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

var (
	callbackLine = regexp.MustCompile(`Callbacks: POST (http://\S+)`)
	tokenLine    = regexp.MustCompile(`Callback token: (\S+)`)
)

// says waits until a process has printed a line with these words.
func (p *process) says(t *testing.T, words ...string) {
	t.Helper()
	for end := time.Now().Add(longest / 2); p.said(words...) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not say %q, but:\n%s%s", words, p.stdout.String(), p.stderr.String())
		}
	}
}

// said counts the lines with these words.
func (p *process) said(words ...string) (lines int) {
	for line := range strings.Lines(p.stdout.String()) {
		all := true
		for _, w := range words {
			all = all && strings.Contains(line, w)
		}
		if all {
			lines++
		}
	}
	return lines
}

// printed waits for a line and gives what the expression finds in it.
func (p *process) printed(t *testing.T, expr *regexp.Regexp) string {
	t.Helper()
	until(t, "it prints "+expr.String(), func() bool { return expr.MatchString(p.stdout.String()) })
	return expr.FindStringSubmatch(p.stdout.String())[1]
}

// endLocal ends the system in order.
func (p *process) endLocal(t *testing.T) ending {
	t.Helper()
	if runtime.GOOS == "windows" {
		p.cmd.Process.Kill()
		return p.wait(t)
	}
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	e := p.wait(t)
	if e.code != exitDone {
		t.Errorf("exit status %d\n%s%s", e.code, e.stdout, e.stderr)
	}
	return e
}

// The whole circle with the real program: files are dropped, batches end, a sweep asks, ROIT calls back over HTTP, and the
// next report knows it.
func TestLocalCircle(t *testing.T) {
	t.Parallel()
	sim := upstreamtest.Start(t, upstreamtest.Config{InvX: upstreamtest.InvX{Auto: true}, ROIT: upstreamtest.ROIT{Auto: true, CallbackTimes: 2}})
	d := newDeskAt(t, sim)
	p := d.start(t, "local", "--every", "2s", "--integration", upstreamtest.DefaultIntegration)
	url, token := p.printed(t, callbackLine), p.printed(t, tokenLine)
	if err := sim.SetCallback(url, token); err != nil {
		t.Fatal(err)
	}
	inbox := "denybatch-local/exchange/inbox/"
	for _, folder := range []string{"deny/" + sim.Org(), "check/" + sim.Org(), "reprocess/" + upstreamtest.DefaultIntegration} {
		if info, err := os.Stat(d.path(inbox + folder)); err != nil || !info.IsDir() {
			t.Errorf("%s is no folder: %v", folder, err)
		}
	}
	file := "docId,comments\n" + documentID(1) + ",Not ours\n" + documentID(2) + ",\n"
	d.write(t, inbox+"deny/"+sim.Org()+"/june.csv", file)
	d.write(t, inbox+"check/"+sim.Org()+"/june.csv", file)
	d.write(t, inbox+"reprocess/"+upstreamtest.DefaultIntegration+"/fix.csv", "requestId\nr1\nr2\nr1\n")
	p.says(t, "inbox/check/", "june.csv: ended", "1 invalid, 1 would_send")
	p.says(t, "inbox/deny/", "june.csv: ended", "1 denied, 1 invalid")
	p.says(t, "Sweep", "2 accepted, 1 duplicate")
	p.says(t, "Callback: "+upstreamtest.DefaultIntegration+"/r1 says DONE; it is done now.")
	p.says(t, "Callback: "+upstreamtest.DefaultIntegration+"/r2 says DONE; it is done now.")
	d.write(t, inbox+"reprocess/"+upstreamtest.DefaultIntegration+"/again.csv", "requestId,confirm\nr1,\nr2,yes\n")
	p.says(t, "Sweep", "1 accepted, 1 already_done")
	refusesStrangers(t, url)
	p.endLocal(t)
	for id, want := range map[string]int{"r1": 1, "r2": 2} {
		if got := sim.RequestTruth("", id); got.Applied != want || got.Asked != want {
			t.Errorf("%s: %+v", id, got)
		}
	}
	lines := d.report(t, filepath.Dir(d.only(t, "denybatch-local/exchange/reports/deny/*/june/*/report.csv")))
	if results(lines) != "2 denied, 3 invalid" {
		t.Errorf("%s", results(lines))
	}
	checkUpstream(t, sim)
}

// refusesStrangers wants nobody to be heard without the token, and nothing else to be served.
func refusesStrangers(t *testing.T, url string) {
	t.Helper()
	for _, c := range []struct {
		method, url string
		want        int
	}{{"POST", url, 401}, {"GET", url, 405}, {"POST", url + "/x", 404}, {"GET", strings.TrimSuffix(url, "/callback") + "/", 404}} {
		req, err := http.NewRequest(c.method, c.url, strings.NewReader(`{"requestId":"r9","integrationId":"i","status":"DONE"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.url, res.StatusCode, c.want)
		}
	}
}

// only is the one file that a pattern finds on the desk.
func (d *desk) only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(d.path(pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %q, %v", pattern, found, err)
	}
	rel, err := filepath.Rel(d.dir, found[0])
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(rel)
}

// Killed again and again in the middle of everything, the system ends with one true report of each file.
func TestLocalKilledOften(t *testing.T) {
	t.Parallel()
	const requests = 200
	cfg := upstreamtest.Config{Seed: 5, Latency: 8 * time.Millisecond, Faults: "lost=0.02",
		InvX: upstreamtest.InvX{Mode: upstreamtest.Refuse}, ROIT: upstreamtest.ROIT{Auto: true, CallbackTimes: 2, CallbackShuffle: true, CallbackProgress: true}}
	sim, file := backlog(t, cfg, 0.05)
	d := newDeskAt(t, sim)
	d.env["DENYBATCH_CALLBACK_TOKEN"] = "shared-with-roit"
	d.env["DENYBATCH_CONCURRENCY"] = "2"
	inbox := "denybatch-local/exchange/inbox/"
	d.write(t, inbox+"deny/"+sim.Org()+"/backlog.csv", file)
	d.write(t, inbox+"reprocess/"+upstreamtest.DefaultIntegration+"/fix.csv", requestFile(requests))
	rng := rand.New(rand.NewPCG(9, 9))
	addr := "127.0.0.1:0"
	for i := range 13 {
		p := d.start(t, "local", "--every", "1s", "--addr", addr)
		url := p.printed(t, callbackLine)
		if i == 0 {
			addr = strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/callback")
			if err := sim.SetCallback(url, "shared-with-roit"); err != nil {
				t.Fatal(err)
			}
		}
		if i < 12 {
			time.Sleep(time.Duration(200+rng.IntN(1000)) * time.Millisecond)
			p.cmd.Process.Kill()
			p.wait(t)
			continue
		}
		until(t, "the batch has ended", func() bool {
			found, _ := filepath.Glob(d.path("denybatch-local/exchange/reports/deny/*/backlog/*/summary.json"))
			return len(found) > 0
		})
		until(t, "every row of the requests has its line", func() bool { return len(d.rowsOf(t)) == requests })
		p.endLocal(t)
	}
	checkUpstream(t, sim)
	for i, l := range d.report(t, filepath.Dir(d.only(t, "denybatch-local/exchange/reports/deny/*/backlog/*/report.csv"))) {
		if problem := lie(l.result, sim.Truth(documentID(i))); problem != "" || l.result.Provisional() {
			t.Errorf("row %d is %s: %s", l.row, l.result, problem)
		}
	}
	holdsTrue(t, sim, d.sweeps(t, "denybatch-local/exchange"))
	unknown := 0
	for row, results := range d.rowsOf(t) {
		if len(results) != 1 {
			t.Errorf("row %d has the lines %v", row, results)
		}
		if results[0] == verdict.Unknown {
			unknown++
		}
	}
	if unknown > requests/4 {
		t.Errorf("%d of %d requests are unknown", unknown, requests)
	}
}

// rowsOf are the results of each row of the file of requests, over all reports.
func (d *desk) rowsOf(t *testing.T) map[int][]verdict.Result {
	t.Helper()
	rows := map[int][]verdict.Result{}
	for _, r := range d.sweeps(t, "denybatch-local/exchange") {
		for _, l := range r.lines {
			if l.row > 0 {
				rows[l.row] = append(rows[l.row], l.result)
			}
		}
	}
	return rows
}

// One half of the system runs without the other, and says so.
func TestLocalHalves(t *testing.T) {
	t.Parallel()
	sim := upstreamtest.Start(t, upstreamtest.Config{InvX: upstreamtest.InvX{Auto: true}, ROIT: upstreamtest.ROIT{Auto: true, CallbackAfter: -1}})
	for half, c := range map[string]struct {
		without []string
		says    [][]string
	}{
		"InvX": {[]string{"DENYBATCH_ROIT_URL", "DENYBATCH_ROIT_TOKEN"}, [][]string{
			{"ROIT is not configured"}, {"fix.csv is left alone, because ROIT is not configured"}, {"june.csv: ended", "1 denied"},
		}},
		"ROIT": {[]string{"DENYBATCH_INVX_URL", "DENYBATCH_INVX_ORG", "DENYBATCH_INVX_TOKEN"}, [][]string{
			{"InvX is not configured"}, {"june.csv: stopped", "no credentials are configured", "1 not_sent"}, {"Sweep", "1 accepted"},
		}},
	} {
		t.Run(half, func(t *testing.T) {
			t.Parallel()
			d := newDeskAt(t, sim)
			for _, name := range c.without {
				delete(d.env, name)
			}
			d.write(t, "here/exchange/inbox/deny/"+sim.Org()+"/june.csv", "docId,comments\n"+documentID(1)+",Not ours\n")
			d.write(t, "here/exchange/inbox/reprocess/int/fix.csv", "requestId\nr1\n")
			p := d.start(t, "local", "--folder", "here")
			for _, words := range c.says {
				p.says(t, words...)
			}
			if second := d.run(t, "local", "--folder", "here"); second.code != exitNothing || !strings.Contains(second.stderr, "another denybatch process") {
				t.Errorf("a second one: exit status %d\n%s%s", second.code, second.stdout, second.stderr)
			}
			p.endLocal(t)
			denied, run := sim.Truth(documentID(1)).Applied, sim.RequestTruth("int", "r1").Applied
			if half == "InvX" && denied != 1 || half == "ROIT" && run != 1 {
				t.Errorf("denied %d times, run %d times", denied, run)
			}
		})
	}
}
