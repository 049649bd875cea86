package cloud

import (
	"encoding/json"
	"io"
	"maps"
	"slices"
	"time"
)

// metric describes one of the figures of a line.
type metric struct {
	Name string
	Unit string
}

// WriteMetrics writes counts as one line of CloudWatch's embedded metric format, which the log agent turns into metrics
// of the namespace Denybatch. Each list of dimensions names fields of the line, by whose values the metrics are told
// apart; the empty list gives the metrics over all. Fields that are no dimension are only logged.
func WriteMetrics(w io.Writer, now time.Time, dimensions [][]string, fields map[string]string, counts map[string]int) error {
	line := map[string]any{}
	for name, text := range fields {
		line[name] = text
	}
	var metrics []metric
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		line[name] = counts[name]
		metrics = append(metrics, metric{name, "Count"})
	}
	line["_aws"] = map[string]any{
		"Timestamp": now.UnixMilli(),
		"CloudWatchMetrics": []any{map[string]any{
			"Namespace": "Denybatch", "Dimensions": dimensions, "Metrics": metrics,
		}},
	}
	b, err := json.Marshal(line)
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}
