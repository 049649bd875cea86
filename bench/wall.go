package main

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// How the batch of wall is sent, and how soon upstream answers.
const (
	wallChunk       = 50
	wallConcurrency = 8
	wallLatency     = 50 * time.Millisecond
)

// wall is how long a batch takes beside the time that upstream alone makes it take.
func (b *bench) wall() ([]figure, error) {
	rows := b.rowsOr(100_000)
	file, err := b.csvFile(rows)
	if err != nil {
		return nil, err
	}
	took := time.Duration(math.MaxInt64)
	for range times {
		once, err := b.wallOnce(file)
		if err != nil {
			return nil, err
		}
		took = min(took, once)
	}
	floor := time.Duration(float64(rows) / wallChunk / wallConcurrency * float64(wallLatency))
	return []figure{{
		what:  fmt.Sprintf("wall time, %s rows, upstream answers in %v, all reports", thousands(rows), wallLatency),
		value: fmt.Sprintf("%.2f s", took.Seconds()),
		base:  fmt.Sprintf("%.2f s", floor.Seconds()),
		ratio: took.Seconds() / floor.Seconds(),
		goal:  atMost(1.04),
	}}, nil
}

func (b *bench) wallOnce(file string) (time.Duration, error) {
	s, err := b.simulate("--latency", wallLatency.String())
	if err != nil {
		return 0, err
	}
	defer s.stop()
	used, err := b.deny(s, file, "--chunk", strconv.Itoa(wallChunk), "--concurrency", strconv.Itoa(wallConcurrency))
	return used.wall, err
}
