package report_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest"
	"denybatch/internal/report"
	"denybatch/internal/verdict"
)

// asked is the line of a request.
func asked(id string, r verdict.Result) report.Item {
	return report.Item{Kind: "request", Integration: "sap", Request: id, Attempt: 1, Verdict: verdict.Verdict{Result: r, At: noon}}
}

// everything is a line of each kind and of each result.
func everything() (items []report.Item) {
	for i, r := range verdict.RequestResults {
		items = append(items, asked(fmt.Sprint("r", i), r))
	}
	return append(items,
		report.Item{Kind: "batch", Batch: "b-1", File: "inbox/deny/acme/a.csv", Verdict: verdict.Verdict{Result: verdict.Accepted}},
		report.Item{Kind: "batch", Batch: "b-2", File: "inbox/deny/acme/b.csv", Verdict: verdict.Verdict{Result: verdict.Exhausted}},
		report.Item{Kind: "file", File: "inbox/reprocess/sap/odd.csv", Verdict: verdict.Verdict{Result: verdict.Invalid}},
	)
}

func sweepOf(items []report.Item) report.SweepSummary {
	return report.SweepSummary{Sweep: "s-1", Status: report.Finished, Began: noon, Finished: noon.Add(90 * time.Second), Items: len(items)}
}

func publishSweep(t *testing.T, out objects.Store, items []report.Item) report.SweepSummary {
	t.Helper()
	s, err := report.PublishSweep(t.Context(), out, "p/", sweepOf(items), each(items, nil))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestASweepsSummaryIsReturnedAsStored(t *testing.T) {
	for name, items := range map[string][]report.Item{"Nothing": nil, "Everything": everything()} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			s := publishSweep(t, m, items)
			if got := m.keys(); !slices.Equal(got, wholeSet) || m.open != 0 {
				t.Errorf("published %q, %d writers open, want %q", got, m.open, wholeSet)
			}
			text := m.text("p/summary.json")
			var stored report.SweepSummary
			if err := json.Unmarshal([]byte(text), &stored); err != nil || !reflect.DeepEqual(s, stored) {
				t.Errorf("returned %+v\nstored   %+v, %v", s, stored, err)
			}
			if named := slices.Sorted(maps.Keys(s.Counts)); !slices.Equal(named, slices.Sorted(slices.Values(verdict.RequestResults))) {
				t.Errorf("the counts name %q", named)
			}
			if strings.Contains(text, "null") {
				t.Errorf("summary.json says null: %s", text)
			}
		})
	}
}

