package main

import "fmt"

// memory is how much a batch of a million rows takes at its peak.
func (b *bench) memory() (figures []figure, err error) {
	for _, m := range []struct {
		format string
		input  func(*bench, int) (string, error)
		goal   int // MiB
	}{
		{"CSV", (*bench).csvFile, 128},
		{"XLSX", (*bench).workbookFile, 256},
	} {
		rows := b.rowsOr(1_000_000)
		file, err := m.input(b, rows)
		if err != nil {
			return figures, err
		}
		peak, err := b.peak(file)
		if err != nil {
			return figures, err
		}
		figures = append(figures, figure{
			what:  fmt.Sprintf("peak memory, %s rows of %s, all reports", thousands(rows), m.format),
			value: fmt.Sprintf("%.0f MiB", float64(peak)/(1<<20)),
			base:  fmt.Sprintf("%d MiB", m.goal),
			ratio: float64(peak) / float64(m.goal<<20),
			goal:  atMost(1),
		})
	}
	return figures, nil
}

func (b *bench) peak(file string) (int, error) {
	s, err := b.simulate()
	if err != nil {
		return 0, err
	}
	defer s.stop()
	used, err := b.deny(s, file)
	return used.peak, err
}
