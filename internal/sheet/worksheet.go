package sheet

import (
	"fmt"
	"io"
	"strconv"
)

// The size of a worksheet, which no cell may lie beyond.
const (
	lastRow    = 1 << 20
	lastColumn = 1 << 14
)

// worksheet reads the rows of a worksheet part.
type worksheet struct {
	*xlsxFile
	xml *xmlScanner

	number int    // of the row at hand, 0 until it is known
	last   int    // of the row before
	spans  []span // the row's cells that are not empty
	text   []byte // their texts, one after the other
	column int    // of the cell at hand
	cells  []string

	cell    cell
	inValue bool
	inItem  bool
	item    richText
}

// span is where a cell's text stands in the row's.
type span struct{ column, from, to int }

func (w *worksheet) read(yield func(Row) bool) error {
	for inData := false; ; {
		err := w.xml.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return w.located(err)
		}
		depth := w.xml.depth()
		if w.xml.kind != xmlText && depth <= 2 {
			if depth == 1 && string(w.xml.name) != "worksheet" {
				return fmt.Errorf("%w: it is not a worksheet", errMalformed)
			}
			inData = w.xml.kind == xmlStart && string(w.xml.name) == "sheetData"
			continue
		}
		if !inData {
			continue
		}
		if err := w.token(depth); err != nil {
			return w.located(err)
		}
		if depth == 3 && w.xml.kind == xmlEnd && len(w.spans) > 0 && !yield(w.row()) {
			return nil
		}
	}
}

// located adds the row at hand to a Fault.
func (w *worksheet) located(err error) error {
	if f, ok := err.(*Fault); ok && f.Row == 0 {
		f.Row = max(w.number, w.last+1)
	}
	return err
}

// token takes one token of the sheet's data: rows stand at depth 3, cells at 4, their values at 5.
func (w *worksheet) token(depth int) error {
	switch w.xml.kind {
	case xmlStart:
		return w.start(depth)
	case xmlEnd:
		return w.end(depth)
	}
	if w.inValue {
		var err error
		w.cell.value, err = w.xml.appendText(w.cell.value)
		return err
	}
	if w.inItem {
		return w.item.token(w.xml)
	}
	return nil
}

func (w *worksheet) start(depth int) error {
	switch {
	case depth == 3 && string(w.xml.name) == "row":
		return w.beginRow()
	case depth == 4 && string(w.xml.name) == "c":
		return w.beginCell()
	case depth == 5 && string(w.xml.name) == "v":
		w.inValue = true
	case depth == 5 && string(w.xml.name) == "is":
		w.inItem, w.cell.item = true, true
		w.item.reset()
	case w.inItem:
		return w.item.token(w.xml)
	}
	return nil
}

func (w *worksheet) end(depth int) error {
	switch {
	case depth == 3:
		return w.endRow()
	case depth == 4 && string(w.xml.name) == "c":
		return w.endCell()
	case depth == 5:
		w.inValue, w.inItem = false, false
	case w.inItem:
		return w.item.token(w.xml)
	}
	return nil
}

func (w *worksheet) beginRow() error {
	w.number, w.column = 0, -1
	w.spans, w.text = w.spans[:0], w.text[:0]
	if r := w.xml.attr("r"); r != nil {
		n, err := strconv.Atoi(string(r))
		if err != nil || n < 1 {
			return fmt.Errorf("%w: %q is no row number", errMalformed, shown(string(r)))
		}
		w.number = n
		return w.checkRow()
	}
	return nil
}

// checkRow refuses rows that stand outside the worksheet or in the wrong order, where their order cannot be trusted.
func (w *worksheet) checkRow() error {
	if w.number > lastRow {
		return fmt.Errorf("%w: row %d is beyond the last row of a worksheet", errMalformed, w.number)
	}
	if w.number <= w.last {
		return fmt.Errorf("%w: row %d stands after row %d", errMalformed, w.number, w.last)
	}
	return nil
}

func (w *worksheet) endRow() error {
	if w.number == 0 {
		w.number = w.last + 1
		if err := w.checkRow(); err != nil {
			return err
		}
	}
	w.last = w.number
	return nil
}

// row makes cells of the spans. They share one string; where two cells claim one place, the later one has it.
func (w *worksheet) row() Row {
	width := 0
	for _, s := range w.spans {
		width = max(width, s.column+1)
	}
	if cap(w.cells) < width {
		w.cells = make([]string, width)
	}
	w.cells = w.cells[:width]
	clear(w.cells)
	text := string(w.text)
	for _, s := range w.spans {
		w.cells[s.column] = text[s.from:s.to]
	}
	return Row{Number: w.number, Cells: w.cells}
}
