package sheet

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

const benchRows = 50_000

func benchmark(b *testing.B, content []byte) {
	b.ReportAllocs()
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		book := open(b, "bench", content)
		rows := 0
		for _, err := range book.Rows() {
			if err != nil {
				b.Fatal(err)
			}
			rows++
		}
		if rows != benchRows {
			b.Fatalf("%d rows", rows)
		}
	}
	b.ReportMetric(float64(benchRows*b.N)/b.Elapsed().Seconds(), "rows/s")
}

func benchRow(i int) []string {
	return []string{fmt.Sprintf("%08x-1234-4abc-9def-%012d", i*2654435761, i), fmt.Sprintf("duplicate of invoice %d", i), "DENY", fmt.Sprintf("Company %d", i), "x"}
}

func BenchmarkCSV(b *testing.B) {
	var text strings.Builder
	for i := range benchRows {
		text.WriteString(strings.Join(benchRow(i), ",") + "\n")
	}
	benchmark(b, []byte(text.String()))
}

func BenchmarkQuotedCSV(b *testing.B) {
	var text strings.Builder
	for i := range benchRows {
		text.WriteString(`"` + strings.Join(benchRow(i), `","`) + "\"\r\n")
	}
	benchmark(b, []byte(text.String()))
}

func BenchmarkWindows1252(b *testing.B) {
	var text strings.Builder
	for i := range benchRows {
		text.WriteString(strings.Join(benchRow(i), ";") + "caf\xE9\n")
	}
	benchmark(b, []byte(text.String()))
}

func BenchmarkInlineXLSX(b *testing.B) {
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	for i := 0; err == nil && i < benchRows; i++ {
		var row []any
		for _, cell := range benchRow(i) {
			row = append(row, cell)
		}
		err = w.SetRow(fmt.Sprintf("A%d", i+1), row)
	}
	var out bytes.Buffer
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Write(&out)
	}
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, out.Bytes())
}

func BenchmarkSharedXLSX(b *testing.B) {
	var sst, data strings.Builder
	for i := range benchRows {
		fmt.Fprintf(&data, `<row r="%d">`, i+1)
		for j, cell := range benchRow(i) {
			fmt.Fprintf(&sst, "<si><t>%s</t></si>", cell)
			fmt.Fprintf(&data, `<c r="%s%d" t="s"><v>%d</v></c>`, letter(j), i+1, i*5+j)
		}
		data.WriteString("</row>")
	}
	benchmark(b, zipped(b, workbookOf(data.String(), map[string]string{"xl/sharedStrings.xml": "<sst>" + sst.String() + "</sst>"})))
}
