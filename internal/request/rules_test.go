package request

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"denybatch/internal/verdict"
)

var (
	began  = time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC)
	policy = Policy{Attempts: 3, Backoff: 15 * time.Minute}
	row    = Order{File: "f1", Key: "fix.csv", Row: 2, At: began}
)

func fresh() Record { return Record{ID: ID{"int-1", "req-1"}} }

// asked is a request that was ordered and asked for, with an outcome unless that is empty.
func asked(t *rapid.T, r Record, result verdict.Result, status string) Record {
	if r.State != Failed {
		r, _ = r.order(Order{File: "f1", Key: "fix.csv", Row: 2 + r.Asked, At: began, Confirmed: true})
	}
	now := began
	if r.Due.After(now) {
		now = r.Due
	}
	r, err := r.intend("s1", "w1", now)
	if err != nil {
		t.Fatalf("%v: %+v", err, r)
	}
	if result != "" {
		r = r.answer(*r.Ask, Outcome{Result: result, Status: status}, now.Add(time.Second), policy)
	}
	return r
}

func check(t *testing.T, body func(*rapid.T)) {
	t.Helper()
	rapid.Check(t, body)
}

func TestWhatAnAnswerMeans(t *testing.T) {
	for _, c := range []struct {
		result verdict.Result
		status string
		want   State
		due    bool
	}{
		{verdict.Accepted, "PROCESSING", Accepted, false},
		{verdict.Accepted, "PENDING", Accepted, false},
		{verdict.Accepted, "RECEIVED", Accepted, false},
		{verdict.Accepted, "DONE", Done, false},
		{verdict.Accepted, "ERROR", Failed, true},
		{verdict.Accepted, "WARNING", Failed, true},
		{verdict.Refused, "", Refused, false},
		{verdict.Unknown, "", Unknown, false},
		{verdict.NotSent, "", Waiting, true},
	} {
		t.Run(string(c.result)+c.status, func(t *testing.T) {
			check(t, func(t *rapid.T) {
				r := asked(t, fresh(), c.result, c.status)
				if r.State != c.want || r.Due.IsZero() == c.due {
					t.Errorf("%s, due %v; want %s", r.State, r.Due, c.want)
				}
			})
		})
	}
}

// Every order in which callbacks about one ask arrive, with any of them repeated, ends in the same state.
func TestTheOrderOfCallbacksMakesNoDifference(t *testing.T) {
	statuses := []string{"PROCESSING", "RECEIVED", "PENDING", "WARNING", "ERROR", "DONE", "SOMETHING"}
	check(t, func(t *rapid.T) {
		start := fresh()
		if rapid.Bool().Draw(t, "asked") {
			start = asked(t, start, rapid.SampledFrom([]verdict.Result{verdict.Accepted, verdict.Unknown, verdict.Refused, ""}).Draw(t, "result"), "PROCESSING")
		}
		n := rapid.IntRange(1, 6).Draw(t, "n")
		var words []Word
		for i := range n {
			words = append(words, Word{Status: rapid.SampledFrom(statuses).Draw(t, "status"), Mark: string(rune('a' + i)), Heard: began.Add(time.Hour)})
		}
		heard := func(all []Word) Record {
			r := start
			for _, w := range all {
				r = r.hear(w, w.Heard, policy)
			}
			return r
		}
		repeated := append(slices.Clone(words), rapid.SliceOfN(rapid.SampledFrom(words), 0, 5).Draw(t, "again")...)
		one, two := heard(words), heard(rapid.Permutation(repeated).Draw(t, "order"))
		if one.State != two.State || !one.Due.Equal(two.Due) || one.best() != two.best() {
			t.Fatalf("in order %s %+v, shuffled %s %+v", one.State, one.Word, two.State, two.Word)
		}
		done := slices.ContainsFunc(words, func(w Word) bool { return w.Status == "DONE" })
		if done && start.State != Asking && one.State != Done {
			t.Fatalf("DONE was heard, and it is %s", one.State)
		}
	})
}

func TestTheSameCallbackAgainChangesNothing(t *testing.T) {
	check(t, func(t *rapid.T) {
		r := asked(t, fresh(), verdict.Accepted, "PROCESSING")
		w := Word{Status: rapid.SampledFrom([]string{"PROCESSING", "ERROR", "DONE", "ODD"}).Draw(t, "status"), Mark: "m", Heard: began}
		once := r.hear(w, began, policy)
		w.Heard = began.Add(time.Minute)
		if again := once.hear(w, w.Heard, policy); len(again.History) != len(once.History) || !again.Due.Equal(once.Due) || again.State != once.State {
			t.Fatalf("once %+v, twice %+v", once, again)
		}
	})
}

