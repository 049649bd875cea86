package report

import (
	"fmt"
	"strings"
)

// headXML is what stands before the rows of a worksheet whose first row is a heading that stays in sight.
func headXML(columns string) string {
	return `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n" +
		`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` +
		`<sheetPr><pageSetUpPr fitToPage="1"/></sheetPr>` +
		`<sheetViews><sheetView workbookViewId="0">` +
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>` +
		`<selection pane="bottomLeft" activeCell="A2" sqref="A2"/>` +
		`</sheetView></sheetViews><sheetFormatPr defaultRowHeight="15"/>` +
		columns + `<sheetData>`
}

// columnsXML gives each column its width in characters, and the style of cells that are yet to be typed.
func columnsXML(widths []int, style func(col int) int) string {
	if len(widths) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(`<cols>`)
	for i, w := range widths {
		fmt.Fprintf(&b, `<col min="%d" max="%d" width="%d" style="%d" customWidth="1"/>`, i+1, i+1, w, style(i))
	}
	b.WriteString(`</cols>`)
	return b.String()
}

// endXML is what stands after the rows in this area: a filter over them, and no green corners on identifiers that look
// like numbers.
func endXML(area string) string {
	return `</sheetData><autoFilter ref="` + area + `"/>` +
		`<pageMargins left="0.4" right="0.4" top="0.5" bottom="0.5" header="0.3" footer="0.3"/>` +
		`<pageSetup orientation="landscape" fitToHeight="0"/>` +
		`<ignoredErrors><ignoredError sqref="` + area + `" numberStoredAsText="1"/></ignoredErrors></worksheet>`
}
