package main

import (
	"io"
	"time"

	"denybatch/internal/cloud"
	"denybatch/internal/inbox"
	"denybatch/internal/verdict"
)

// writeMetrics writes a batch's figures, over all organisations and by organisation.
func writeMetrics(out io.Writer, end inbox.Ending, now time.Time) error {
	s := end.Summary
	fields := map[string]string{"Batch": end.Batch, "Org": s.Org, "Status": string(s.Status)}
	return cloud.WriteMetrics(out, now, [][]string{{}, {"Org"}}, fields, map[string]int{
		"Batches": 1, "Rows": s.Rows, "BulkCalls": s.Calls.Bulk, "Reads": s.Calls.Reads,
		"Denied": s.Counts[verdict.Denied], "AlreadyDenied": s.Counts[verdict.AlreadyDenied],
		"Rejected": s.Counts[verdict.Rejected], "Invalid": s.Counts[verdict.Invalid],
		"Unknown": s.Counts[verdict.Unknown], "NotSent": s.Counts[verdict.NotSent],
	})
}
