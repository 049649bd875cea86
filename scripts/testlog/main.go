// Command testlog reads what `go test -json` prints and shows what a person wants of it: one line for each package,
// everything a failed test printed, what others say behind the word "evidence:", and which tests were skipped and why. It fails when a test did, and with CI=true
// also when one was skipped.
package main

import (
	"fmt"
	"io"
	"os"
)

func main() {
	if !run(os.Stdin, os.Stdout, os.Getenv("CI") == "true") {
		os.Exit(1)
	}
}

// run reports whether all is well.
func run(in io.Reader, out io.Writer, strict bool) bool {
	l := newLog(out)
	if err := l.read(in); err != nil {
		fmt.Fprintln(out, "testlog:", err)
		return false
	}
	for _, line := range l.skipped {
		fmt.Fprintln(out, "skipped", line)
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", l.passed, l.failed, len(l.skipped))
	switch {
	case l.packages == 0:
		fmt.Fprintln(out, "no package was tested")
		return false
	case strict && l.needless > 0:
		fmt.Fprintln(out, "with CI=true no test may be skipped: install what it needs, or make it unnecessary")
		return false
	}
	return l.failed == 0
}
