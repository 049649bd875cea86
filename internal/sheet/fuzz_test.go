package sheet

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

// reread reads a file twice and checks what holds of every file: the same rows both times, in ascending order, of
// bounded size and valid text; or one sentence that says why not.
func reread(t *testing.T, name string, content []byte) {
	first, err := read(name, content)
	again, err2 := read(name, content)
	if !reflect.DeepEqual(first, again) || (err == nil) != (err2 == nil) {
		t.Fatal("read differently the second time")
	}
	if err != nil {
		sentence(t, err)
	}
	last := 0
	for _, row := range first {
		if row.Number <= last || len(row.Cells) > maxColumns {
			t.Fatalf("row %d of %d cells after row %d", row.Number, len(row.Cells), last)
		}
		last = row.Number
		for _, cell := range row.Cells {
			if len(cell) > 2*maxRecord || !utf8.ValidString(cell) {
				t.Fatalf("row %d has a bad cell of %d bytes", row.Number, len(cell))
			}
		}
	}
}

func sentence(t *testing.T, err error) {
	var fault *Fault
	if f, ok := err.(*Fault); ok {
		fault = f
	}
	if fault == nil || fault.File == "" || fault.Problem == "" || fault.Remedy == "" || strings.ContainsAny(err.Error(), "\r\n") || len(err.Error()) > 2000 {
		t.Fatalf("not a sentence: %#v", err)
	}
}

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"a,b\n1,2\n", "sep=;\r\na;b", "\uFEFFa\tb\r\"x\ny\"\tz", "\"a\"b,c\n", "a,\"b", "\xFF\xFEa\x00,\x00", "caf\xE9;1,5\n", "\x00", "<html>", "\"\"\"\"\r\r\n", "a\x00b\n\"",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		reread(t, "fuzz.csv", content)
	})
}

func FuzzWorksheet(f *testing.F) {
	for _, seed := range []string{
		`<row r="1"><c r="A1" t="s"><v>0</v></c><c t="inlineStr"><is><t>x</t></is></c></row>`,
		`<row><c s="1"><v>45292.5</v></c><c t="d"><v>2024-01-01T10:00</v></c><c t="b"><v>1</v></c></row>`,
		`<row r="3"><c r="XFD3" s="6"><v>1E+300</v></c></row><x:row/>`, `<row><c t="str"><v>_xD83D__xDE00_&#x41;<![CDATA[x]]></v></c>`, `</sheetData>`, `<!DOCTYPE`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, rows []byte) {
		reread(t, "fuzz.xlsx", zipped(t, workbookOf(string(rows), nil)))
	})
}

