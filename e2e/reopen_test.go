package e2e

import (
	"strings"
	"testing"
	"time"

	"denybatch/internal/journal"
)

// InvX locks us out in the middle of a batch. A later sweep has it run again, and the second report covers all rows.
func TestABatchIsRunAgain(t *testing.T) {
	c := theCloud(t)
	t.Parallel()
	b := c.compose(t, "outage", 300)
	key := "inbox/deny/outage/locked out.csv"
	c.gate.lockOut("outage")
	c.drop(t, key, b.text(t))
	first := c.reports(t, "reports/deny/outage/", 2*time.Minute)
	counts := first.summary.Counts
	if counts["unknown"] == 0 || counts["not_sent"] == 0 || counts["denied"] == 0 {
		t.Errorf("the first run counts %v: want some denied, some unknown and some not sent", counts)
	}
	r, _ := c.record(t, key)
	if r.Status != journal.Stopped {
		t.Errorf("the batch is %s", r.Status)
	}

	c.gate.letIn("outage")
	second := c.reports(t, first.prefix+"run-2/", 4*time.Minute)
	if second.summary.Counts["unknown"]+second.summary.Counts["not_sent"] > 0 { // a sweep came before we were let in
		c.edit(t, "batches/"+r.Batch+"/batch.json", func(record map[string]any) { // as if an hour had passed
			record["finished"] = time.Now().Add(-time.Hour).UTC()
		})
		second = c.reports(t, first.prefix+"run-3/", 4*time.Minute)
	}
	c.check(t, b, second)
	if second.summary.Run < 2 || second.summary.Counts["unknown"]+second.summary.Counts["not_sent"] > 0 {
		t.Errorf("run %d counts %v", second.summary.Run, second.summary.Counts)
	}
	if n := strings.Count(strings.Join(c.versions(t, c.ExchangeBucket, first.prefix), "\n"), first.prefix+"summary.json@"); n != 1 {
		t.Errorf("the first report was published %d times", n)
	}
	var told []string
	eventually(t, 2*time.Minute, "the sweep that had it run again has ended and says so", func() bool {
		told = nil
		for _, s := range c.sweeps(t) {
			for _, row := range s.rows {
				if row["kind"] == "batch" && row["batch"] == r.Batch {
					told = append(told, row["result"]+" "+row["result_code"])
				}
			}
		}
		return len(told) > 0
	})
	for _, line := range told {
		if line != "accepted batch-goes-on" {
			t.Errorf("the sweeps say of the batch %q", told)
		}
	}
}
