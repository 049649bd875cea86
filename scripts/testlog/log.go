package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// notOurs are the reasons for which a test may be skipped everywhere: nothing that could be installed would change them.
var notOurs = []string{"the corpus is not here", "this user may write into read-only folders"}

// event is one line of `go test -json` (go doc test2json).
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Elapsed    float64
	Output     string
}

// log follows the events. What a test prints is kept until it is known how the test ended.
type log struct {
	out            io.Writer
	printed        map[[2]string]*strings.Builder // by package and test
	tests          map[string]int                 // passed, by package
	skipped        []string
	needless       int // of them skipped for want of something that can be had
	passed, failed int
	packages       int
}

func newLog(out io.Writer) *log {
	return &log{out: out, printed: map[[2]string]*strings.Builder{}, tests: map[string]int{}}
}

func (l *log) read(in io.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(l.out, lines.Text()) // the go command's own words
			continue
		}
		l.see(e)
	}
	return lines.Err()
}

func (l *log) see(e event) {
	key := [2]string{e.Package, e.Test}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(l.out, e.Output)
	case e.Action == "output":
		if l.printed[key] == nil {
			l.printed[key] = &strings.Builder{}
		}
		l.printed[key].WriteString(e.Output)
		if _, said, ok := strings.Cut(e.Output, "evidence: "); ok {
			fmt.Fprint(l.out, "      "+said)
		}
	case e.Test == "":
		l.endPackage(e)
	default:
		l.endTest(e)
	}
	if e.Action == "pass" || e.Action == "skip" {
		delete(l.printed, key)
	}
}

func (l *log) endTest(e event) {
	switch e.Action {
	case "pass":
		l.passed++
		l.tests[e.Package]++
	case "skip":
		why := l.reason(e)
		l.skipped = append(l.skipped, fmt.Sprintf("%s %s: %s", e.Package, e.Test, why))
		if !slices.ContainsFunc(notOurs, func(reason string) bool { return strings.HasSuffix(why, reason) }) {
			l.needless++
		}
	case "fail":
		l.failed++
		fmt.Fprint(l.out, l.text(e))
	}
}

func (l *log) endPackage(e event) {
	switch e.Action {
	case "pass":
		l.packages++
		fmt.Fprintf(l.out, "ok    %-45s %4d tests %6.1f s\n", e.Package, l.tests[e.Package], e.Elapsed)
	case "skip":
		l.packages++
	case "fail":
		l.packages++
		l.failed++
		l.unfinished(e.Package)
		fmt.Fprintf(l.out, "FAIL  %s\n", e.Package)
	}
}

// unfinished shows what the tests printed that the package's death cut off, and the package's own last words.
func (l *log) unfinished(name string) {
	for key, text := range l.printed {
		if key[0] == name {
			fmt.Fprint(l.out, text)
			delete(l.printed, key)
		}
	}
}

func (l *log) text(e event) string {
	key := [2]string{e.Package, e.Test}
	defer delete(l.printed, key)
	if text := l.printed[key]; text != nil {
		return text.String()
	}
	return ""
}

// reason is what a test said when it skipped itself: its first line that is not go's own.
func (l *log) reason(e event) string {
	for line := range strings.Lines(l.text(e)) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			return line
		}
	}
	return "it gave no reason"
}
