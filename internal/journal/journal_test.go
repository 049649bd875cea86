package journal_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"denybatch/internal/clock"
	"denybatch/internal/journal"
	"denybatch/internal/objects"
	"denybatch/internal/objects/dir"
	"denybatch/internal/verdict"
)

func store(t testing.TB) objects.Store {
	t.Helper()
	s, err := dir.New(t.TempDir(), dir.WithoutSync())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func claim(owner string) journal.Claim {
	return journal.Claim{Batch: "b", Owner: owner, Lease: time.Minute, Clock: clock.System{}}
}

func open(t testing.TB, s objects.Store, c journal.Claim) *journal.Journal {
	t.Helper()
	j, err := journal.Open(context.Background(), s, c)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// While one worker holds a batch nobody else does; when its lease has run out, the next one does and the first finds out.
func TestLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store(t)
		first := open(t, s, claim("first"))
		var busy *journal.BusyError
		if _, err := journal.Open(t.Context(), s, claim("second")); !errors.As(err, &busy) || busy.Lease.Owner != "first" {
			t.Fatalf("the second worker got %v", err)
		}
		time.Sleep(59 * time.Second)
		must(t, first.Flush(t.Context(), 100))
		time.Sleep(59 * time.Second)
		if _, err := journal.Open(t.Context(), s, claim("second")); !errors.As(err, &busy) {
			t.Fatalf("a renewed lease was passed over: %v", err)
		}
		time.Sleep(2 * time.Second)
		second := open(t, s, claim("second"))
		first.Settle(verdict.Verdict{Row: 2, Result: verdict.Denied})
		if err := first.Flush(t.Context(), 200); !errors.Is(err, journal.ErrLost) {
			t.Errorf("the first worker got %v", err)
		}
		must(t, second.Flush(t.Context(), 200))
		if !second.InDoubt(100) || second.InDoubt(101) {
			t.Error("rows up to 100 are in doubt, and no others")
		}
	})
}

// Of many workers that come at once for a new batch, one gets it.
func TestOneWinner(t *testing.T) {
	s := store(t)
	won := make(chan error, 16)
	for i := range cap(won) {
		go func() {
			_, err := journal.Open(context.Background(), s, claim(fmt.Sprint("worker-", i)))
			won <- err
		}()
	}
	winners := 0
	for range cap(won) {
		var busy *journal.BusyError
		switch err := <-won; {
		case err == nil:
			winners++
		case !errors.As(err, &busy):
			t.Error(err)
		}
	}
	if winners != 1 {
		t.Errorf("%d winners", winners)
	}
}

// A worker that ends in order leaves only those rows in doubt that are.
func TestReleaseSaysWhatIsInDoubt(t *testing.T) {
	s := store(t)
	dead := claim("dead")
	j := open(t, s, dead)
	must(t, j.Flush(t.Context(), 100)) // and it dies
	next := func(owner string) *journal.Journal {
		c := claim(owner)
		c.Dead = func(string) bool { return true }
		return open(t, s, c)
	}
	doubts := func(j *journal.Journal, rows ...int) {
		t.Helper()
		for row := 2; row <= 120; row++ {
			if j.InDoubt(row) != slices.Contains(rows, row) {
				t.Errorf("row %d in doubt: %v", row, j.InDoubt(row))
			}
		}
	}
	second := next("second") // reads back up to row 95, sends on without leave for more than 110
	must(t, second.Flush(t.Context(), 110))
	must(t, second.Release(t.Context(), []int{7, 50}, 95, nil))
	third := next("third")
	doubts(third, 7, 50, 96, 97, 98, 99, 100)
	must(t, third.Release(t.Context(), []int{50}, 100, nil))
	fourth := next("fourth")
	doubts(fourth, 50) // 7 was read back since
	must(t, fourth.Flush(t.Context(), 60))
	fifth := next("fifth")
	for row := 2; row <= 60; row++ {
		if !fifth.InDoubt(row) {
			t.Errorf("row %d is not in doubt after a death", row)
		}
	}
}