// A redelivered callback of an earlier ask is no news about a later one, if it says anything to be known by.
func TestLateCallbacksOfAnEarlierAsk(t *testing.T) {
	check(t, func(t *rapid.T) {
		r := asked(t, fresh(), verdict.Accepted, "PROCESSING")
		failed := Word{Status: "ERROR", Mark: "m", Stamped: true, Said: began.Add(time.Minute), Heard: began.Add(time.Minute)}
		r = asked(t, r.hear(failed, failed.Heard, policy), verdict.Accepted, "PROCESSING")
		if got := r.hear(failed, r.Ask.At.Add(time.Minute), policy); got.State != Accepted {
			t.Errorf("the same callback again: %s", got.State)
		}
		other := failed
		other.Mark = "other"
		if got := r.hear(other, r.Ask.At.Add(time.Minute), policy); got.State != Accepted {
			t.Errorf("another callback about the earlier ask: %s", got.State)
		}
		alike := Word{Status: "ERROR", Mark: "n", Heard: r.Ask.At.Add(time.Hour)}
		if got := r.hear(alike, alike.Heard, policy); got.State != Failed {
			t.Errorf("a new callback: %s", got.State)
		}
	})
}

// A person's word is needed for whatever may be heard by ROIT already.
func TestWhatNeedsConfirmation(t *testing.T) {
	states := map[string]func(*rapid.T) Record{
		"unknown": func(t *rapid.T) Record { return asked(t, fresh(), verdict.Unknown, "") },
		"not_sent": func(t *rapid.T) Record {
			return asked(t, fresh(), verdict.Accepted, "PROCESSING")
		},
		"already_done": func(t *rapid.T) Record { return asked(t, fresh(), verdict.Accepted, "DONE") },
		"exhausted": func(t *rapid.T) Record {
			r := fresh()
			for range policy.Attempts {
				r = asked(t, r, verdict.Accepted, "ERROR")
			}
			return r
		},
	}
	for want, make := range states {
		t.Run(want, func(t *testing.T) {
			check(t, func(t *rapid.T) {
				r := make(t)
				next := Order{File: "f9", Key: "again.csv", Row: 7, At: began.Add(time.Hour)}
				if same, ruling := r.order(next); ruling.Ask || string(ruling.Result) != want || same.State != r.State {
					t.Errorf("without a confirmation: %+v, %s", ruling, same.State)
				}
				next.Confirmed = true
				if again, ruling := r.order(next); !ruling.Ask || again.State != Waiting || again.Asks != 0 {
					t.Errorf("confirmed: %+v, %s", ruling, again.State)
				}
			})
		})
	}
}

func TestAttemptsAreBoundedAndFurtherApartEachTime(t *testing.T) {
	check(t, func(t *rapid.T) {
		r, gap := fresh(), time.Duration(0)
		for n := 1; n < policy.Attempts; n++ {
			r = asked(t, r, verdict.Accepted, "PROCESSING")
			heard := r.Ask.At.Add(time.Minute)
			r = r.hear(Word{Status: "ERROR", Mark: string(rune('a' + n)), Heard: heard}, heard, policy)
			if next := r.Due.Sub(heard); r.State != Failed || next <= gap {
				t.Fatalf("after ask %d: %s, due in %v after %v", n, r.State, next, gap)
			} else {
				gap = next
			}
		}
		r = asked(t, r, verdict.Accepted, "PROCESSING")
		r = r.hear(Word{Status: "ERROR", Mark: "z", Heard: r.Ask.At}, r.Ask.At, policy)
		if _, ok := r.NeedsAttention(); !ok || r.State != Exhausted || r.Due.IsZero() {
			t.Fatalf("after the last ask: %s, due %v", r.State, r.Due)
		}
		if r = r.told(); !r.Due.IsZero() || r.ready(began.AddDate(9, 0, 0)) {
			t.Fatal("it is told of again, or asked for")
		}
	})
}

func TestAnAskThatWasNotMadeLeavesNoTrace(t *testing.T) {
	check(t, func(t *rapid.T) {
		before, _ := asked(t, fresh(), verdict.Accepted, "ERROR"), 0
		after := asked(t, before, verdict.NotSent, "")
		if after.State != before.State || after.Asks != before.Asks || after.Asked != before.Asked || after.Ask.Number != before.Ask.Number {
			t.Fatalf("before %+v, after %+v", before, after)
		}
		if got := after.answer(Ask{Number: 2, Worker: "w1"}, Outcome{Result: verdict.Accepted}, began, policy); got.State != after.State {
			t.Error("the outcome of an ask that was taken back counts")
		}
	})
}

