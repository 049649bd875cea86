package report_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/objects/objectstest"
	"denybatch/internal/report"
	"denybatch/internal/verdict"
)

var sweptAt = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)

// items are one line of each kind and result.
func items() []report.Item {
	line := func(id string, row int, result verdict.Result, status, code, message string) report.Item {
		return report.Item{Kind: "request", Integration: "int-1", Request: id, File: "inbox/reprocess/int-1/fix.csv",
			Verdict: verdict.Verdict{Row: row, Result: result, Status: status, Code: code, Message: message}}
	}
	accepted := line("0012", 2, verdict.Accepted, "PROCESSING", "", "")
	accepted.Attempt, accepted.Confirm, accepted.Verdict.At = 1, "yes", sweptAt
	return []report.Item{
		accepted,
		line("=cmd()", 3, verdict.Refused, "", "http-404", "no such request"),
		line("", 4, verdict.Invalid, "", "missing-request-id", "column \"requestId\" is empty"),
		line("0012", 5, verdict.Duplicate, "", "duplicate-request", "same request as row 2"),
		line("d", 6, verdict.AlreadyDone, "DONE", "done", ""),
		line("u", 7, verdict.Unknown, "", "needs-confirmation", ""),
		line("n", 8, verdict.NotSent, "", "waiting", ""),
		{Kind: "request", Integration: "int-2", Request: "x", Verdict: verdict.Verdict{Result: verdict.Exhausted, Status: "ERROR"}},
		{Kind: "batch", Batch: "b1", File: "inbox/deny/org/a.csv", Verdict: verdict.Verdict{Result: verdict.Accepted}},
		{Kind: "file", File: "inbox/reprocess/int-1/odd.csv", Verdict: verdict.Verdict{Result: verdict.Invalid, Code: "unreadable-file"}},
	}
}

func sweepSummary(n int) report.SweepSummary {
	return report.SweepSummary{Sweep: "s1", Status: report.Finished, Began: sweptAt, Finished: sweptAt, Items: n, Calls: 2,
		Files: []report.SweptFile{{Key: "inbox/reprocess/int-1/fix.csv", SHA256: "0", Rows: 7}}}
}

func each(all []report.Item, end error) iter.Seq2[report.Item, error] {
	return func(yield func(report.Item, error) bool) {
		for _, it := range all {
			if !yield(it, nil) {
				return
			}
		}
		if end != nil {
			yield(report.Item{}, end)
		}
	}
}

