package upstreamtest

import (
	"strings"
	"testing"
)

func TestBodiesThatBreakTheProtocol(t *testing.T) {
	for name, body := range map[string]string{
		"Empty":         ``,
		"EmptyArray":    `[]`,
		"Object":        denials("a")[1 : len(denials("a"))-1],
		"Strings":       `["a"]`,
		"NoDocID":       `[{"comments":"c","action":"dny"}]`,
		"NullDocID":     `[{"docId":null,"comments":"c","action":"dny"}]`,
		"NumberDocID":   `[{"docId":7,"comments":"c","action":"dny"}]`,
		"NumberComment": `[{"docId":"a","comments":7,"action":"dny"}]`,
		"OtherAction":   `[{"docId":"a","comments":"c","action":"acc"}]`,
		"NoAction":      `[{"docId":"a","comments":"c"}]`,
		"Twice":         denials("a", "b", "A"),
		"CutOff":        strings.TrimSuffix(denials("a"), "]"),
		"TwoBodies":     denials("a") + denials("b"),
		"NotJSON":       `[{"docId":"a","comments":"c","action":"dny"},}]`,
		"BrokenText":    "[{\"docId\":\"a\xff\",\"action\":\"dny\"}]",
	} {
		t.Run(name, func(t *testing.T) {
			s := Start(t, Config{InvX: InvX{Auto: true}})
			got := ask(t, s, "PATCH", s.BulkURL(), body)
			if got.status != 400 || got.code(t) != "err-issue-with-parameter" {
				t.Errorf("HTTP %d %s", got.status, got.body)
			}
			if got := s.Violations(); len(got) != 1 || s.Counters().Violations != 1 {
				t.Errorf("violations: %q", got)
			}
			wantApplied(t, s, map[string]int{"a": 0, "b": 0})
		})
	}
}

func TestOtherMembersAndNullCommentsAreFine(t *testing.T) {
	s := Start(t, Config{InvX: InvX{Auto: true}})
	got := ask(t, s, "PATCH", s.BulkURL(), ` [ {"action":"dny", "x":{"y":[1,2]}, "comments":null, "docId":"a"} ] `)
	if got.verdicts(t) != "1 a 220" {
		t.Errorf("got %s", got.body)
	}
	wantNoViolations(t, s)
}

func TestDuplicatesMayBeAllowed(t *testing.T) {
	for _, mode := range []Mode{Item, Refuse, Partial} {
		s := Start(t, Config{InvX: InvX{Auto: true, Mode: mode, AllowDuplicates: true, Repeat: OverwriteRepeat}})
		if got := deny(t, s, "a", "b", "A").verdicts(t); got != "1 a 220\n1 b 220\n1 a 220" {
			t.Errorf("%s: %s", mode, got)
		}
		if truth := s.Truth("a"); truth.Applied != 2 || len(truth.Denials) != 2 || truth.Denials[1].Comment != "wrong A" {
			t.Errorf("%s: %+v", mode, truth)
		}
		if len(s.Violations()) != 1 {
			t.Errorf("%s: violations %q", mode, s.Violations())
		}
	}
}

func TestUnknownRoutes(t *testing.T) {
	s := Start(t, Config{})
	for _, route := range []string{
		"POST /invx/apis/v1/orgs/" + s.Org() + "/edocuments/bulk",
		"PATCH /invx/apis/v1/orgs/" + s.Org() + "/edocuments",
		"PATCH /invx/apis/v2/orgs/" + s.Org() + "/edocuments/bulk",
		"GET /theodore/apis/v1/authtokens",
		"GET /",
	} {
		method, path, _ := strings.Cut(route, " ")
		if got := ask(t, s, method, s.URL()+path, ""); got.status != 400 || got.code(t) != "err-issue-with-parameter" {
			t.Errorf("%s: %+v", route, got)
		}
	}
	if got := s.Counters().Violations; got != 5 {
		t.Errorf("%d violations, want 5", got)
	}
}
