package report

import (
	"fmt"
	"strconv"

	"denybatch/internal/verdict"
)

// The kinds of items that are told apart here.
const (
	kindRequest = "request"
	kindBatch   = "batch"
)

// The columns before the result columns, and those of the retry file.
var (
	sweepColumns = []string{"kind", "integrationId", "requestId", "batch", "file", "attempt", "confirm"}
	retryColumns = []string{"integrationId", "requestId", "confirm"}
)

// cells are an item's own columns.
func (it Item) cells() []string {
	attempt := ""
	if it.Attempt > 0 {
		attempt = strconv.Itoa(it.Attempt)
	}
	return []string{it.Kind, it.Integration, it.Request, it.Batch, it.File, attempt, it.Confirm}
}

// sweepLayout is that of a sweep whose lines the census counts.
func sweepLayout(s SweepSummary, c *census) Layout {
	of := sweepGenre(s, c)
	return Layout{
		Header: sweepColumns, TextColumns: map[int]bool{1: true, 2: true, 3: true}, of: of,
		retry: &Layout{Header: retryColumns, TextColumns: map[int]bool{0: true, 1: true}, of: of},
	}
}

func sweepGenre(s SweepSummary, c *census) *genre {
	return &genre{
		title: "Reprocess report", noun: "line", nouns: "Lines", whole: "sweep", results: verdict.RequestResults, lexicon: sweepLexicon,
		headline: c.headline,
		chapters: func(sum Summary) []chapter { return []chapter{{"The sweep", sweepFacts(s, sum)}} },
		retry:    retryItem,
	}
}

// retryItem is what a person may want to drop in again. Confirm is left empty, so that it is written on purpose.
func retryItem(r Row) ([]string, bool) {
	if r.Cells[0] != kindRequest || !needsSomebody(r.Verdict.Result) {
		return nil, false
	}
	return []string{r.Cells[1], r.Cells[2], ""}, true
}

// needsSomebody reports whether a line with this result stays as it is until a person does something.
func needsSomebody(r verdict.Result) bool {
	switch r {
	case verdict.Refused, verdict.Invalid, verdict.Unknown, verdict.Exhausted:
		return true
	}
	return false
}

// headline is the sweep in one sentence. Only requests are asked for, so an accepted batch is no request that ROIT took.
func (c *census) headline(s Summary) string {
	if s.Status == Stopped {
		return "Stopped before the end: " + s.Stopped
	}
	text := fmt.Sprintf("Finished: ROIT accepted %s", plural(c.accepted, "request"))
	switch c.batches {
	case 0:
	case 1:
		text += ", and 1 batch goes on"
	default:
		text += fmt.Sprintf(", and %s batches go on", grouped(c.batches))
	}
	return text + c.left(s.RetryRows) + "."
}

// left says how many lines need somebody, and how many of them are in the retry file.
func (c *census) left(retry int) string {
	need := "need"
	if c.open == 1 {
		need = "needs"
	}
	text := fmt.Sprintf("; %s %s somebody", plural(c.open, "line"), need)
	switch {
	case c.open == 0:
		return ""
	case retry == c.open:
		return text + ", see the retry file"
	case retry == 1:
		return text + ", 1 of them is in the retry file"
	case retry > 1:
		return text + fmt.Sprintf(", %s of them are in the retry file", grouped(retry))
	}
	return text
}

func sweepFacts(s SweepSummary, sum Summary) []fact {
	facts := []fact{
		{"Sweep", s.Sweep},
		{"Began", moment(sum.Began)},
		{"Finished", moment(sum.Finished)},
		{"Files", plural(len(s.Files), "file")},
		{"Asked", plural(s.Calls, "request")},
	}
	if s.Waiting > 0 {
		facts = append(facts, fact{"Waiting", plural(s.Waiting, "request") + " for the next sweep"})
	}
	return facts
}

var sweepLexicon = map[verdict.Result]words{
	verdict.Accepted: {
		"ROIT took the request and answered result_status; a batch goes on.", "Nothing: ROIT calls back, and what fails is asked again.",
		"C6EFCE", "006100", "43A047", false},
	verdict.AlreadyDone: {
		"ROIT has said that the request is done.", "Nothing.",
		"DCE6DA", "4A5F46", "9DB59A", false},
	verdict.Refused: {
		"ROIT would not reprocess the request; its code and message say why.", "Mend the cause and drop the request in again.",
		"FFC7CE", "9C0006", "D32F2F", false},
	verdict.Invalid: {
		"The row or the file has faults; the message names each.", "Correct it and drop it in again.",
		"FCD5B4", "974706", "EF6C00", false},
	verdict.Duplicate: {
		"The request stands on an earlier row, or waits already.", "Nothing.",
		"EDEDED", "595959", "9E9E9E", false},
	verdict.Unknown: {
		"ROIT was asked, and nobody knows whether it heard.", "Look at ROIT. To ask again, drop it in with confirm = yes.",
		"E4DFEC", "5B2C8A", "7B1FA2", true},
	verdict.NotSent: {
		"ROIT was not asked; the message says why.", "Nothing, unless the message says so: the next sweep asks.",
		"FFEB9C", "7F6000", "FBC02D", false},
	verdict.Exhausted: {
		"It failed after as many attempts as are allowed.", "Mend the cause, then do as the message says.",
		"F8CBAD", "833C0B", "BF360C", true},
}
