package upstreamtest

import (
	"syscall"
	"time"
)

// nap sleeps by the kernel's clock, to some ten microseconds. It keeps a thread, so it is for short times.
func nap(d time.Duration) {
	if d > 0 {
		rest := syscall.NsecToTimespec(int64(d))
		for syscall.Nanosleep(&rest, &rest) == syscall.EINTR {
		}
	}
}
