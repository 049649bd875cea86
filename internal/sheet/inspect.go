package sheet

import "slices"

// Inspection is what `denybatch inspect --json` prints: how a file is read and what stands in it.
type Inspection struct {
	Reading
	RowCount int        `json:"row_count"`
	Rows     [][]string `json:"rows"`
}

// Inspect gives the first rows that are not empty, at most limit of them (0 means all), and counts the rest.
func (b *Book) Inspect(limit int) (Inspection, error) {
	seen := Inspection{Reading: b.reading, Rows: [][]string{}}
	for row, err := range b.Rows() {
		if err != nil {
			return Inspection{}, err
		}
		if empty(row.Cells) {
			continue
		}
		seen.RowCount++
		if limit == 0 || len(seen.Rows) < limit {
			seen.Rows = append(seen.Rows, slices.Clone(row.Cells))
		}
	}
	return seen, nil
}

// empty reports whether nothing at all stands in the cells. White space is something: a viewer shows what is there.
func empty(cells []string) bool {
	return !slices.ContainsFunc(cells, func(cell string) bool { return cell != "" })
}
