package report

import (
	"fmt"
	"time"

	"github.com/xuri/excelize/v2"

	"denybatch/internal/verdict"
)

const overviewSheet = "Summary"

// overview adds the page that says in words what came of the batch.
func overview(x *excelize.File, s Summary, of *genre, styles xlsxStyles) error {
	if _, err := x.NewSheet(overviewSheet); err != nil {
		return err
	}
	p := newPage(x, styles)
	p.title(of.title, of.headline(s))
	for _, chapter := range of.chapters(s) {
		p.facts(chapter.heading, chapter.facts)
	}
	p.results(s, of)
	p.notes(s.Notes)
	return p.err
}

// headline is the report in one sentence.
func headline(s Summary) string {
	switch {
	case s.Status == Stopped:
		return "Stopped before the end: " + s.Stopped
	case s.DryRun:
		return fmt.Sprintf("Dry run, nothing was sent: %s would be sent, %s would not.", plural(s.Counts[verdict.WouldSend], "row"), grouped(s.Rows-s.Counts[verdict.WouldSend]))
	case s.RetryRows > 0:
		return fmt.Sprintf("Finished: %s left to settle, see the retry file.", plural(s.RetryRows, "row"))
	}
	return "Finished: every row is settled."
}

type fact struct{ name, value string }

func batchFacts(s Summary) []fact {
	return []fact{
		{"File", s.Source.Name},
		{"Organisation", s.Org},
		{"Batch", s.Batch},
		{"Run", fmt.Sprint(s.Run)},
		{"Began", moment(s.Began)},
		{"Finished", moment(s.Finished)},
		{"Calls", fmt.Sprintf("%s, %s", plural(s.Calls.Bulk, "bulk call"), plural(s.Calls.Reads, "read"))},
	}
}

func readingFacts(s Summary) []fact {
	return []fact{
		{"Format", string(s.Reading.Format)},
		{"Encoding", s.Reading.Encoding},
		{"Delimiter", delimiterName(s.Reading.Delimiter)},
		{"Sheet", s.Reading.Sheet},
		{"Heading row", fmt.Sprint(s.Reading.HeaderRow)},
		{"Size", plural(int(s.Source.Size), "byte")},
		{"SHA-256", s.Source.SHA256},
		{"Version", s.Source.Version},
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02 15:04:05 UTC")
}

func delimiterName(d string) string {
	switch d {
	case ",":
		return "comma"
	case ";":
		return "semicolon"
	case "\t":
		return "tab"
	case "|":
		return "vertical bar"
	}
	return d
}
