package main

import (
	"strings"
	"testing"
)

const passing = `{"Action":"start","Package":"m/a"}
{"Action":"output","Package":"m/a","Test":"TestOne","Output":"=== RUN   TestOne\n"}
{"Action":"pass","Package":"m/a","Test":"TestOne","Elapsed":0.01}
{"Action":"pass","Package":"m/a","Elapsed":1.25}
`

const evident = `{"Action":"output","Package":"m/a","Test":"TestOne","Output":"    one_test.go:5: evidence: 7 cut points survived\n"}
` + passing

const skipping = `{"Action":"output","Package":"m/a","Test":"TestTwo","Output":"=== RUN   TestTwo\n"}
{"Action":"output","Package":"m/a","Test":"TestTwo","Output":"    two_test.go:7: soffice is missing\n"}
{"Action":"output","Package":"m/a","Test":"TestTwo","Output":"--- SKIP: TestTwo (0.00s)\n"}
{"Action":"skip","Package":"m/a","Test":"TestTwo","Elapsed":0}
` + passing

const failing = `{"Action":"output","Package":"m/b","Test":"TestThree","Output":"    three_test.go:9: got 1, want 2\n"}
{"Action":"fail","Package":"m/b","Test":"TestThree","Elapsed":0}
{"Action":"fail","Package":"m/b","Elapsed":0}
` + passing

const dying = `{"Action":"output","Package":"m/c","Test":"TestFour","Output":"panic: four\n"}
{"Action":"fail","Package":"m/c","Elapsed":0}
`

const broken = `{"ImportPath":"m/d","Action":"build-output","Output":"d.go:3:1: syntax error\n"}
{"ImportPath":"m/d","Action":"build-fail"}
{"Action":"fail","Package":"m/d","Elapsed":0,"FailedBuild":"m/d"}
`

func TestWhatAPersonSees(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		strict, well   bool
	}{
		{"APackageInOneLine", passing, "1 tests    1.2 s", true, true},
		{"WhatATestGivesAsEvidence", evident, "      7 cut points survived", true, true},
		{"WhatWasSkippedAndWhy", skipping, "skipped m/a TestTwo: two_test.go:7: soffice is missing", false, true},
		{"NothingSkippedInCI", skipping, "with CI=true no test may be skipped", true, false},
		{"ButWhatCannotBeInstalled", strings.Replace(skipping, "soffice is missing", notOurs[0], 1), "1 skipped", true, true},
		{"WhatAFailedTestPrinted", failing, "three_test.go:9: got 1, want 2", false, false},
		{"WhatADyingPackagePrinted", dying, "panic: four", false, false},
		{"WhatDoesNotCompile", broken, "d.go:3:1: syntax error", false, false},
		{"WordsOfTheGoCommand", "go: no modules were found\n", "go: no modules were found", false, false},
		{"NothingIsNotWell", "", "no package was tested", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			if well := run(strings.NewReader(c.in), &out, c.strict); well != c.well {
				t.Errorf("well: %t, want %t", well, c.well)
			}
			if !strings.Contains(out.String(), c.want) {
				t.Errorf("no %q in:\n%s", c.want, out.String())
			}
		})
	}
}
