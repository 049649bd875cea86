package sheet

import (
	"bytes"
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

// cell is what the cell at hand says of itself.
type cell struct {
	kind  cellKind
	style int
	value []byte
	item  bool // it has a text of its own
}

type cellKind byte

const (
	numberCell cellKind = iota
	sharedCell
	textCell
	inlineCell
	boolCell
	errorCell
	dateCell
)

var cellKinds = map[string]cellKind{
	"n": numberCell, "s": sharedCell, "str": textCell, "inlineStr": inlineCell, "b": boolCell, "e": errorCell, "d": dateCell,
}

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

func (w *worksheet) beginCell() error {
	w.cell = cell{value: w.cell.value[:0]}
	w.column++
	if ref := w.xml.attr("r"); ref != nil {
		if err := w.place(ref); err != nil {
			return err
		}
	}
	if w.column >= lastColumn {
		return fmt.Errorf("%w: row %d has more than %d columns", errMalformed, max(w.number, w.last+1), lastColumn)
	}
	if t := w.xml.attr("t"); t != nil {
		w.cell.kind = cellKinds[string(t)]
	}
	if s := w.xml.attr("s"); s != nil {
		w.cell.style, _ = strconv.Atoi(string(s))
	}
	return nil
}

// place takes the column from a cell's reference, and the row from the first cell when the row does not say its number.
func (w *worksheet) place(ref []byte) error {
	column, row, ok := parseRef(ref)
	if !ok {
		return fmt.Errorf("%w: %q is no cell of a worksheet", errMalformed, shown(string(ref)))
	}
	w.column = column
	if w.number == 0 && row > w.last {
		w.number = row
		return w.checkRow()
	}
	return nil
}

// parseRef reads a reference such as "AB12", in either case. The column counts from 0.
func parseRef(ref []byte) (column, row int, ok bool) {
	i := 0
	for ; i < len(ref) && i < 4; i++ {
		c := ref[i] &^ 0x20
		if c < 'A' || c > 'Z' {
			break
		}
		column = column*26 + int(c-'A') + 1
	}
	digits := ref[i:]
	for _, c := range digits {
		if c < '0' || c > '9' || row > lastRow {
			return 0, 0, false
		}
		row = row*10 + int(c-'0')
	}
	return column - 1, row, i > 0 && len(digits) > 0 && column <= lastColumn
}

// endCell adds the cell's text to the row's, unless it is empty.
func (w *worksheet) endCell() error {
	from := len(w.text)
	if err := w.appendCell(); err != nil {
		return err
	}
	if len(w.text) > maxRecord {
		return refuse("shorten its texts and try again", "is longer than 8 MiB")
	}
	if len(w.text) > from {
		w.spans = append(w.spans, span{w.column, from, len(w.text)})
	}
	return nil
}

func (w *worksheet) appendCell() (err error) {
	c := &w.cell
	if c.item && (c.kind == inlineCell || len(c.value) == 0) {
		w.text = w.format().appendText(w.text, unescape(w.item.bytes))
		return nil
	}
	if len(c.value) == 0 {
		return nil
	}
	switch c.kind {
	case sharedCell:
		return w.appendShared()
	case textCell, inlineCell:
		w.text = w.format().appendText(w.text, unescape(c.value))
	case boolCell:
		w.text = append(w.text, boolText(bytes.TrimSpace(c.value))...)
	case errorCell:
		w.text = append(w.text, c.value...)
	case dateCell:
		w.text = w.format().appendISO(w.text, bytes.TrimSpace(c.value), w.date1904)
	default:
		w.text = w.format().appendNumber(w.text, bytes.TrimSpace(c.value), w.date1904)
	}
	return nil
}

func (w *worksheet) appendShared() (err error) {
	n, err := strconv.Atoi(string(bytes.TrimSpace(w.cell.value)))
	if err != nil {
		return fmt.Errorf("%w: %q is no number of a text", errMalformed, shown(string(w.cell.value)))
	}
	format := w.format()
	if format.plainText {
		w.text, err = w.strings.appendText(w.text, n)
		return err
	}
	text, err := w.strings.appendText(nil, n)
	w.text = format.appendText(w.text, text)
	return err
}

func boolText(value []byte) string {
	switch string(value) {
	case "1", "true", "TRUE":
		return "TRUE"
	case "0", "false", "FALSE":
		return "FALSE"
	}
	return string(value)
}

// format is how the cell at hand is shown.
func (w *worksheet) format() *format {
	if s := w.cell.style; s > 0 && s < len(w.formats) || s == 0 && len(w.formats) > 0 {
		return w.formats[s]
	}
	return general
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
