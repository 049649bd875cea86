package main

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
)

// shares of bad rows, and how far above the floor the calls may be.
var shares = []struct {
	bad  float64
	goal float64
}{{0, 1}, {0.001, 1.5}, {0.01, 1.1}, {0.05, 1.1}, {0.1, 1.1}, {0.3, 1.1}}

// seeds is over how many choices of bad rows the calls are averaged.
const seeds = 3

// isolation is how many calls it takes to find the bad rows at an upstream that refuses whole calls.
func (b *bench) isolation() (figures []figure, err error) {
	rows := b.rowsOr(10_000)
	for _, share := range shares {
		bad := int(math.Round(share.bad * float64(rows)))
		made, err := b.isolate(rows, bad)
		if err != nil {
			return figures, err
		}
		name := fmt.Sprintf("%s rows, %g %% of them bad, calls refused whole", thousands(rows), 100*share.bad)
		floor := leastCalls(rows, bad)
		figures = append(figures, figure{
			what: "bulk calls, " + name, value: fmt.Sprintf("%.0f", made.bulk), base: fmt.Sprintf("%.0f", floor),
			ratio: made.bulk / floor, goal: atMost(share.goal),
		})
		if bad > 0 {
			figures = append(figures, figure{
				what: "reads a bad row, " + name, value: fmt.Sprintf("%.0f", made.reads), base: fmt.Sprint(bad),
				ratio: made.reads / float64(bad), goal: atMost(1.1),
			})
		}
	}
	return figures, nil
}

// leastCalls is the floor: rows must be carried, and each answer tells whether a call was refused and no more than that.
func leastCalls(rows, bad int) float64 {
	const chunk = 50
	p := float64(bad) / float64(rows)
	entropy := 0.0
	for _, q := range []float64{p, 1 - p} {
		if q > 0 {
			entropy -= q * math.Log2(q)
		}
	}
	return max(float64(rows)/chunk, float64(rows)*entropy)
}

// asked is a mean of calls made.
type asked struct{ bulk, reads float64 }

func (b *bench) isolate(rows, bad int) (mean asked, err error) {
	file, err := b.csvFile(rows)
	if err != nil {
		return mean, err
	}
	for seed := range uint64(seeds) {
		c, err := b.isolateOnce(file, rows, bad, seed)
		if err != nil {
			return mean, err
		}
		mean.bulk += float64(c.BulkCalls) / seeds
		mean.reads += float64(c.Reads) / seeds
	}
	return mean, nil
}

func (b *bench) isolateOnce(file string, rows, bad int, seed uint64) (c calls, err error) {
	cancelled, err := b.badDocuments(rows, bad, seed)
	if err != nil {
		return c, err
	}
	defer os.Remove(cancelled)
	s, err := b.simulate("--mode", "refuse", "--auto", "--seed-file", cancelled)
	if err != nil {
		return c, err
	}
	defer s.stop()
	if _, err := b.deny(s, file, "--reports", "csv"); err != nil {
		return c, err
	}
	if c, err = s.calls(); err == nil && c.Applied != rows-bad {
		err = fmt.Errorf("%d of %d rows are bad, but %d were denied", bad, rows, c.Applied)
	}
	return c, err
}

// badDocuments writes a seed file for the simulator: exactly so many documents that cannot be denied, anywhere in the file.
func (b *bench) badDocuments(rows, bad int, seed uint64) (string, error) {
	return b.input("bad.csv", func(w io.Writer) error {
		fmt.Fprintln(w, "docId,status")
		for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(rows)[:bad] {
			fmt.Fprintf(w, "%s,240\n", docID(i+1))
		}
		return nil
	})
}
