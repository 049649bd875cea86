//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakMemory is the most memory that a process had, in bytes. The kernel counts that of the process that started it as
// the least, so this one must stay small.
func peakMemory(p *os.ProcessState) int {
	used, ok := p.SysUsage().(*syscall.Rusage)
	switch {
	case !ok:
		return 0
	case runtime.GOOS == "darwin":
		return int(used.Maxrss)
	}
	return int(used.Maxrss) << 10
}
