package upstreamtest

import (
	"fmt"
	"strings"
	"testing"
)

func TestStateOverHTTP(t *testing.T) {
	s := Start(t, Config{})
	csv := "\ufeffdocId,status,comment,behaviour\na\nb,240,\"wrong, twice\"\nc,,,refuse-open=err-odd+unreadable\n"
	if got := ask(t, s, "POST", s.URL()+"/_sim/state", csv); got.body != `{"added":3}` {
		t.Fatalf("HTTP %d %s", got.status, got.body)
	}
	deny(t, s, "a", "b", "c")
	lines := strings.Split(strings.TrimSpace(ask(t, s, "GET", s.URL()+"/_sim/state", "").body), "\n")
	if len(lines) != 3 {
		t.Fatalf("%d lines, want 3: %s", len(lines), lines)
	}
	for i, want := range []string{
		`{"docId":"a","org":"` + DefaultOrg + `","status":"220","applied":1,"asked":1,"reads":0,"comment":"wrong a","lastUpdated":`,
		`"status":"240","applied":0,"asked":1,"reads":0,"comment":"wrong, twice"`,
		`"status":"200","applied":0,"asked":1,"reads":0,"comment":"","lastUpdated":0,"deniedBefore":false}`,
	} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d: %s\nwant %s", i+1, lines[i], want)
		}
	}
	wantNoViolations(t, s)
}

func TestBadSeeds(t *testing.T) {
	s := Start(t, Config{})
	for csv, want := range map[string]string{
		"":                              "heading",
		"id,status\na,200\n":            "no column docId among id, status",
		"docId,status\na,200\nb,999\n":  `row 3: document "b": status "999" is none of`,
		"docId,behaviour\na,poisoned\n": `behaviour "poisoned" is none of`,
		"docId,behaviour\na,poison=x\n": `behaviour "poison=x" is none of`,
		"docId,status\n,200\n":          "it has no id",
	} {
		if _, err := s.AddCSV(strings.NewReader(csv)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", csv, err, want)
		}
	}
}

func TestAddingAgainForgets(t *testing.T) {
	s := Start(t, Config{InvX: InvX{Auto: true, Repeat: OverwriteRepeat}})
	deny(t, s, "a", "b")
	deny(t, s, "a")
	s.Add(Document{DocID: "A", Behaviour: Poison})
	if truth := s.Truth("a"); truth.DocID != "A" || truth.Applied != 0 || truth.Status != "200" || truth.Denials != nil {
		t.Errorf("truth: %+v", truth)
	}
	wantApplied(t, s, map[string]int{"b": 1})
}

func TestFaultsAreSwitchedOverHTTP(t *testing.T) {
	s := Start(t, Config{InvX: InvX{Auto: true}})
	url := s.URL() + "/_sim/faults"
	if got := ask(t, s, "POST", url, "503@2").body; got != "503@2\n" {
		t.Errorf("switched to %s", got)
	}
	if a, b := deny(t, s, "a").status, deny(t, s, "b").status; a != 200 || b != 503 {
		t.Errorf("HTTP %d, %d, want 200, 503", a, b)
	}
	if got := ask(t, s, "POST", url, "nonsense"); got.status != 400 || !strings.Contains(got.body, `"nonsense"`) {
		t.Errorf("%+v", got)
	}
	ask(t, s, "POST", url, "")
	if got := ask(t, s, "GET", url, "").body; got != "\n" {
		t.Errorf("faults left: %s", got)
	}
}

func TestCallsOverHTTP(t *testing.T) {
	s := Start(t, Config{Keep: 2, InvX: InvX{Auto: true}})
	for i := range 3 {
		deny(t, s, fmt.Sprint(i), "x")
	}
	read(t, s, "x")
	got := ask(t, s, "GET", s.URL()+"/_sim/calls?log=1", "").body
	for _, want := range []string{`"BulkCalls":3,"BulkDocuments":6,"Applied":4,"DoubleDenials":0,"Reads":1`, `"Violations":0`, `"Kind":"read","Number":1`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
	if calls := s.Calls(); len(calls) != 2 || calls[0].String() != "bulk 3: 2 documents, 1 denied, HTTP 200" || calls[1].String() != "read 1: HTTP 200" {
		t.Errorf("kept %v", calls)
	}
}

func TestOnlyLoopbackIsServed(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "example.com:80", "nonsense"} {
		if s, err := New(Config{Addr: addr}); err == nil {
			s.Close()
			t.Errorf("%s was accepted", addr)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for want, cfg := range map[string]Config{
		`fault "oops"`:            {Faults: "oops"},
		`mode "each"`:             {InvX: InvX{Mode: "each"}},
		`repeat "maybe"`:          {InvX: InvX{Repeat: "maybe"}},
		`errors "none"`:           {InvX: InvX{Errors: "none"}},
		`auth "basic"`:            {InvX: InvX{Accept: "basic"}},
		"shares bad 0.7":          {InvX: InvX{Bad: 0.7, Denied: 0.7}},
		`status "900" is none of`: {InvX: InvX{DenyFrom: []string{"900"}}},
	} {
		if s, err := New(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
			if s != nil {
				s.Close()
			}
		}
	}
}
