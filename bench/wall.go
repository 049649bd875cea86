package main

import (
	"fmt"
	"strconv"
	"time"
)

// wall is how long a batch takes beside the time that upstream alone makes it take.
func (b *bench) wall() ([]figure, error) {
	const chunk, concurrency, latency = 50, 8, 50 * time.Millisecond
	rows := b.rowsOr(100_000)
	file, err := b.csvFile(rows)
	if err != nil {
		return nil, err
	}
	s, err := b.simulate("--latency", latency.String())
	if err != nil {
		return nil, err
	}
	defer s.stop()
	used, err := b.deny(s, file, "--chunk", strconv.Itoa(chunk), "--concurrency", strconv.Itoa(concurrency))
	if err != nil {
		return nil, err
	}
	rounds := float64(rows) / chunk / concurrency
	floor := time.Duration(rounds * float64(latency))
	return []figure{{
		what:  fmt.Sprintf("wall time, %s rows, upstream answers in %v, all reports", thousands(rows), latency),
		value: fmt.Sprintf("%.2f s", used.wall.Seconds()),
		base:  fmt.Sprintf("%.2f s", floor.Seconds()),
		ratio: used.wall.Seconds() / floor.Seconds(),
		goal:  atMost(1.04),
	}}, nil
}
