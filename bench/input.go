package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// line is one row of an input: always the same for the same number.
type line struct{ doc, invoice, amount, comment string }

var headings = line{"docId", "invoice", "amount", "comments"}

func lineOf(n int) line {
	return line{
		doc:     docID(n),
		invoice: fmt.Sprintf("INV-2025-%07d", n),
		amount:  fmt.Sprintf("%d.%d", n%90_000+100, n%9+1),
		comment: reasons[n%len(reasons)],
	}
}

var reasons = []string{
	"Duplicate of an invoice that was paid in March",
	"Wrong amount, credit note requested",
	"Goods were never delivered",
	"Vendor asked for cancellation; see ticket",
	"Tax rate does not match the purchase order",
}

// docID is a UUID that looks as random as real ones: neither order nor compression helps.
func docID(n int) string {
	a, b := scramble(uint64(n)), scramble(uint64(n)<<32|1)
	return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

// scramble is the finalizer of SplitMix64.
func scramble(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// csvFile writes an input of so many rows, unless it is there already.
func (b *bench) csvFile(rows int) (string, error) {
	return b.input(fmt.Sprintf("%d.csv", rows), func(w io.Writer) error {
		for n := range rows + 1 {
			l := headings
			if n > 0 {
				l = lineOf(n)
			}
			fmt.Fprintf(w, "%s,%s,%s,\"%s\"\n", l.doc, l.invoice, l.amount, l.comment)
		}
		return nil
	})
}

func (b *bench) input(name string, write func(io.Writer) error) (string, error) {
	path := filepath.Join(b.folder, name)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return "", err
	}
	if err := w.Flush(); err != nil {
		return "", err
	}
	return path, f.Close()
}
