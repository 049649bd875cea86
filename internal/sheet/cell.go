package sheet

import (
	"bytes"
	"fmt"
	"strconv"
)

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
