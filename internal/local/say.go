package local

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"

	"denybatch/internal/denial"
	"denybatch/internal/inbox"
	"denybatch/internal/report"
	"denybatch/internal/verdict"
)

// say tells of one thing, in one line whatever files and ROIT call things.
func (s *system) say(format string, args ...any) {
	line := strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '�'
	}, strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", "; "))
	s.saying.Lock()
	defer s.saying.Unlock()
	s.Say(line)
}

// batchEnded implements [inbox.Desk]'s Announce.
func (s *system) batchEnded(_ context.Context, order inbox.Order, sum report.Summary) error {
	key := "inbox/" + string(order.Kind) + "/" + order.Org + "/" + order.Name
	switch {
	case sum.Status == report.Refused:
		s.say("%s: refused, batch %s: %s. It is written in %s.", key, sum.Batch, sentence(sum.Stopped), where(sum.Reports, "refused"))
	case sum.Status == report.Stopped:
		s.say("%s: stopped before the end, batch %s: %s; %s. The report is %s.", key, sum.Batch, sentence(sum.Stopped),
			counts(verdict.Results, verdict.Counts(sum.Counts)), where(sum.Reports, "xlsx", "csv"))
	default:
		s.say("%s: ended, batch %s: %s. The report is %s.", key, sum.Batch, counts(verdict.Results, verdict.Counts(sum.Counts)), where(sum.Reports, "xlsx", "csv"))
	}
	return nil
}

// sweepEnded implements [sweep.Sweeper]'s Announce.
func (s *system) sweepEnded(_ context.Context, sum report.SweepSummary) error {
	how := "ended"
	if sum.Status == report.Stopped {
		how = "stopped before the end (" + sentence(sum.Stopped) + ")"
	}
	waiting := ""
	if sum.Waiting > 0 {
		waiting = fmt.Sprintf(", and %d more requests wait", sum.Waiting)
	}
	s.say("Sweep %s: %s: %s%s. The report is %s.", sum.Sweep, how, counts(verdict.RequestResults, verdict.Counts(sum.Counts)), waiting, where(sum.Reports, "xlsx", "csv"))
	return nil
}

func sentence(text string) string { return strings.TrimSuffix(text, ".") }

// counts is "3 denied, 1 rejected".
func counts(results []verdict.Result, c verdict.Counts) string {
	var words []string
	for _, r := range results {
		if n := c[r]; n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, r))
		}
	}
	if len(words) == 0 {
		return "no rows"
	}
	return strings.Join(words, ", ")
}

// where is the first of some reports that there is.
func where(reports map[string]string, kinds ...string) string {
	for _, kind := range append(kinds, "summary") {
		if key := reports[kind]; key != "" {
			return key
		}
	}
	return "nowhere"
}

const progressEvery = 10 * time.Second

// progress tells now and then how far a batch is.
type progress struct {
	s   *system
	key string

	mu    sync.Mutex
	shown time.Time
}

func newProgress(s *system, key string) *progress {
	return &progress{s: s, key: key, shown: time.Now()}
}

func (p *progress) show(now denial.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.shown) < progressEvery {
		return
	}
	p.shown = time.Now()
	p.s.say("%s: %d of %d rows settled.", p.key, now.Settled, now.Rows)
}
