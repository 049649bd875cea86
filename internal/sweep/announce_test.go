package sweep_test

import (
	"context"

	"denybatch/internal/report"
)

func (w *world) announce(_ context.Context, s report.SweepSummary) error {
	w.told = append(w.told, s.Sweep)
	return nil
}