func folder(t *testing.T) objects.Store {
	t.Helper()
	s, err := dir.New(t.TempDir(), dir.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func text(t *testing.T, s objects.Store, key string) string {
	t.Helper()
	b, _, err := objects.Read(context.Background(), s, key, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSweepReport(t *testing.T) {
	out := folder(t)
	sum, err := report.PublishSweep(t.Context(), out, "r/", sweepSummary(10), each(items(), nil))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(`kind,integrationId,requestId,batch,file,attempt,confirm,result,result_status,result_code,result_message,result_row,result_at
request,int-1,0012,,inbox/reprocess/int-1/fix.csv,1,yes,accepted,PROCESSING,,,2,2026-11-21T08:00:00.000Z
request,int-1,'=cmd(),,inbox/reprocess/int-1/fix.csv,,,refused,,http-404,no such request,3,
request,int-1,,,inbox/reprocess/int-1/fix.csv,,,invalid,,missing-request-id,"column ""requestId"" is empty",4,
request,int-1,0012,,inbox/reprocess/int-1/fix.csv,,,duplicate,,duplicate-request,same request as row 2,5,
request,int-1,d,,inbox/reprocess/int-1/fix.csv,,,already_done,DONE,done,,6,
request,int-1,u,,inbox/reprocess/int-1/fix.csv,,,unknown,,needs-confirmation,,7,
request,int-1,n,,inbox/reprocess/int-1/fix.csv,,,not_sent,,waiting,,8,
request,int-2,x,,,,,exhausted,ERROR,,,,
batch,,,b1,inbox/deny/org/a.csv,,,accepted,,,,,
file,,,,inbox/reprocess/int-1/odd.csv,,,invalid,,unreadable-file,,,
`, "\n", "\r\n")
	if got := strings.TrimPrefix(text(t, out, "r/report.csv"), "\ufeff"); got != want {
		t.Errorf("report.csv is\n%s\nwant\n%s", got, want)
	}
	retry := strings.ReplaceAll("integrationId,requestId,confirm\nint-1,'=cmd(),\nint-1,,\nint-1,u,\nint-2,x,\n", "\n", "\r\n")
	if got := strings.TrimPrefix(text(t, out, "r/retry.csv"), "\ufeff"); got != retry || sum.RetryRows != 4 {
		t.Errorf("retry.csv has %d rows:\n%s\nwant\n%s", sum.RetryRows, got, retry)
	}
	if got, want := sum.Invariant.Sums, "10 lines = 10 verdicts: 2 accepted + 1 already_done + 1 refused + 2 invalid + 1 duplicate + 1 unknown + 1 not_sent + 1 exhausted"; got != want || !sum.Invariant.Holds {
		t.Errorf("the invariant says %s, want %s", got, want)
	}
	for _, part := range []string{`"waiting": 0`, `"exhausted": 1`, `"notes": []`, `"sweep": "s1"`} {
		if !strings.Contains(text(t, out, "r/summary.json"), part) {
			t.Errorf("summary.json has no %s", part)
		}
	}
	workbookSays(t, out)
}

func workbookSays(t *testing.T, out objects.Store) {
	t.Helper()
	body, _, err := out.Open(t.Context(), "r/report.xlsx")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	x, err := excelize.OpenReader(body)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for cell, want := range map[string]string{"A1": "kind", "C2": "0012", "C3": "=cmd()", "H2": "accepted", "L2": "2", "L9": ""} {
		if got, err := x.GetCellValue("Results", cell); got != want || err != nil {
			t.Errorf("%s is %q, want %q (%v)", cell, got, want, err)
		}
	}
	if got, _ := x.GetCellValue("Summary", "A1"); got != "Reprocess report" {
		t.Errorf("the summary is called %q", got)
	}
	if got, _ := x.GetCellValue("Summary", "A2"); got != "Finished: ROIT accepted 1 request, and 1 batch goes on; 5 lines need somebody, 4 of them are in the retry file." {
		t.Errorf("the headline is %q", got)
	}
}

// However often a report is published, and wherever that is cut, it is published once.
func TestSweepReportIsPublishedOnce(t *testing.T) {
	var count objectstest.Cutter
	if _, err := report.PublishSweep(t.Context(), count.Store(folder(t)), "r/", sweepSummary(10), each(items(), nil)); err != nil {
		t.Fatal(err)
	}
	for n := 1; n <= count.Count(); n++ {
		for _, when := range []objectstest.When{objectstest.Before, objectstest.After} {
			out := folder(t)
			var cutter objectstest.Cutter
			cutter.CutAt(n, when)
			report.PublishSweep(t.Context(), cutter.Store(out), "r/", sweepSummary(10), each(items(), nil))
			first, err := report.PublishSweep(t.Context(), out, "r/", sweepSummary(10), each(items(), nil))
			if err != nil {
				t.Fatal(err)
			}
			csv := text(t, out, "r/report.csv")
			again, err := report.PublishSweep(t.Context(), out, "r/", sweepSummary(0), each(nil, io.ErrUnexpectedEOF))
			if err != nil || again.Items != first.Items || text(t, out, "r/report.csv") != csv {
				t.Errorf("cut %d %v: published again: %v", n, when, err)
			}
		}
	}
	out := folder(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if s, err := report.PublishSweep(context.Background(), out, "r/", sweepSummary(10), each(items(), nil)); err != nil || s.Items != 10 {
				t.Errorf("%d items, %v", s.Items, err)
			}
		})
	}
	all.Wait()
}

// What cannot be true is not published.
func TestSweepReportIsWithheld(t *testing.T) {
	odd := items()
	odd[0].Verdict.Result = verdict.Denied
	for name, publish := range map[string]func(objects.Store) error{
		"too few": func(out objects.Store) error {
			_, err := report.PublishSweep(t.Context(), out, "r/", sweepSummary(11), each(items(), nil))
			return err
		},
		"another result": func(out objects.Store) error {
			_, err := report.PublishSweep(t.Context(), out, "r/", sweepSummary(10), each(odd, nil))
			return err
		},
	} {
		out := folder(t)
		err := publish(out)
		if _, withheld := errors.AsType[*report.InvariantError](err); !withheld {
			t.Errorf("%s: %v", name, err)
		}
		for info := range out.List(t.Context(), "", "") {
			t.Errorf("%s: published %s", name, info.Key)
		}
	}
	out := folder(t)
	if _, err := report.PublishSweep(t.Context(), out, "r/", sweepSummary(10), each(items(), nil)); err != nil {
		t.Fatal(err)
	}
	other := sweepSummary(10)
	other.Sweep = "s2"
	if _, err := report.PublishSweep(t.Context(), out, "r/", other, each(items(), nil)); err == nil {
		t.Error("another sweep's report was taken for ours")
	}
}