// A sweep may have read any number of files, and its summary names them all.
func TestASweepOfManyFilesCanBePublishedAgain(t *testing.T) {
	m := newMemory()
	s := sweepOf(nil)
	for i := range 20_000 {
		s.Files = append(s.Files, report.SweptFile{Key: fmt.Sprintf("inbox/reprocess/sap/%d.csv", i), Refused: "there is nothing in it"})
	}
	first, err := report.PublishSweep(t.Context(), m, "p/", s, each(nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	again, err := report.PublishSweep(t.Context(), m, "p/", s, each(nil, nil))
	if err != nil || !reflect.DeepEqual(again, first) {
		t.Errorf("the second time: %d files, %v; the first time: %d", len(again.Files), err, len(first.Files))
	}
}

func TestASweepPublishedTwiceKeepsTheFirst(t *testing.T) {
	m := newMemory()
	first := publishSweep(t, m, everything())
	before := m.text("p/summary.json")
	never := func(func(report.Item, error) bool) { t.Error("the items were read again") }
	again, err := report.PublishSweep(t.Context(), m, "p/", report.SweepSummary{Sweep: first.Sweep}, never)
	if err != nil || !reflect.DeepEqual(again, first) {
		t.Errorf("the second time: %+v, %v\nthe first time: %+v", again, err, first)
	}
	if m.text("p/summary.json") != before {
		t.Error("summary.json was written again")
	}
}

// The place may be another sweep's, or a batch's, or hold what nobody can read.
func TestASweepRefusesAnotherOnesPlace(t *testing.T) {
	other, batch, torn := newMemory(), newMemory(), newMemory()
	publishSweep(t, other, nil)
	publish(t, batch, twoRows, twoColumns)
	torn.objects["p/summary.json"] = []byte("{")
	for name, m := range map[string]*memory{"AnotherSweeps": other, "ABatchs": batch, "Torn": torn} {
		t.Run(name, func(t *testing.T) {
			before := maps.Clone(m.objects)
			s := sweepOf(nil)
			s.Sweep = "s-2"
			_, err := report.PublishSweep(t.Context(), m, "p/", s, each(nil, nil))
			if err == nil || !strings.Contains(err.Error(), "p/summary.json") || name != "Torn" && !strings.Contains(err.Error(), "s-2") {
				t.Errorf("error %v, want one that names the key and the sweep", err)
			}
			if !reflect.DeepEqual(m.objects, before) {
				t.Errorf("left %q", m.keys())
			}
		})
	}
}

func TestABatchRefusesASweepsPlace(t *testing.T) {
	m := newMemory()
	publishSweep(t, m, everything())
	if s, err := report.Publish(t.Context(), m, "p/", summaryOf(nil, plainCSV), twoColumns, sequence(nil)); err == nil {
		t.Errorf("it took the sweep's summary for its own: %+v", s)
	}
}

func TestInvariantWithholdsASweepsReports(t *testing.T) {
	two := []report.Item{asked("a", verdict.Accepted), asked("b", verdict.Refused)}
	for name, tc := range map[string]struct {
		items []report.Item
		edit  func(*report.SweepSummary)
		want  string
	}{
		"TooFewLines":  {two, func(s *report.SweepSummary) { s.Items = 3 }, "the summary has 3 lines, the sweep 2"},
		"TooManyLines": {two, func(s *report.SweepSummary) { s.Items = 1 }, "the summary has 1 line, the sweep 2"},
		"OtherCounts": {two, func(s *report.SweepSummary) { s.Counts = report.SweepCounts{verdict.Accepted: 2} },
			"the summary has 2 accepted, the sweep 1"},
		"MissingCount": {two, func(s *report.SweepSummary) { s.Counts = report.SweepCounts{verdict.Accepted: 1} },
			"the summary has 1 verdict for 2 lines"},
		"NoResult":        {[]report.Item{asked("a", verdict.Accepted), asked("b", "")}, nil, `line 2 has the result ""`},
		"OneOfADenial":    {[]report.Item{asked("a", verdict.Denied)}, nil, `line 1 has the result "denied"`},
		"AlsoOfADenial":   {[]report.Item{asked("a", verdict.Rejected)}, nil, `line 1 has the result "rejected"`},
		"ForeignResult":   {[]report.Item{asked("a", "maybe")}, nil, `line 1 has the result "maybe"`},
		"CountsOfNothing": {nil, func(s *report.SweepSummary) { s.Counts = report.SweepCounts{verdict.Denied: 1} }, "the summary has 1 denied, the sweep 0"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			s := sweepOf(tc.items)
			if tc.edit != nil {
				tc.edit(&s)
			}
			_, err := report.PublishSweep(t.Context(), m, "p/", s, each(tc.items, nil))
			var withheld *report.InvariantError
			if !errors.As(err, &withheld) || withheld.Problem != tc.want {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			leftNothing(t, m)
		})
	}
}

func TestItemsThatCannotBeReadLeaveNothing(t *testing.T) {
	m := newMemory()
	broken := errors.New("the record cannot be read")
	items := func(yield func(report.Item, error) bool) {
		if yield(asked("a", verdict.Accepted), nil) {
			yield(report.Item{}, broken)
		}
	}
	if _, err := report.PublishSweep(t.Context(), m, "p/", sweepOf(make([]report.Item, 2)), items); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	leftNothing(t, m)
}

// The order of the lines is the sweep's own: rows of several files, and lines without a row.
func TestLinesOfASweepNeedNoOrder(t *testing.T) {
	items := []report.Item{asked("a", verdict.Accepted), asked("b", verdict.Accepted), asked("c", verdict.Accepted), asked("d", verdict.Accepted)}
	items[0].Verdict.Row, items[2].Verdict.Row, items[3].Verdict.Row = 9, 2, 2
	if s := publishSweep(t, newMemory(), items); s.Invariant.Sums != "4 lines = 4 verdicts: 4 accepted" {
		t.Errorf("invariant %+v", s.Invariant)
	}
}

// A sweep's report is cut at every operation on the outside world, before it and after it, and then published again. What the
// crashed attempt has published stays as it is.
func TestASweepsReportSurvivesEveryCut(t *testing.T) {
	items := everything()
	whole := newMemory()
	want := publishSweep(t, whole, items)
	var counting objectstest.Cutter
	publishSweep(t, counting.Store(folder(t)), items)
	if counting.Count() < 5 {
		t.Fatalf("only %d operations were counted", counting.Count())
	}
	for n := 1; n <= counting.Count(); n++ {
		for _, when := range []objectstest.When{objectstest.Before, objectstest.After} {
			t.Run(fmt.Sprint(when, n), func(t *testing.T) {
				out := folder(t)
				var cutter objectstest.Cutter
				cutter.CutAt(n, when)
				_, err := report.PublishSweep(t.Context(), cutter.Store(out), "p/", sweepOf(items), each(items, nil))
				if !errors.Is(err, objectstest.ErrCut) && cutter.Cut() == nil {
					t.Fatalf("error %v, want the cut", err)
				}
				before := contents(t, out)
				if _, sealed := before["p/summary.json"]; sealed && len(before) != len(wholeSet) {
					t.Errorf("summary.json was there before the rest: %q", slices.Sorted(maps.Keys(before)))
				}
				if got := publishSweep(t, out, items); !reflect.DeepEqual(got, want) {
					t.Errorf("published %+v\nwant      %+v", got, want)
				}
				after := contents(t, out)
				if got := slices.Sorted(maps.Keys(after)); !slices.Equal(got, wholeSet) {
					t.Errorf("published %q, want %q", got, wholeSet)
				}
				for key, etag := range before {
					if after[key] != etag {
						t.Errorf("%s was written again", key)
					}
				}
			})
		}
	}
}

// contents is the keys in a store, each with its ETag.
func contents(t *testing.T, out objects.Store) map[string]string {
	t.Helper()
	keys := map[string]string{}
	for info, err := range out.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys[info.Key] = info.ETag
	}
	return keys
}

func TestTwoSweepersMakeOneSet(t *testing.T) {
	out, items := folder(t), everything()
	var won [2]report.SweepSummary
	var wait sync.WaitGroup
	for i := range won {
		wait.Go(func() {
			s := sweepOf(items)
			s.Finished = s.Finished.AddDate(0, 0, i)
			var err error
			if won[i], err = report.PublishSweep(t.Context(), out, "p/", s, each(items, nil)); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	stored := publishSweep(t, out, items)
	for i := range won {
		if !reflect.DeepEqual(won[i], stored) {
			t.Errorf("publisher %d returned %+v, stored is %+v", i, won[i], stored)
		}
	}
	if got := slices.Sorted(maps.Keys(contents(t, out))); !slices.Equal(got, wholeSet) {
		t.Errorf("published %q, want %q", got, wholeSet)
	}
}

// headline is the sentence at the top of a report.
func sweepHeadline(t *testing.T, s report.SweepSummary, items []report.Item) string {
	t.Helper()
	m := newMemory()
	s.Items = len(items)
	if _, err := report.PublishSweep(t.Context(), m, "p/", s, each(items, nil)); err != nil {
		t.Fatal(err)
	}
	return cellText(t, workbook(t, m, "p/report.xlsx"), "Summary", "A2")
}

func TestTheHeadlineOfASweepIsTrue(t *testing.T) {
	batch := report.Item{Kind: "batch", Batch: "b-1", Verdict: verdict.Verdict{Result: verdict.Accepted}}
	tired := report.Item{Kind: "batch", Batch: "b-2", Verdict: verdict.Verdict{Result: verdict.Exhausted}}
	file := report.Item{Kind: "file", File: "f", Verdict: verdict.Verdict{Result: verdict.Invalid}}
	a, d, r, n := asked("a", verdict.Accepted), asked("d", verdict.AlreadyDone), asked("r", verdict.Refused), asked("n", verdict.NotSent)
	for name, tc := range map[string]struct {
		items []report.Item
		want  string
	}{
		"Accepted":        {[]report.Item{a, a, a, d, n}, "Finished: ROIT accepted 3 requests."},
		"OneInTheRetry":   {[]report.Item{a, r}, "Finished: ROIT accepted 1 request; 1 line needs somebody, see the retry file."},
		"SomeInTheRetry":  {[]report.Item{r, file, tired}, "Finished: ROIT accepted 0 requests; 3 lines need somebody, 1 of them is in the retry file."},
		"NoneInTheRetry":  {[]report.Item{a, file}, "Finished: ROIT accepted 1 request; 1 line needs somebody."},
		"ABatchIsNoAsk":   {[]report.Item{batch}, "Finished: ROIT accepted 0 requests, and 1 batch goes on."},
		"BatchesGoOn":     {[]report.Item{a, batch, batch, tired}, "Finished: ROIT accepted 1 request, and 2 batches go on; 1 line needs somebody."},
		"NothingHappened": {nil, "Finished: ROIT accepted 0 requests."},
	} {
		t.Run(name, func(t *testing.T) {
			if got := sweepHeadline(t, sweepOf(nil), tc.items); got != tc.want {
				t.Errorf("it says %q, want %q", got, tc.want)
			}
		})
	}
	t.Run("Stopped", func(t *testing.T) {
		s := sweepOf(nil)
		s.Status, s.Stopped = report.Stopped, "ROIT is down."
		if got := sweepHeadline(t, s, []report.Item{a, n}); got != "Stopped before the end: ROIT is down." {
			t.Errorf("it says %q", got)
		}
	})
}