// What is heard while ROIT is being asked counts as soon as the outcome is known, whatever that is.
func TestCallbacksDuringAnAsk(t *testing.T) {
	for _, c := range []struct {
		result verdict.Result
		word   string
		want   State
	}{
		{verdict.Accepted, "DONE", Done}, {verdict.Unknown, "DONE", Done}, {verdict.Refused, "DONE", Done}, {verdict.NotSent, "DONE", Done},
		{verdict.Accepted, "ERROR", Failed}, {verdict.Unknown, "ERROR", Failed}, {verdict.Unknown, "PROCESSING", Accepted},
		{verdict.NotSent, "PROCESSING", Waiting}, {verdict.Unknown, "ODD", Unknown},
	} {
		t.Run(string(c.result)+c.word, func(t *testing.T) {
			check(t, func(t *rapid.T) {
				r := asked(t, fresh(), "", "")
				r = r.hear(Word{Status: c.word, Mark: "m", Heard: began}, began, policy)
				if r.State != Asking {
					t.Fatalf("the ask is forgotten: %s", r.State)
				}
				if r = r.answer(*r.Ask, Outcome{Result: c.result, Status: "PROCESSING"}, began, policy); r.State != c.want {
					t.Fatalf("%s, want %s", r.State, c.want)
				}
			})
		})
	}
}

func TestAnAbandonedAskIsUnknownUntilSomebodyKnowsBetter(t *testing.T) {
	check(t, func(t *rapid.T) {
		r := asked(t, fresh(), "", "")
		ask := *r.Ask
		r = r.abandon(began.Add(time.Hour), policy)
		if r.State != Unknown || !r.Due.IsZero() {
			t.Fatalf("%s, due %v", r.State, r.Due)
		}
		if late := r.answer(ask, Outcome{Result: verdict.Accepted, Status: "PROCESSING"}, began, policy); late.State != Accepted {
			t.Errorf("its own answer, late: %s", late.State)
		}
		if other := r.answer(Ask{Number: 1, Worker: "w2"}, Outcome{Result: verdict.Accepted, Status: "DONE"}, began, policy); other.State != Unknown {
			t.Errorf("somebody else's answer: %s", other.State)
		}
		if called := r.hear(Word{Status: "PROCESSING", Mark: "m", Heard: began}, began, policy); called.State != Accepted {
			t.Errorf("a callback: %s", called.State)
		}
	})
}

func TestTheSameRowIsOneOrder(t *testing.T) {
	r, first := fresh().order(row)
	again, second := r.order(row)
	if !first.Ask || !second.Ask || len(again.History) != len(r.History) {
		t.Errorf("%+v, %+v", first, second)
	}
	if _, other := r.order(Order{File: "f2", Key: "other.csv", Row: 9, At: began}); other.Result != verdict.Duplicate || other.Message != "waits already, since fix.csv, row 2" {
		t.Errorf("another row: %+v", other)
	}
}

func TestProcessIdsAreNeverAskedFor(t *testing.T) {
	r := Record{ID: ID{DataIntegration, "p1"}}
	r = r.hear(Word{Status: "ERROR", Mark: "m", Heard: began}, began, policy)
	if r.State != Failed || !r.Due.IsZero() {
		t.Errorf("%s, due %v", r.State, r.Due)
	}
	if _, ruling := r.order(row); ruling.Ask || ruling.Result != verdict.Invalid {
		t.Errorf("%+v", ruling)
	}
}

func TestIDs(t *testing.T) {
	for text, ok := range map[string]bool{
		"a": true, "": false, "a b": false, "a\tb": false, "a\x00": false, "\xff": false, "ação/7": true, "..": true,
		string(make([]byte, 129)): false, "a\u00a0b": false,
	} {
		if err := (ID{"int", text}).Check(); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
	}
	upper, lower := ID{"i", "0F8FAD5B-D9CB-469F-A165-70867728950E"}, ID{"i", "0f8fad5b-d9cb-469f-a165-70867728950e"}
	if !upper.Same(lower) || (ID{"i", "REQ-1"}).Same(ID{"i", "req-1"}) {
		t.Error("UUIDs compare without regard to case, and nothing else does")
	}
	check(t, func(t *rapid.T) {
		id := ID{rapid.StringN(1, 40, 128).Draw(t, "integration"), rapid.StringN(1, 40, 128).Draw(t, "request")}
		back, err := ParseIndex(id.Index())
		if err != nil || !back.Same(id) {
			t.Fatalf("%q came back as %q (%v)", id, back, err)
		}
	})
}
