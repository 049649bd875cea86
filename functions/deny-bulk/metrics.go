package main

import (
	"encoding/json"
	"io"
	"time"

	"denybatch/internal/inbox"
	"denybatch/internal/verdict"
)

// writeMetrics writes a batch's figures as one line of CloudWatch's embedded metric format, which the log agent turns
// into metrics of the namespace Denybatch.
func writeMetrics(out io.Writer, end inbox.Ending, now time.Time) error {
	s := end.Summary
	line := map[string]any{"Batch": end.Batch, "Org": s.Org, "Status": s.Status}
	values := map[string]int{
		"Batches": 1, "Rows": s.Rows, "BulkCalls": s.Calls.Bulk, "Reads": s.Calls.Reads,
		"Denied": s.Counts[verdict.Denied], "AlreadyDenied": s.Counts[verdict.AlreadyDenied],
		"Rejected": s.Counts[verdict.Rejected], "Invalid": s.Counts[verdict.Invalid],
		"Unknown": s.Counts[verdict.Unknown], "NotSent": s.Counts[verdict.NotSent],
	}
	type metric struct {
		Name string
		Unit string
	}
	var metrics []metric
	for name, v := range values {
		line[name] = v
		metrics = append(metrics, metric{name, "Count"})
	}
	line["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": "Denybatch", "Dimensions": [][]string{{}, {"Org"}}, "Metrics": metrics,
		}},
	}
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = out.Write(append(b, '\n'))
	return err
}
