package report_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"denybatch/internal/report"
	"denybatch/internal/verdict"
)

var twoRows = []report.Row{
	{Cells: []string{"a1", "x"}, Verdict: verdict.Verdict{Row: 2, Result: verdict.Denied, Status: "220", At: noon}},
	{Cells: []string{"b2", "y"}, Verdict: verdict.Verdict{Row: 4, Result: verdict.Rejected, Code: "E1", Message: "no", At: noon}},
}

var twoColumns = report.Layout{Header: []string{"docId", "comments"}, Width: 2, Reading: plainCSV}

var wholeSet = []string{"p/report.csv", "p/report.xlsx", "p/retry.csv", "p/summary.json"}

func publish(t *testing.T, m *memory, rows []report.Row, l report.Layout) report.Summary {
	t.Helper()
	s, err := report.Publish(t.Context(), m, "p/", summaryOf(rows, l.Reading), l, sequence(rows))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPublishWritesTheWholeSet(t *testing.T) {
	m := newMemory()
	s := publish(t, m, twoRows, twoColumns)
	if got := m.keys(); !slices.Equal(got, wholeSet) {
		t.Errorf("published %q, want %q", got, wholeSet)
	}
	if !s.Invariant.Holds || s.Invariant.Sums != "2 rows = 2 verdicts: 1 denied + 1 rejected" {
		t.Errorf("invariant %+v", s.Invariant)
	}
	if s.RetryRows != 1 || s.RetryEncoding != "utf-8" {
		t.Errorf("retry file: %d rows in %q, want 1 in utf-8", s.RetryRows, s.RetryEncoding)
	}
	want := map[string]string{"csv": "p/report.csv", "xlsx": "p/report.xlsx", "retry": "p/retry.csv", "summary": "p/summary.json"}
	if !reflect.DeepEqual(s.Reports, want) {
		t.Errorf("reports %v, want %v", s.Reports, want)
	}
	if m.open != 0 {
		t.Errorf("%d writers left open", m.open)
	}
}

func TestPublishWritesOnlyTheKindsAsked(t *testing.T) {
	m := newMemory()
	l := twoColumns
	l.Kinds = []report.Kind{report.Retry, report.CSV}
	publish(t, m, twoRows, l)
	if got, want := m.keys(), []string{"p/report.csv", "p/retry.csv", "p/summary.json"}; !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
}

func TestSummaryNamesEveryResultInOrder(t *testing.T) {
	m := newMemory()
	publish(t, m, twoRows, twoColumns)
	text := m.text("p/summary.json")
	last := 0
	for _, r := range verdict.Results {
		at := strings.Index(text, `"`+string(r)+`": `)
		if at <= last {
			t.Errorf("%s is missing or out of order", r)
		}
		last = at
	}
	if strings.Contains(text, "null") {
		t.Errorf("summary.json says null: %s", text)
	}
}

func TestSummaryOfNothingHasNoNull(t *testing.T) {
	m := newMemory()
	l := report.Layout{Header: []string{"docId"}, Width: 1, Reading: plainCSV, Kinds: []report.Kind{}}
	s := publish(t, m, nil, l)
	if s.Invariant.Sums != "0 rows = 0 verdicts" || strings.Contains(m.text("p/summary.json"), "null") {
		t.Errorf("summary.json: %s", m.text("p/summary.json"))
	}
}

func TestCountsNeedNotBeKnownBeforehand(t *testing.T) {
	m := newMemory()
	s := summaryOf(twoRows, plainCSV)
	s.Counts = nil
	s, err := report.Publish(t.Context(), m, "p/", s, twoColumns, sequence(twoRows))
	if err != nil {
		t.Fatal(err)
	}
	if s.Counts[verdict.Denied] != 1 || s.Counts[verdict.Rejected] != 1 || len(s.Counts) != len(verdict.Results) {
		t.Errorf("counts %v", s.Counts)
	}
}

func TestPublishTwiceKeepsTheFirst(t *testing.T) {
	m := newMemory()
	first := publish(t, m, twoRows, twoColumns)
	before := m.text("p/summary.json")
	never := func(yield func(report.Row, error) bool) { t.Error("the rows were read again") }
	again, err := report.Publish(t.Context(), m, "p/", report.Summary{Batch: first.Batch}, twoColumns, never)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(again, first) {
		t.Errorf("the second time: %+v\nthe first time: %+v", again, first)
	}
	if m.text("p/summary.json") != before {
		t.Error("summary.json was written again")
	}
}

// Two batches never share a place: the reports of one would pass for the other's.
func TestPublishRefusesAnotherBatchsPlace(t *testing.T) {
	m := newMemory()
	first := publish(t, m, twoRows, twoColumns)
	_, err := report.Publish(t.Context(), m, "p/", report.Summary{Batch: "other"}, twoColumns, sequence(twoRows))
	if err == nil || !strings.Contains(err.Error(), first.Batch) || !strings.Contains(err.Error(), "other") {
		t.Errorf("error %v, want one that names both", err)
	}
}

func TestPublishRefusesASummaryItCannotRead(t *testing.T) {
	m := newMemory()
	m.objects["p/summary.json"] = []byte("{")
	_, err := report.Publish(t.Context(), m, "p/", summaryOf(nil, plainCSV), twoColumns, sequence(nil))
	if err == nil || !strings.Contains(err.Error(), "p/summary.json") {
		t.Errorf("error %v, want one that names the key", err)
	}
}

func TestInvariantWithholdsReports(t *testing.T) {
	row := func(n int, r verdict.Result, cells ...string) report.Row {
		return report.Row{Cells: cells, Verdict: verdict.Verdict{Row: n, Result: r}}
	}
	for _, tc := range []struct {
		name string
		rows []report.Row
		edit func(*report.Summary)
		want string
	}{
		{"TooFewRows", twoRows, func(s *report.Summary) { s.Rows = 3 }, "the summary has 3 rows, the file 2"},
		{"TooManyRows", twoRows, func(s *report.Summary) { s.Rows = 1 }, "the summary has 1 row, the file 2"},
		{"OtherCounts", twoRows, func(s *report.Summary) { s.Counts = report.Counts{verdict.Denied: 2} }, "the summary has 2 denied, the file 1"},
		{"MissingCount", twoRows, func(s *report.Summary) { delete(s.Counts, verdict.Rejected) }, "the summary has 1 verdict for 2 rows"},
		{"NoResult", []report.Row{row(2, "")}, nil, `row 2 has the result ""`},
		{"ForeignResult", []report.Row{row(2, "maybe")}, nil, `row 2 has the result "maybe"`},
		{"SameRowTwice", []report.Row{row(2, verdict.Denied), row(2, verdict.Denied)}, nil, "row 2 follows row 2"},
		{"RowsOutOfOrder", []report.Row{row(3, verdict.Denied), row(2, verdict.Denied)}, nil, "row 2 follows row 3"},
		{"NoRowNumber", []report.Row{row(0, verdict.Denied)}, nil, "row 0 follows row 0"},
		{"WiderThanItsLayout", []report.Row{row(2, verdict.Denied, "a", "b", "c")}, nil, "row 2 has 3 cells, its layout 2"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			m := newMemory()
			s := summaryOf(tc.rows, plainCSV)
			if tc.edit != nil {
				tc.edit(&s)
			}
			_, err := report.Publish(t.Context(), m, "p/", s, twoColumns, sequence(tc.rows))
			var withheld *report.InvariantError
			if !errors.As(err, &withheld) || withheld.Problem != tc.want {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			leftNothing(t, m)
		})
	}
}

func leftNothing(t *testing.T, m *memory) {
	t.Helper()
	if len(m.keys()) != 0 || m.open != 0 {
		t.Errorf("left %q and %d open writers, want nothing", m.keys(), m.open)
	}
}

func TestEmptyCellsBeyondTheLayoutAreNoHarm(t *testing.T) {
	rows := []report.Row{{Cells: []string{"a", "b", "", ""}, Verdict: verdict.Verdict{Row: 2, Result: verdict.Denied}}}
	m := newMemory()
	publish(t, m, rows, twoColumns)
	if !strings.Contains(m.text("p/report.csv"), "\r\na,b,denied,") {
		t.Errorf("report.csv: %q", m.text("p/report.csv"))
	}
}

// A bubble ends only when every goroutine in it has: so this also proves that giving up leaves none behind.
func TestUnreadableRowsLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		broken := errors.New("line 900 has an open quote")
		rows := func(yield func(report.Row, error) bool) {
			for r := range many(900) {
				if !yield(r, nil) {
					return
				}
			}
			yield(report.Row{}, broken)
		}
		l := report.Layout{Header: manyHeader, Width: 5, Reading: plainCSV}
		if _, err := report.Publish(t.Context(), m, "p/", manySummary(1000, plainCSV), l, rows); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
		leftNothing(t, m)
	})
}

func TestCancelledPublishLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		ctx, cancel := context.WithCancelCause(t.Context())
		late := errors.New("the deadline is near")
		rows := func(yield func(report.Row, error) bool) {
			for r := range many(1_000_000) {
				if r.Verdict.Row == 5000 {
					cancel(late)
				}
				if !yield(r, nil) {
					return
				}
			}
		}
		l := report.Layout{Header: manyHeader, Width: 5, Reading: plainCSV}
		if _, err := report.Publish(ctx, m, "p/", manySummary(1_000_000, plainCSV), l, rows); !errors.Is(err, late) {
			t.Errorf("error %v, want %v", err, late)
		}
		leftNothing(t, m)
	})
}

func TestCrashBetweenCommitsIsCompletedLater(t *testing.T) {
	for done := range wholeSet {
		t.Run(fmt.Sprint("After", done), func(t *testing.T) {
			m := newMemory()
			commits := 0
			crash := errors.New("the power is gone")
			m.commit = func(string) error {
				if commits++; commits > done {
					return crash
				}
				return nil
			}
			_, err := report.Publish(t.Context(), m, "p/", summaryOf(twoRows, plainCSV), twoColumns, sequence(twoRows))
			if !errors.Is(err, crash) {
				t.Fatalf("error %v, want %v", err, crash)
			}
			if got := m.keys(); !slices.Equal(got, wholeSet[:done]) {
				t.Fatalf("published %q before the crash, want %q", got, wholeSet[:done])
			}
			for _, key := range m.keys() {
				m.objects[key] = []byte("as the crashed attempt left it")
			}
			m.commit = nil
			publish(t, m, twoRows, twoColumns)
			if got := m.keys(); !slices.Equal(got, wholeSet) || m.open != 0 {
				t.Errorf("published %q, %d writers open, want %q", got, m.open, wholeSet)
			}
			for _, key := range wholeSet[:done] {
				if m.text(key) != "as the crashed attempt left it" {
					t.Errorf("%s was overwritten", key)
				}
			}
		})
	}
}