// A batch that is over stays over, unless it is reopened with something left to do.
func TestReopen(t *testing.T) {
	s := store(t)
	j := open(t, s, claim("first"))
	j.Settle(verdict.Verdict{Row: 2, Result: verdict.Denied}, verdict.Verdict{Row: 3, Result: verdict.Unknown})
	must(t, j.Flush(t.Context(), 50))
	must(t, j.Report(t.Context(), 3, "upstream is down"))
	must(t, j.Finish(t.Context(), "", verdict.Counts{verdict.Denied: 1, verdict.Unknown: 1, verdict.NotSent: 1}))
	if r := open(t, s, claim("second")).Record(); r.Run != 1 || r.Status != journal.Stopped || r.Lease.Owner != "" {
		t.Errorf("it rests as %+v", r)
	}
	c := claim("third")
	c.Reopen = true
	j = open(t, s, c)
	if r := j.Record(); r.Run != 2 || r.Status != journal.Running {
		t.Errorf("reopened as %+v", r)
	}
	if !j.Settled(2) || j.Settled(3) || j.Settled(4) || !j.InDoubt(3) || j.InDoubt(4) {
		t.Error("row 2 is settled, row 3 in doubt, row 4 new")
	}
	j.Settle(verdict.Verdict{Row: 3, Result: verdict.Rejected}, verdict.Verdict{Row: 4, Result: verdict.Denied})
	must(t, j.Flush(t.Context(), 0))
	must(t, j.Report(t.Context(), 3, ""))
	must(t, j.Finish(t.Context(), "", verdict.Counts{verdict.Denied: 2, verdict.Rejected: 1}))
	if r := open(t, s, c).Record(); r.Run != 2 || r.Status != journal.Finished {
		t.Errorf("a settled batch was reopened: %+v", r)
	}
}

func TestDamageIsNamed(t *testing.T) {
	s := store(t)
	j := open(t, s, claim("first"))
	must(t, j.Release(t.Context(), nil, 0, nil))
	_, err := objects.CreateBytes(t.Context(), s, "batches/b/verdicts/00000009.jsonl", []byte("{\"segment\":9}\n{\"row\":"))
	must(t, err)
	if _, err := journal.Open(t.Context(), s, claim("second")); err == nil || err.Error() == "" {
		t.Error("a damaged segment was read")
	}
}

// Whatever workers wrote in whatever order, the journal gives one verdict a row, in row order, and the one that counts.
func TestVerdictsMerge(t *testing.T) {
	folder := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		s, err := dir.New(fmt.Sprintf("%s/%d", folder, n), dir.WithoutSync())
		if err != nil {
			t.Fatal(err)
		}
		want := map[int]verdict.Verdict{}
		results := []verdict.Result{verdict.Denied, verdict.Rejected, verdict.Unknown}
		for worker := range rapid.IntRange(1, 4).Draw(t, "workers") {
			c := claim(fmt.Sprint("w", worker))
			c.Dead = func(string) bool { return true }
			j, err := journal.Open(context.Background(), s, c)
			if err != nil {
				t.Fatal(err)
			}
			for range rapid.IntRange(0, 4).Draw(t, "segments") {
				for _, row := range rapid.SliceOfDistinct(rapid.IntRange(2, 40), rapid.ID).Draw(t, "rows") {
					v := verdict.Verdict{
						Row: row, DocID: rapid.String().Draw(t, "doc"), Result: rapid.SampledFrom(results).Draw(t, "result"),
						Message: rapid.String().Draw(t, "message"), At: time.UnixMilli(int64(row)).UTC(),
					}
					j.Settle(v)
					if there, ok := want[row]; !ok || there.Result.Provisional() {
						want[row] = v
					}
				}
				if err := j.Flush(context.Background(), 100); err != nil {
					t.Fatal(err)
				}
			}
		}
		c := claim("reader")
		c.Dead = func(string) bool { return true }
		j, err := journal.Open(context.Background(), s, c)
		if err != nil {
			t.Fatal(err)
		}
		var rows []int
		for v, err := range j.Verdicts(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, v.Row)
			if v != want[v.Row] {
				t.Fatalf("row %d: %+v, want %+v", v.Row, v, want[v.Row])
			}
		}
		if !slices.Equal(rows, slices.Sorted(maps.Keys(want))) {
			t.Fatalf("rows %v", rows)
		}
	})
}

// Any text survives a segment.
func FuzzSegment(f *testing.F) {
	f.Add("0d0c", "err-x", "words \" \\ \n ☃")
	f.Fuzz(func(t *testing.T, doc, code, message string) {
		s := store(t)
		j := open(t, s, claim("first"))
		want := verdict.Verdict{Row: 2, DocID: doc, Result: verdict.Rejected, Status: "240", Code: code, Message: message}
		j.Settle(want)
		must(t, j.Flush(t.Context(), 0))
		for v, err := range j.Verdicts(t.Context()) {
			must(t, err)
			if v.Row != 2 || v.Result != verdict.Rejected || len([]rune(v.Message)) != len([]rune(message)) {
				t.Errorf("%+v", v)
			}
		}
	})
}
