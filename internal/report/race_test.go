//go:build race

package report_test

// The race detector makes everything ten times slower, and has nothing to say about memory.
func init() { memoryRows = 20_000 }
