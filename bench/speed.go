package main

import (
	"fmt"
	"math"
)

// race is a run of denybatch and one of the script over the same file.
type race struct {
	what   string
	rows   int
	input  func(*bench, int) (string, error)
	ours   []string // flags of denybatch run
	theirs []string // flags of the script
	goal   goal
}

var races = []race{
	{"report.csv only", 300_000, (*bench).csvFile, []string{"--reports", "csv"}, nil, atLeast(1.25)},
	{"every report", 300_000, (*bench).csvFile, nil, nil, atLeast(1)},
	{"XLSX in, every report", 100_000, (*bench).workbookFile, nil, []string{"--xlsx"}, atLeast(3)},
}

// times is how often a time is measured. The best counts, on each side, because everything else on a machine only slows down.
const times = 3

// speed is how many rows a second go through when upstream answers at once.
func (b *bench) speed() (figures []figure, err error) {
	if err := b.hasPython(); err != nil {
		return nil, err
	}
	for _, r := range races {
		f, err := r.run(b)
		if err != nil {
			return figures, err
		}
		figures = append(figures, f)
	}
	return figures, nil
}

func (r race) run(b *bench) (f figure, err error) {
	rows := b.rowsOr(r.rows)
	file, err := r.input(b, rows)
	if err != nil {
		return f, err
	}
	ours, theirs := math.Inf(1), math.Inf(1)
	for range times {
		own, err := r.denybatch(b, file)
		if err != nil {
			return f, err
		}
		peer, err := b.script(file, r.theirs...)
		if err != nil {
			return f, err
		}
		ours, theirs = min(ours, own), min(theirs, peer)
	}
	return figure{
		what:  fmt.Sprintf("rows a second, %s rows, upstream answers at once, %s", thousands(rows), r.what),
		value: thousands(int(float64(rows) / ours)),
		base:  thousands(int(float64(rows) / theirs)),
		ratio: theirs / ours,
		goal:  r.goal,
	}, nil
}

// denybatch is how many seconds it takes.
func (r race) denybatch(b *bench, file string) (float64, error) {
	s, err := b.simulate()
	if err != nil {
		return 0, err
	}
	defer s.stop()
	used, err := b.deny(s, file, r.ours...)
	return used.wall.Seconds(), err
}