func FuzzWorkbook(f *testing.F) {
	f.Add(zipped(f, workbookOf(`<row r="1"><c r="A1" t="s"><v>0</v></c></row>`, nil)))
	f.Add([]byte("PK\x03\x04"))
	f.Add([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"))
	f.Fuzz(func(t *testing.T, content []byte) {
		reread(t, "fuzz.xlsx", content)
	})
}

func FuzzFormat(f *testing.F) {
	for _, code := range builtIn {
		f.Add(code, "45292.75", "text")
	}
	f.Add(`[$-409]h:mm:ss.000 AM/PM;[<5]# ??/16;"x"@`, "-1.5E-300", "")
	f.Fuzz(func(t *testing.T, code, number, text string) {
		format := parseFormat(code)
		shown := format.appendNumber(nil, []byte(number), false)
		shown = format.appendNumber(shown, []byte(number), true)
		shown = format.appendText(shown, []byte(text))
		if limit := 4000 + 8*len(number) + len(code)*(1000+len(text)+len(number)); len(shown) > limit {
			t.Fatalf("%d bytes for %q", len(shown), code)
		}
	})
}

func FuzzTable(f *testing.F) {
	f.Add("title\n\ndocId;comments\nA;x\n")
	f.Add("docId,Document ID,remarks,reason\n")
	f.Fuzz(func(t *testing.T, text string) {
		b, err := Open("fuzz.csv", strings.NewReader(text), int64(len(text)))
		if err != nil {
			return
		}
		table, err := b.Table(wanted)
		if err != nil {
			sentence(t, err)
			return
		}
		for name, column := range table.Index {
			if column >= len(table.Header) {
				t.Fatalf("%s is column %d of %q", name, column, table.Header)
			}
		}
		for row, err := range table.Rows() {
			if err == nil && (row.Number <= table.HeaderRow || Blank(row.Cells)) {
				t.Fatalf("row %d %q below row %d", row.Number, row.Cells, table.HeaderRow)
			}
		}
	})
}

// TestAnyTableSurvivesAnyDialect writes random tables in random dialects and encodings and reads them back.
func TestAnyTableSurvivesAnyDialect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := anyDialect(t)
		width := rapid.IntRange(2, 6).Draw(t, "width")
		word := rapid.StringMatching(`[a-z]{1,8}`)
		cell := rapid.StringMatching(d.cell)
		table := [][]string{rapid.SliceOfN(word, width, width).Draw(t, "header")}
		for range rapid.IntRange(3, 20).Draw(t, "rows") {
			row := rapid.SliceOfN(cell, width, width).Draw(t, "row")
			row[0] = word.Draw(t, "id")
			table = append(table, row)
		}
		content := d.write(t, table)
		rows, err := read("x.csv", content)
		if err != nil {
			t.Fatalf("%v: %q", err, content)
		}
		for i, row := range rows {
			if i >= len(table) || !reflect.DeepEqual(row.Cells, table[i]) {
				t.Fatalf("row %d is %q of %q", i+1, row.Cells, content)
			}
		}
		if len(rows) != len(table) {
			t.Fatalf("%d rows of %q", len(rows), content)
		}
	})
}

// writer is a dialect and encoding to write in.
type writer struct {
	delimiter, newline, cell string
	quoteAll, sepLine        bool
	encode                   encoding.Encoding
}

func anyDialect(t *rapid.T) writer {
	bom := encoding.Encoding(unicode.UTF8BOM)
	unicodeCell := `[a-zA-Zéü€中文😀0-9 "_.-]{0,10}`
	kind := rapid.SampledFrom([]struct {
		enc  encoding.Encoding
		cell string
	}{
		{nil, unicodeCell}, {bom, unicodeCell}, {charmap.Windows1252, `[a-z]{0,4}(é[a-z]{1,3})?[ a-z0-9"]{0,5}`},
		{unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), unicodeCell}, {unicode.UTF16(unicode.BigEndian, unicode.UseBOM), unicodeCell},
		{utf16LE, `[a-zé0-9 "\n]{0,10}`}, {utf16BE, `[a-zé0-9 "\n]{0,10}`},
	}).Draw(t, "encoding")
	return writer{
		delimiter: rapid.SampledFrom([]string{",", ";", "\t", "|"}).Draw(t, "delimiter"),
		newline:   rapid.SampledFrom([]string{"\n", "\r\n", "\r"}).Draw(t, "newline"),
		quoteAll:  rapid.Bool().Draw(t, "quote all"),
		sepLine:   rapid.Bool().Draw(t, "sep line"),
		encode:    kind.enc,
		cell:      kind.cell,
	}
}

func (d writer) write(t *rapid.T, table [][]string) []byte {
	var out bytes.Buffer
	if d.sepLine {
		out.WriteString("sep=" + d.delimiter + d.newline)
	}
	for _, row := range table {
		for i, cell := range row {
			if i > 0 {
				out.WriteString(d.delimiter)
			}
			if d.quoteAll || strings.ContainsAny(cell, d.delimiter+"\"\r\n") {
				cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
			}
			out.WriteString(cell)
		}
		out.WriteString(d.newline)
	}
	if d.encode == nil {
		return out.Bytes()
	}
	content, err := d.encode.NewEncoder().Bytes(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return content
}
