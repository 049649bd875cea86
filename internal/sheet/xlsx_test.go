package sheet

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

func zipped(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for name, content := range parts {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

const relationTypes = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"

// parts that make a workbook of one worksheet; more replace or add some.
func workbookOf(sheetData string, more map[string]string) map[string]string {
	relation := func(id, kind, target string) string {
		return fmt.Sprintf(`<Relationship Id=%q Type=%q Target=%q/>`, id, relationTypes+kind, target)
	}
	parts := map[string]string{
		"_rels/.rels":     `<Relationships>` + relation("r1", "officeDocument", "xl/workbook.xml") + `</Relationships>`,
		"xl/workbook.xml": `<workbook><sheets><sheet name="Deny &amp; more" sheetId="1" r:id="r1"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships>` + relation("r1", "worksheet", "worksheets/sheet1.xml") +
			relation("r2", "sharedStrings", "/xl/sharedStrings.xml") + relation("r3", "styles", "styles.xml") + `</Relationships>`,
		"xl/worksheets/sheet1.xml": `<worksheet><sheetData>` + sheetData + `</sheetData></worksheet>`,
		"xl/sharedStrings.xml":     `<sst><si><t>zero</t></si><si><r><t>on</t></r><rPh><t>x</t></rPh><r><t>e</t></r></si><si><t/></si><si><t xml:space="preserve"> a_x000D__x005F_b </t></si></sst>`,
		"xl/styles.xml": `<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/></numFmts>
			<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="4"/><xf numFmtId="10"/><xf numFmtId="49"/><xf numFmtId="11"/></cellXfs>
			<dxfs><dxf><numFmt numFmtId="164" formatCode="0"/></dxf></dxfs></styleSheet>`,
	}
	for name, content := range more {
		if content == "" {
			delete(parts, name)
		} else {
			parts[name] = content
		}
	}
	return parts
}

func TestXLSXCells(t *testing.T) {
	for _, c := range []struct{ name, rows, want string }{
		{"shared strings", `<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>3</v></c></row>`, "1: zero|one| a\r_b \n"},
		{"inline strings", `<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="inlineStr"><is><r><t>b</t></r><r><t> c</t></r></is></c></row>`, "1: a|b c\n"},
		{"cached formula values", `<row r="1"><c r="A1" t="str"><f>X()</f><v>x &lt; y</v></c><c r="B1"><f>1+1</f><v>2</v></c></row>`, "1: x < y|2\n"},
		{"booleans and errors", `<row r="1"><c r="A1" t="b"><v>1</v></c><c r="B1" t="b"><v>0</v></c><c r="C1" t="e"><v>#N/A</v></c></row>`, "1: TRUE|FALSE|#N/A\n"},
		{"sparse rows", `<row r="3"><c r="C3"><v>1</v></c></row><row r="5"/><row r="9"><c r="A9"><v>2</v></c></row>`, "3: ||1\n9: 2\n"},
		{"no references", `<row><c><v>1</v></c><c/><c><v>2</v></c></row><row><c><v>3</v></c></row>`, "1: 1||2\n2: 3\n"},
		{"the row from its cells", `<row><c r="B4"><v>1</v></c><c><v>2</v></c></row>`, "4: |1|2\n"},
		{"lower case", `<row r="1"><c r="b1"><v>1</v></c></row>`, "1: |1\n"},
		{"cells out of order", `<row r="1"><c r="C1"><v>3</v></c><c r="A1"><v>1</v></c></row>`, "1: 1||3\n"},
		{"prefixes", `<x:row r="1"><x:c r="A1"><x:v>1</x:v></x:c></x:row>`, "1: 1\n"},
		{"CDATA, comments, references", `<row r="1"><c r="A1" t="str"><v>a<![CDATA[<&]]><!-- x -->&#233;&#x20AC;&quot;</v></c></row>`, "1: a<&é€\"\n"},
		{"long numbers in full", `<row r="1"><c><v>123456789012345678</v></c><c><v>1.23456789012E+11</v></c><c s="6"><v>123456789012</v></c><c s="5"><v>9007199254740993</v></c></row>`, "1: 123456789012345678|123456789012|123456789012|9007199254740993\n"},
		{"numbers", `<row r="1"><c><v>0.30000000000000004</v></c><c><v>-1.50</v></c><c s="3"><v>1234.5</v></c><c s="4"><v>0.125</v></c><c s="6"><v>0.00012</v></c></row>`, "1: 0.3|-1.5|1,234.50|12.50%|1.20E-04\n"},
		{"dates", `<row r="1"><c s="1"><v>45292</v></c><c s="2"><v>45292.5</v></c><c s="2" t="d"><v>2024-01-02</v></c><c s="2"><v>60</v></c></row>`, "1: 1/1/24|2024-01-01|2024-01-02|1900-02-29\n"},
		{"escapes of pairs", `<row r="1"><c t="str"><v>_xD83D__xDE00_ _xD83D_ _x00e9_</v></c></row>`, "1: 😀 _xD83D_ é\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, "x.xlsx", zipped(t, workbookOf(c.rows, nil)))
			if got := show(all(t, b)); got != c.want {
				t.Errorf("read\n%swant\n%s", got, c.want)
			}
			if got := b.Reading(); got != (Reading{Format: XLSX, Sheet: "Deny & more"}) {
				t.Errorf("reading %+v", got)
			}
		})
	}
}

func TestXLSXWorkbooks(t *testing.T) {
	row := `<row r="1"><c r="A1" s="2"><v>0</v></c></row>`
	for _, c := range []struct {
		name, want string
		more       map[string]string
	}{
		{"dates from 1904", "1: 1904-01-01\n", map[string]string{
			"xl/workbook.xml": `<workbook><workbookPr date1904="1"/><sheets><sheet name="x" r:id="r1"/></sheets></workbook>`}},
		{"no styles, no shared strings", "1: 0\n", map[string]string{"xl/styles.xml": "", "xl/sharedStrings.xml": ""}},
		{"hidden sheets and charts before", "1: 1900-01-00\n", map[string]string{
			"xl/workbook.xml": `<workbook><sheets><sheet name="a" state="hidden" r:id="r0"/><sheet name="b" state="veryHidden" r:id="r0"/><sheet name="c" r:id="r9"/><sheet name="d" r:id="r1"/></sheets></workbook>`,
			"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="r9" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/chartsheet" Target="x.xml"/>
				<Relationship Id="r1" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/worksheet" Target="\xl\worksheets\SHEET1.xml"/></Relationships>`}},
		{"prefixed, with a mark", "1: 1900-01-00\n", map[string]string{
			"xl/workbook.xml": "\uFEFF<?xml version=\"1.0\"?>\r\n<x:workbook xmlns:x='urn:>'><x:sheets><x:sheet name='d' rel:id='r1'/></x:sheets></x:workbook>"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, "x.xlsx", zipped(t, workbookOf(row, c.more)))
			if got := show(all(t, b)); got != c.want {
				t.Errorf("read %q, want %q", got, c.want)
			}
		})
	}
}

func TestXLSXRefusals(t *testing.T) {
	broken := func(what string) string {
		return "x.xlsx: is a damaged workbook: its part xl/worksheets/sheet1.xml " + what + "; " + damaged
	}
	for _, c := range []struct {
		name, rows string
		more       map[string]string
		want       string
	}{
		{"elements that do not nest", `<row><c></row></c>`, nil, broken("is not well-formed XML")},
		{"truncated", ``, map[string]string{"xl/worksheets/sheet1.xml": `<worksheet><sheetData><row r="1">`}, broken("ends too early")},
		{"text before the root", ``, map[string]string{"xl/worksheets/sheet1.xml": `<?xml version="1.0"?>foo<worksheet/>`}, broken("is not well-formed XML")},
		{"a document type", ``, map[string]string{"xl/worksheets/sheet1.xml": `<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet/>`}, broken("declares a document type")},
		{"an unknown entity", `<row><c t="str"><v>&a;</v></c></row>`, nil, broken("is not well-formed XML")},
		{"a control character", "<row><c t=\"str\"><v>\x01</v></c></row>", nil, broken("is not well-formed XML: it holds the control character U+0001")},
		{"not UTF-8", "<row><c t=\"str\"><v>\xFF</v></c></row>", nil, broken("is not well-formed XML: it is not valid UTF-8")},
		{"a column beyond the last", `<row><c r="XFE1"><v>1</v></c></row>`, nil, broken(`is not well-formed XML: "XFE1" is no cell of a worksheet`)},
		{"a billion columns", `<row><c r="ZZZZZZZ1"><v>1</v></c></row>`, nil, broken(`is not well-formed XML: "ZZZZZZZ1" is no cell of a worksheet`)},
		{"a row beyond the last", `<row r="1048577"/>`, nil, broken("is not well-formed XML: row 1048577 is beyond the last row of a worksheet")},
		{"rows out of order", `<row r="2"/><row r="1"/>`, nil, broken("is not well-formed XML: row 1 stands after row 2")},
		{"a text that is not there", `<row><c t="s"><v>99</v></c></row>`, nil, broken("is not well-formed XML: a cell refers to text 99 of 4")},
		{"no worksheets", ``, map[string]string{"xl/workbook.xml": `<workbook><sheets/></workbook>`}, "x.xlsx: is a workbook without worksheets; " + damaged},
		{"all hidden", ``, map[string]string{"xl/workbook.xml": `<workbook><sheets><sheet name="a" state="hidden" r:id="r1"/></sheets></workbook>`}, "x.xlsx: has no visible worksheet; unhide the worksheet and try again"},
		{"no relationships", ``, map[string]string{"xl/_rels/workbook.xml.rels": ""}, "x.xlsx: is a damaged workbook: it does not say where its worksheets are; " + damaged},
		{"no worksheet part", ``, map[string]string{"xl/worksheets/sheet1.xml": ""}, `x.xlsx: is a damaged workbook: its worksheet "Deny & more" is missing; ` + damaged},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read("x.xlsx", zipped(t, workbookOf(c.rows, c.more)))
			if err == nil || err.Error() != c.want {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

func TestXLSXBomb(t *testing.T) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for name, content := range workbookOf("", map[string]string{"xl/worksheets/sheet1.xml": ""}) {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	packed := bomb(t)
	header := &zip.FileHeader{Name: "xl/worksheets/sheet1.xml", Method: zip.Deflate, CompressedSize64: uint64(len(packed)), UncompressedSize64: 1 << 40}
	w, err := z.CreateRaw(header)
	if err == nil {
		_, err = w.Write(packed)
	}
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = read("x.xlsx", out.Bytes())
	want := "x.xlsx: is a damaged workbook: its part xl/worksheets/sheet1.xml unpacks to more than a spreadsheet can hold; " + damaged
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

// bomb is a deflated worksheet that never ends: the same mebibyte of nothing again and again.
func bomb(t *testing.T) []byte {
	var begin, again bytes.Buffer
	for out, text := range map[*bytes.Buffer]string{&begin: "<worksheet>", &again: strings.Repeat(" ", 1<<20) + "<!-- -->"} {
		w, err := flate.NewWriter(out, flate.BestCompression)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err == nil {
			err = w.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return append(begin.Bytes(), bytes.Repeat(again.Bytes(), 4*freeSize>>20)...)
}

func TestXLSXCutOff(t *testing.T) {
	whole := zipped(t, workbookOf(`<row r="1"><c r="A1"><v>1</v></c></row>`, nil))
	for size := 4; size < len(whole); size += 7 {
		if _, err := read("x.xlsx", whole[:size]); err == nil {
			t.Fatalf("the first %d of %d bytes were read", size, len(whole))
		}
	}
}

func TestXLSXOfExcelize(t *testing.T) {
	f := excelize.NewFile()
	for cell, value := range map[string]any{
		"A1": "docId", "B1": "comments", "C1": "when", "D1": "paid",
		"A3": "INV-1", "B3": " two\nlines & <tags> ", "C3": time.Date(2024, 2, 29, 13, 5, 0, 0, time.UTC), "D3": true,
		"A4": 1234567890123, "B4": 0.5,
	} {
		if err := f.SetCellValue("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := "1: docId|comments|when|paid\n3: INV-1| two\nlines & <tags> |2/29/24 13:05|TRUE\n4: 1234567890123|0.5\n"
	if got := show(all(t, open(t, "x.xlsx", out.Bytes()))); got != want {
		t.Errorf("read\n%swant\n%s", got, want)
	}
	out.Reset()
	if err := f.Write(&out, excelize.Options{Password: "secret"}); err != nil {
		t.Fatal(err)
	}
	_, err := read("x.xlsx", out.Bytes())
	if want := "x.xlsx: is protected by a password; save it without a password and try again"; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestManySharedStringsSpillAndStayInOrder(t *testing.T) {
	const rows = 6_000
	var sst, data strings.Builder
	sst.WriteString("<sst>")
	for i := range rows {
		fmt.Fprintf(&sst, "<si><t>%0*d</t></si>", 3000+i%500, i)
		fmt.Fprintf(&data, `<row r="%d"><c t="s"><v>%d</v></c></row>`, i+1, (i*7919)%rows)
	}
	fmt.Fprintf(&sst, "<si><t>%s</t></si></sst>", strings.Repeat("x", 70_000))
	fmt.Fprintf(&data, `<row r="%d"><c t="s"><v>%d</v></c></row>`, rows+1, rows)
	b := open(t, "x.xlsx", zipped(t, workbookOf(data.String(), map[string]string{"xl/sharedStrings.xml": sst.String()})))
	for i, row := range all(t, b) {
		n := (i * 7919) % rows
		want := fmt.Sprintf("%0*d", 3000+n%500, n)
		if i == rows {
			want = strings.Repeat("x", 70_000)
		}
		if row.Cells[0] != want {
			t.Fatalf("row %d is %.20q…, want %.20q…", row.Number, row.Cells[0], want)
		}
	}
}

func TestStoppingEarlyAndReadingAgain(t *testing.T) {
	b := open(t, "x.xlsx", zipped(t, workbookOf(`<row r="1"><c><v>1</v></c></row><row r="2"><c><v>2</v></c></row>`, nil)))
	for row := range b.Rows() {
		if row.Number != 1 {
			t.Fatalf("row %d first", row.Number)
		}
		break
	}
	if got := show(all(t, b)); got != "1: 1\n2: 2\n" {
		t.Errorf("read %q", got)
	}
}
