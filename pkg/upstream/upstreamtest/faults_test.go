package upstreamtest

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// withFaults is a server whose documents all exist.
func withFaults(t *testing.T, spec string) *Server {
	t.Helper()
	return Start(t, Config{Faults: spec, Seed: 7, InvX: InvX{Auto: true}})
}

func TestFaultsInsteadOfTheCall(t *testing.T) {
	for spec, status := range map[string]int{
		"429": 429, "500": 500, "502": 502, "503": 503, "413:items=1": 413, "413:bytes=20": 413, "expire": 403,
	} {
		t.Run(spec, func(t *testing.T) {
			s := withFaults(t, spec)
			got := deny(t, s, "a", "b")
			if got.status != status {
				t.Errorf("status %d, want %d", got.status, status)
			}
			wantHTML := spec != "expire"
			if html := strings.HasPrefix(got.header.Get("Content-Type"), "text/html"); html != wantHTML {
				t.Errorf("content type %s", got.header.Get("Content-Type"))
			}
			wantApplied(t, s, map[string]int{"a": 0, "b": 0})
		})
	}
}

func TestTooLargeSparesSmallCalls(t *testing.T) {
	s := withFaults(t, "413:items=2")
	if got := deny(t, s, "a", "b"); got.status != 200 {
		t.Errorf("status %d, want 200", got.status)
	}
}

func TestServerErrorsAfterTheCall(t *testing.T) {
	s := withFaults(t, "5xx:after")
	if got := deny(t, s, "a"); got.status < 500 {
		t.Errorf("status %d, want a server error", got.status)
	}
	wantApplied(t, s, map[string]int{"a": 1})
}

func TestRetryAfter(t *testing.T) {
	s := withFaults(t, "429@1:retry-after=3,429@2:retry-after=3:date,503@3:retry-after=0,429@4")
	if got := deny(t, s, "a").header.Get("Retry-After"); got != "3" {
		t.Errorf("Retry-After %q, want 3", got)
	}
	date, err := http.ParseTime(deny(t, s, "a").header.Get("Retry-After"))
	if rest := time.Until(date); err != nil || rest < time.Second || rest > 3*time.Second {
		t.Errorf("Retry-After in %v (%v), want 3s", rest, err)
	}
	if got := deny(t, s, "a").header.Get("Retry-After"); got != "0" {
		t.Errorf("Retry-After %q, want 0", got)
	}
	if got := deny(t, s, "a").header.Values("Retry-After"); len(got) != 0 {
		t.Errorf("Retry-After %q, want none", got)
	}
	if got := deny(t, s, "a"); got.status != 200 {
		t.Errorf("fifth call: HTTP %d, want 200", got.status)
	}
}

func TestLostAnswers(t *testing.T) {
	for spec, want := range map[string]error{"drop": io.EOF, "lost": io.EOF, "reset": syscall.ECONNRESET, "cut": io.ErrUnexpectedEOF} {
		t.Run(spec, func(t *testing.T) {
			s := withFaults(t, spec)
			if got := deny(t, s, "a"); !errors.Is(got.err, want) {
				t.Errorf("got %v, want %v", got.err, want)
			}
			applied := 1
			if spec == "drop" {
				applied = 0
			}
			wantApplied(t, s, map[string]int{"a": applied})
		})
	}
}

func TestForeignAnswers(t *testing.T) {
	for spec, want := range map[string]string{"truncated": `{"status":"1","data":[{`, "foreign": `{"hello":"world"}`, "html": "<!DOCTYPE html>"} {
		t.Run(spec, func(t *testing.T) {
			s := withFaults(t, spec)
			got := deny(t, s, "a")
			if got.status != 200 || !strings.HasPrefix(got.body, want) || strings.HasSuffix(got.body, `"info":null}`) {
				t.Errorf("HTTP %d %s", got.status, got.body)
			}
			wantApplied(t, s, map[string]int{"a": 1})
		})
	}
}

func TestAlteredAnswers(t *testing.T) {
	ids := strings.Fields("a b c d e f g h")
	inOrder := "1 a 220\n1 b 220\n1 c 220\n1 d 220\n1 e 220\n1 f 220\n1 g 220\n1 h 220"
	t.Run("Missing", func(t *testing.T) {
		s := withFaults(t, "missing:n=2")
		if got := deny(t, s, ids...).bulk(t).Data; len(got) != 6 {
			t.Errorf("%d items, want 6", len(got))
		}
	})
	t.Run("Shuffle", func(t *testing.T) {
		s := withFaults(t, "shuffle")
		got := deny(t, s, ids...).verdicts(t)
		if got == inOrder || len(got) != len(inOrder) {
			t.Errorf("got %s", got)
		}
	})
	t.Run("Extra", func(t *testing.T) {
		s := withFaults(t, "extra:n=2")
		got := deny(t, s, ids...).bulk(t).Data
		if len(got) != 10 || len(got[9].ItemData.ID) != 36 {
			t.Errorf("%d items, the last one %+v", len(got), got[len(got)-1].ItemData)
		}
	})
	t.Run("Together", func(t *testing.T) {
		s := withFaults(t, "extra,missing,shuffle,slow:delay=20ms")
		start := time.Now()
		if got := deny(t, s, ids...).bulk(t).Data; len(got) != 8 || time.Since(start) < 20*time.Millisecond {
			t.Errorf("%d items after %v", len(got), time.Since(start))
		}
		if got := s.Calls()[0].String(); got != "bulk 1: 8 documents, 8 denied, HTTP 200 [extra+missing+shuffle+slow]" {
			t.Errorf("logged as %s", got)
		}
	})
}

