package report_test

import (
	"context"
	"testing"

	"denybatch/internal/objects"
	"denybatch/internal/report"
)

// nowhere is a store that only counts.
type nowhere struct{ *memory }

func (nowhere) Create(context.Context, string) (objects.Writer, error) { return &sink{}, nil }

type sink struct{ n int64 }

func (s *sink) Write(p []byte) (int, error) { s.n += int64(len(p)); return len(p), nil }

func (s *sink) Commit(context.Context) (objects.Info, error) { return objects.Info{Size: s.n}, nil }

func (s *sink) Abort() {}

func BenchmarkPublish(b *testing.B) {
	const rows = 200_000
	for name, kinds := range map[string][]report.Kind{
		"None": {}, "CSV": {report.CSV}, "XLSX": {report.XLSX}, "Retry": {report.Retry}, "All": report.Kinds(),
	} {
		b.Run(name, func(b *testing.B) {
			held := fixed(rows)
			l := report.Layout{Header: manyHeader, Width: 5, Reading: plainCSV, Kinds: kinds, TextColumns: map[int]bool{0: true}}
			s := manySummary(rows, plainCSV)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := report.Publish(b.Context(), nowhere{newMemory()}, "", s, l, sequence(held)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// fixed is many rows, held so that making them is not measured.
func fixed(n int) []report.Row {
	var rows []report.Row
	for r := range many(n) {
		r.Cells = append([]string{}, r.Cells...)
		rows = append(rows, r)
	}
	return rows
}
