package upstreamtest

import (
	"strings"
	"testing"
	"time"
)

func TestItemModeGivesEachItsVerdict(t *testing.T) {
	s := threeDocuments(t, Config{})
	got := deny(t, s, "a", "b", "c", "nobody").verdicts(t)
	want := "1 a 220\n0 err-incorrect-update-action\n1 c 220\n0 err-resource-not-found"
	if got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	wantApplied(t, s, map[string]int{"a": 1, "b": 0, "c": 1, "nobody": 0})
	truth := s.Truth("A")
	if truth.Status != "220" || truth.Comment != "wrong a" || time.Since(truth.DeniedAt) > time.Minute || truth.DeniedBefore {
		t.Errorf("truth of a: %+v", truth)
	}
	wantNoViolations(t, s)
}

func TestRefuseModeAppliesNothing(t *testing.T) {
	s := threeDocuments(t, Config{InvX: InvX{Mode: Refuse}})
	got := deny(t, s, "a", "b", "c")
	if got.status != 400 {
		t.Errorf("status %d, want 400", got.status)
	}
	want := `{"error":{"message":"err-incorrect-update-action","type":"ClientError","args":{"message":"action dny on state 240.kotlin"}}}`
	if got.body != want {
		t.Errorf("got %s\nwant %s", got.body, want)
	}
	wantApplied(t, s, map[string]int{"a": 0, "b": 0, "c": 0})
	if got := deny(t, s, "a", "c").verdicts(t); got != "1 a 220\n1 c 220" {
		t.Errorf("without the bad one: %s", got)
	}
}

func TestPartialModeAppliesThePartBeforeTheBadOne(t *testing.T) {
	s := threeDocuments(t, Config{InvX: InvX{Mode: Partial}})
	if got := deny(t, s, "a", "b", "c"); got.status != 400 {
		t.Errorf("status %d, want 400", got.status)
	}
	wantApplied(t, s, map[string]int{"a": 1, "b": 0, "c": 0})
	if got := s.Counters().Applied; got != 1 {
		t.Errorf("counted %d applied, want 1", got)
	}
}

func TestPartialModeAppliesARandomPart(t *testing.T) {
	s := Start(t, Config{InvX: InvX{Mode: Partial, PartialRandom: true, Auto: true}})
	s.Add(Document{DocID: "bad", Status: "260"})
	ids := strings.Fields("d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 bad e0 e1 e2 e3 e4 e5 e6 e7 e8 e9")
	deny(t, s, ids...)
	if n := s.Counters().Applied; n < 4 || n > 16 {
		t.Errorf("%d of 20 applied, want about half", n)
	}
}

func TestRepeatedDenial(t *testing.T) {
	for _, test := range []struct {
		repeat  Repeat
		verdict string
		applied int
		comment string
	}{
		{RefuseRepeat, "0 err-incorrect-update-action", 1, "wrong a"},
		{AcceptRepeat, "1 a 220", 1, "wrong a"},
		{OverwriteRepeat, "1 a 220", 2, "wrong A"},
	} {
		t.Run(string(test.repeat), func(t *testing.T) {
			s := threeDocuments(t, Config{InvX: InvX{Repeat: test.repeat}})
			deny(t, s, "a")
			if got := deny(t, s, "A").verdicts(t); got != test.verdict {
				t.Errorf("got %s, want %s", got, test.verdict)
			}
			truth := s.Truth("a")
			if truth.Applied != test.applied || truth.Comment != test.comment || len(truth.Denials) != test.applied {
				t.Errorf("truth: %+v", truth)
			}
			if got := s.Counters().DoubleDenials; got != test.applied-1 {
				t.Errorf("%d double denials, want %d", got, test.applied-1)
			}
		})
	}
}

func TestDeniedBeforeIsToldApart(t *testing.T) {
	s := Start(t, Config{InvX: InvX{Repeat: OverwriteRepeat}})
	s.Add(Document{DocID: "old", Status: "220", Comment: "long ago"})
	if d := read(t, s, "old").document(t); d.DenialComments != "long ago" || d.LastUpdated == 0 {
		t.Errorf("read %+v", d)
	}
	deny(t, s, "old")
	if truth := s.Truth("old"); !truth.DeniedBefore || truth.Applied != 1 || s.Counters().DoubleDenials != 1 {
		t.Errorf("truth %+v, counters %+v", truth, s.Counters())
	}
}

func TestStatesADenialIsLegalIn(t *testing.T) {
	for _, status := range Statuses {
		s := Start(t, Config{InvX: InvX{DenyFrom: []string{"200", "210"}}})
		s.Add(Document{DocID: "x", Status: status})
		deny(t, s, "x")
		want := status == "200" || status == "210"
		if got := s.Truth("x").Applied == 1; got != want {
			t.Errorf("denied from %s: %v, want %v", status, got, want)
		}
	}
}

func TestBehaviours(t *testing.T) {
	t.Run("RefuseOpen", func(t *testing.T) {
		s := Start(t, Config{})
		s.Add(Document{DocID: "x", Behaviour: RefuseOpenWith("err-odd")}, Document{DocID: "y", Behaviour: RefuseOpen})
		if got := deny(t, s, "x", "y").verdicts(t); got != "0 err-odd\n0 err-document-locked" {
			t.Errorf("got %s", got)
		}
		if d := read(t, s, "x").document(t); d.Status != "200" {
			t.Errorf("read %+v", d)
		}
	})
	t.Run("Unreadable", func(t *testing.T) {
		s := Start(t, Config{})
		s.Add(Document{DocID: "x", Behaviour: Unreadable})
		if got := read(t, s, "x"); got.status != 500 {
			t.Errorf("status %d, want 500", got.status)
		}
		deny(t, s, "x")
		wantApplied(t, s, map[string]int{"x": 1})
	})
	t.Run("Poison", func(t *testing.T) {
		s := Start(t, Config{})
		s.Add(Document{DocID: "x", Behaviour: Poison}, Document{DocID: "y"})
		if got := deny(t, s, "y", "x"); got.status != 500 {
			t.Errorf("status %d, want 500", got.status)
		}
		wantApplied(t, s, map[string]int{"x": 0, "y": 0})
	})
	t.Run("Missing", func(t *testing.T) {
		s := Start(t, Config{})
		s.Add(Document{DocID: "x", Behaviour: Missing + "+" + Unreadable}, Document{DocID: "y"})
		if got := deny(t, s, "x", "y").verdicts(t); got != "1 y 220" {
			t.Errorf("got %s", got)
		}
		wantApplied(t, s, map[string]int{"x": 1, "y": 1})
	})
}