func TestFaultsOfReadsAndLogins(t *testing.T) {
	s := Start(t, Config{Faults: "read.503@2,login.500@1", InvX: InvX{Auto: true, Token: "good", Handle: "h", Password: "p"}})
	if a, b := read(t, s, "x").status, read(t, s, "x").status; a != 200 || b != 503 {
		t.Errorf("reads: HTTP %d, %d, want 200, 503", a, b)
	}
	login := `{"handle":"h","handleType":"email","password":"p"}`
	url := s.URL() + "/theodore/apis/v1/authtokens"
	if a, b := ask(t, s, "POST", url, login).status, ask(t, s, "POST", url, login).status; a != 500 || b != 200 {
		t.Errorf("logins: HTTP %d, %d, want 500, 200", a, b)
	}
	if got := deny(t, s, "x").status; got != 200 {
		t.Errorf("bulk: HTTP %d, want 200", got)
	}
}

func TestDownCountsEveryRequest(t *testing.T) {
	s := withFaults(t, "down@2-3")
	first, second, third, fourth := deny(t, s, "a"), read(t, s, "a"), deny(t, s, "b"), read(t, s, "b")
	if first.err != nil || second.err == nil || third.err == nil || fourth.status != 200 {
		t.Errorf("got %v, %v, %v, %v", first.err, second.err, third.err, fourth.err)
	}
	wantApplied(t, s, map[string]int{"a": 1, "b": 0})
}

func TestDownForAWhileRefusesConnections(t *testing.T) {
	s := withFaults(t, "down@1:for=300ms")
	deny(t, s, "a")
	var got answer
	for got = deny(t, s, "a"); got.err != nil && !errors.Is(got.err, syscall.ECONNREFUSED); got = deny(t, s, "a") {
	}
	if !errors.Is(got.err, syscall.ECONNREFUSED) {
		t.Fatalf("never refused: %+v", got)
	}
	for got.err != nil {
		time.Sleep(10 * time.Millisecond)
		got = deny(t, s, "a")
	}
	wantApplied(t, s, map[string]int{"a": 1})
}

func TestStopAndStartKeepTheAddressAndState(t *testing.T) {
	s := withFaults(t, "")
	url := s.URL()
	deny(t, s, "a")
	s.Stop()
	if got := deny(t, s, "a"); !errors.Is(got.err, syscall.ECONNREFUSED) {
		t.Errorf("got %v, want a refused connection", got.err)
	}
	if err := s.Start(); err != nil || s.URL() != url {
		t.Fatalf("%v at %s, want %s", err, s.URL(), url)
	}
	if d := read(t, s, "a").document(t); d.Status != "220" {
		t.Errorf("read %+v", d)
	}
}

func TestSameSeedSameLuck(t *testing.T) {
	run := func(seed uint64) string {
		s := Start(t, Config{Seed: seed, Faults: "lost=0.3,429=0.2,missing=0.3,shuffle=0.5", InvX: InvX{Auto: true, Bad: 0.2, Denied: 0.2}})
		var b strings.Builder
		for _, id := range strings.Fields("a b c d e f g h i j k l m n o p") {
			got := deny(t, s, id, id+"2", id+"3")
			b.WriteString(s.Calls()[len(s.Calls())-1].String())
			if got.status == 200 {
				b.WriteString(got.verdicts(t))
			}
		}
		return b.String()
	}
	if a, b := run(1), run(1); a != b {
		t.Errorf("two runs differ:\n%s\n%s", a, b)
	}
	if run(1) == run(2) {
		t.Error("another seed made no difference")
	}
}

func TestSharesAreHeld(t *testing.T) {
	s := Start(t, Config{Memory: true, Faults: "lost=0.05", InvX: InvX{Auto: true, Bad: 0.05, Denied: 0.02}})
	counts := map[string]int{}
	for i := range 20_000 {
		counts[s.Truth(strconv.Itoa(i)).Status]++
	}
	if bad, denied := counts["240"], counts["220"]; bad < 900 || bad > 1100 || denied < 330 || denied > 470 {
		t.Errorf("%v of 20,000, want about 1,000 of 240 and 400 of 220", counts)
	}
	faults, hit := s.faults.Load(), 0
	for n := range 20_000 {
		if fx := faults.decide(Bulk, facts{number: n}, s.luck); fx.ending != nil {
			hit++
		}
	}
	if hit < 900 || hit > 1100 {
		t.Errorf("lost fired %d times in 20,000, want about 1,000", hit)
	}
}

func TestSkewMovesUpstreamsClock(t *testing.T) {
	s := Start(t, Config{Skew: -30 * time.Minute, InvX: InvX{Auto: true}})
	got := deny(t, s, "a")
	date, err := http.ParseTime(got.header.Get("Date"))
	if behind := time.Since(date); err != nil || behind < 29*time.Minute || behind > 31*time.Minute {
		t.Errorf("Date is %v behind (%v), want 30m", behind, err)
	}
	truth := s.Truth("a")
	if d := truth.DeniedAt.Sub(truth.LastUpdated); d != 30*time.Minute {
		t.Errorf("lastUpdated is %v behind, want 30m", d)
	}
}

func TestLatencyHoldsEveryAnswerBack(t *testing.T) {
	s := Start(t, Config{Latency: 30 * time.Millisecond, InvX: InvX{Auto: true}})
	start := time.Now()
	deny(t, s, "a")
	if took := time.Since(start); took < 30*time.Millisecond {
		t.Errorf("answered after %v, want 30ms", took)
	}
}
