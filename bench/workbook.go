package main

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
)

const xmlHead = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"

const (
	contentTypes = xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>` +
		`<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>` +
		`<Override PartName="/xl/sharedStrings.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>`
	packageRels = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	workbook = xmlHead + `<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">` +
		`<sheets><sheet name="Invoices" sheetId="1" r:id="rId1"/></sheets></workbook>`
	workbookRels = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>` +
		`<Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/></Relationships>`
	sheetHead   = xmlHead + `<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>`
	stringsHead = xmlHead + `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">`
)

// workbookFile writes the same input as csvFile the way Excel does: every text once, in a table of shared strings.
func (b *bench) workbookFile(rows int) (string, error) {
	return b.input(fmt.Sprintf("%d.xlsx", rows), func(w io.Writer) error {
		archive := zip.NewWriter(w)
		for _, part := range []struct {
			name  string
			write func(io.Writer)
		}{
			{"[Content_Types].xml", constant(contentTypes)},
			{"_rels/.rels", constant(packageRels)},
			{"xl/workbook.xml", constant(workbook)},
			{"xl/_rels/workbook.xml.rels", constant(workbookRels)},
			{"xl/worksheets/sheet1.xml", func(w io.Writer) { writeSheet(w, rows) }},
			{"xl/sharedStrings.xml", func(w io.Writer) { writeStrings(w, rows) }},
		} {
			entry, err := archive.Create(part.name)
			if err != nil {
				return err
			}
			buffered := bufio.NewWriter(entry)
			part.write(buffered)
			if err := buffered.Flush(); err != nil {
				return err
			}
		}
		return archive.Close()
	})
}

func constant(text string) func(io.Writer) {
	return func(w io.Writer) { io.WriteString(w, text) }
}

// The shared strings are four headings, the reasons, and then two for each row.
var perRow = 4 + len(reasons)

func writeSheet(w io.Writer, rows int) {
	io.WriteString(w, sheetHead)
	io.WriteString(w, `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c><c r="D1" t="s"><v>3</v></c></row>`)
	for n := 1; n <= rows; n++ {
		r, at := n+1, perRow+2*(n-1)
		fmt.Fprintf(w, `<row r="%d"><c r="A%d" t="s"><v>%d</v></c><c r="B%d" t="s"><v>%d</v></c><c r="C%d"><v>%s</v></c><c r="D%d" t="s"><v>%d</v></c></row>`,
			r, r, at, r, at+1, r, lineOf(n).amount, r, 4+n%len(reasons))
	}
	io.WriteString(w, `</sheetData></worksheet>`)
}

func writeStrings(w io.Writer, rows int) {
	io.WriteString(w, stringsHead)
	for _, text := range append([]string{headings.doc, headings.invoice, headings.amount, headings.comment}, reasons...) {
		fmt.Fprintf(w, `<si><t>%s</t></si>`, text)
	}
	for n := 1; n <= rows; n++ {
		fmt.Fprintf(w, `<si><t>%s</t></si><si><t>%s</t></si>`, docID(n), lineOf(n).invoice)
	}
	io.WriteString(w, `</sst>`)
}
