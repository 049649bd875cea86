package report

import "github.com/xuri/excelize/v2"

// retryXLSX is retry.xlsx: the rows that need somebody or a re-run, on a worksheet named like the user's, all text.
type retryXLSX struct {
	*book
	style style
	width int
	of    *genre
}

func newRetryXLSX(f file, l Layout) (*retryXLSX, error) {
	width := min(l.width(), maxColumns)
	b, err := newBook(f, max(width, 1))
	if err != nil {
		return nil, err
	}
	id, err := b.excel.NewStyle(textStyle())
	if err != nil {
		return nil, err
	}
	r := &retryXLSX{book: b, style: styleOf(id), width: width, of: l.genre()}
	columns := columnsXML(columnWidths(l.Header, nil, width), func(int) int { return id })
	if err := r.startSheet(sheetName(l.Reading.Sheet), headXML(columns)); err != nil {
		return nil, err
	}
	return r, r.write(l.Header)
}

// sheetName is the user's own name where excelize allows it.
func sheetName(own string) string {
	probe := excelize.NewFile()
	defer probe.Close()
	if own == "" || probe.SetSheetName("Sheet1", own) != nil {
		return "Rows"
	}
	return own
}

func (r *retryXLSX) add(row Row) error {
	cells, again := r.of.retry(row)
	if !again {
		return nil
	}
	return r.write(cells)
}

func (r *retryXLSX) write(cells []string) error {
	r.begin()
	for i, cell := range cells[:min(len(cells), r.width)] {
		r.text(i, r.style, cell)
	}
	return r.endRow()
}

func (r *retryXLSX) finish(*Summary) error {
	if err := r.endSheet(); err != nil {
		return err
	}
	return r.close()
}
