package report_test

import (
	"fmt"
	"iter"
	"time"

	"denybatch/internal/report"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 250_000_000, time.UTC)

func sequence(rows []report.Row) iter.Seq2[report.Row, error] {
	return func(yield func(report.Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// summaryOf is a summary that agrees with the rows.
func summaryOf(rows []report.Row, r sheet.Reading) report.Summary {
	s := report.Summary{
		Batch: "b-1", Run: 1, Org: "acme", Status: report.Finished, Began: noon, Finished: noon.Add(90 * time.Second),
		Source:  report.Source{Name: "deny.csv", Key: "inbox/deny/acme/deny.csv", Version: "v7", SHA256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", Size: 1234},
		Reading: report.Reading{Reading: r, HeaderRow: 1},
		Rows:    len(rows), Counts: report.Counts{}, Calls: report.Calls{Bulk: 3, Reads: 1},
	}
	for _, row := range rows {
		s.Counts[row.Verdict.Result]++
	}
	return s
}

// many yields n rows of five user's columns, all results among them, without holding them.
func many(n int) iter.Seq2[report.Row, error] {
	return func(yield func(report.Row, error) bool) {
		cells := make([]string, 5)
		for i := range n {
			cells[0] = fmt.Sprintf("%08x-1111-4222-8333-%012d", i*2654435761%(1<<32), i)
			cells[1], cells[2], cells[3], cells[4] = "not our goods", "deny", fmt.Sprint(i%5000), "Fornecedor São João Ltda"
			v := verdict.Verdict{Row: i + 2, Result: verdict.Results[i%len(verdict.Results)], Status: "220", At: noon.Add(time.Duration(i/50) * time.Millisecond)}
			if v.Result == verdict.Rejected {
				v.Code, v.Message = "err-incorrect-update-action", "The document cannot be denied in its present status."
			}
			if !yield(report.Row{Cells: cells, Verdict: v}, nil) {
				return
			}
		}
	}
}

func manySummary(n int, r sheet.Reading) report.Summary {
	s := summaryOf(nil, r)
	s.Rows = n
	for i := range n {
		s.Counts[verdict.Results[i%len(verdict.Results)]]++
	}
	return s
}

var manyHeader = []string{"docId", "comments", "action", "amount", "supplier"}

var plainCSV = sheet.Reading{Format: sheet.CSV, Encoding: "utf-8", Delimiter: ",", Newline: "\r\n"}