func TestTwoPublishersMakeOneSet(t *testing.T) {
	m := newMemory()
	var won [2]report.Summary
	var wait sync.WaitGroup
	for i := range won {
		wait.Go(func() {
			s := summaryOf(twoRows, plainCSV)
			s.Finished = s.Finished.AddDate(0, 0, i)
			var err error
			if won[i], err = report.Publish(t.Context(), m, "p/", s, twoColumns, sequence(twoRows)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	var stored report.Summary
	if err := json.Unmarshal([]byte(m.text("p/summary.json")), &stored); err != nil {
		t.Fatal(err)
	}
	for i := range won {
		if !reflect.DeepEqual(won[i], stored) {
			t.Errorf("publisher %d returned %+v, stored is %+v", i, won[i], stored)
		}
	}
	if got := m.keys(); !slices.Equal(got, wholeSet) || m.open != 0 {
		t.Errorf("published %q, %d writers open, want %q", got, m.open, wholeSet)
	}
}

// memoryRows would be a hundred megabytes as XML.
var memoryRows = 200_000

func TestMemoryDoesNotGrowWithTheFile(t *testing.T) {
	rows, allowed := memoryRows, uint64(24<<20)
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var most uint64
	watched := func(yield func(report.Row, error) bool) {
		for r := range many(rows) {
			r.Cells = r.Cells[:2]
			if r.Verdict.Row%(rows/10) == 0 {
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				most = max(most, now.HeapInuse)
			}
			if !yield(r, nil) {
				return
			}
		}
	}
	l := report.Layout{Header: manyHeader[:2], Width: 2, Reading: plainCSV}
	if _, err := report.Publish(t.Context(), nowhere{newMemory()}, "", manySummary(rows, plainCSV), l, watched); err != nil {
		t.Fatal(err)
	}
	if most > before.HeapInuse+allowed {
		t.Errorf("the heap grew by %d bytes for %d rows, allowed are %d", most-before.HeapInuse, rows, allowed)
	}
}
