//go:build !linux

package upstreamtest

import "time"

// nap sleeps as well as a timer can.
func nap(d time.Duration) { time.Sleep(d) }
