package sheet

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// open opens bytes as a file of that name and closes it when the test ends.
func open(t testing.TB, name string, content []byte) *Book {
	t.Helper()
	b, err := Open(name, bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// all reads every row.
func all(t testing.TB, b *Book) []Row {
	t.Helper()
	rows, err := collect(b)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func collect(b *Book) (rows []Row, err error) {
	for row, err := range b.Rows() {
		if err != nil {
			return rows, err
		}
		rows = append(rows, Row{row.Number, slices.Clone(row.Cells)})
	}
	return rows, nil
}

// show writes rows as "number: cell|cell".
func show(rows []Row) string {
	var s strings.Builder
	for _, row := range rows {
		if !Blank(row.Cells) {
			fmt.Fprintf(&s, "%d: %s\n", row.Number, strings.Join(row.Cells, "|"))
		}
	}
	return s.String()
}

func encoded(t *testing.T, text string, enc interface{ Bytes([]byte) ([]byte, error) }) string {
	t.Helper()
	b, err := enc.Bytes([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestCSVDialects(t *testing.T) {
	for _, c := range []struct{ name, text, delimiter, want string }{
		{"comma", "a,b\n1,2\n", ",", "1: a|b\n2: 1|2\n"},
		{"no newline at the end", "a,b\n1,2", ",", "1: a|b\n2: 1|2\n"},
		{"semicolon with decimal commas", "id;price\nx;1,50\ny;2,75\n", ";", "1: id|price\n2: x|1,50\n3: y|2,75\n"},
		{"semicolon with names in prose", "id;last, first\n1;Doe, John\n", ";", "1: id|last, first\n2: 1|Doe, John\n"},
		{"quotes tell the delimiter", "\"a;b\",\"c;d\"\n\"1;2\",\"3;4\"\n", ",", "1: a;b|c;d\n2: 1;2|3;4\n"},
		{"tab", "a\tb,c\n1\t2,3\n", "\t", "1: a|b,c\n2: 1|2,3\n"},
		{"pipe", "a|b\n1|2\n", "|", "1: a|b\n2: 1|2\n"},
		{"one column", "docId\nA1\nA2\n", ",", "1: docId\n2: A1\n3: A2\n"},
		{"sep line", "sep=;\na;b,c\n", ";", "1: a|b,c\n"},
		{"quoted sep line", "\"sep=^\"\r\na^b\r\n", "^", "1: a|b\n"},
		{"title above", "Report for June\n\na,b,c\n1,2,3\n", ",", "1: Report for June\n3: a|b|c\n4: 1|2|3\n"},
		{"ragged", "a,b,c\n1\n1,2,3,4\n", ",", "1: a|b|c\n2: 1\n3: 1|2|3|4\n"},
		{"lone CR", "a,b\r1,2\r\r3,4", ",", "1: a|b\n2: 1|2\n4: 3|4\n"},
		{"CRLF", "a,b\r\n\r\n1,2\r\n", ",", "1: a|b\n3: 1|2\n"},
		{"mixed line ends", "a,b\r\n1,2\n3,4\r5,6", ",", "1: a|b\n2: 1|2\n3: 3|4\n4: 5|6\n"},
		{"quoted newlines count as one row", "a,b\n\"x\r\ny\",2\n3,4\n", ",", "1: a|b\n2: x\r\ny|2\n3: 3|4\n"},
		{"doubled quotes", "a,b\n\"say \"\"hi\"\"\",\"\"\n", ",", "1: a|b\n2: say \"hi\"|\n"},
		{"stray quotes are text", "a,b\n5\" pipe,x\"y\"\n", ",", "1: a|b\n2: 5\" pipe|x\"y\"\n"},
		{"a quote behind a space is text", "a, \"b\"\n", ",", "1: a| \"b\"\n"},
		{"spaces behind a closing quote", "\"a\" ,b\n", ",", "1: a |b\n"},
		{"spaces are kept", " a ,b \n", ",", "1:  a |b \n"},
		{"leading zeros are kept", "id,n\n007,0010\n", ",", "1: id|n\n2: 007|0010\n"},
		{"SYLK-like headings are no SYLK", "ID;Product\n1;Pen\n", ";", "1: ID|Product\n2: 1|Pen\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, "x.csv", []byte(c.text))
			if got := show(all(t, b)); got != c.want {
				t.Errorf("read\n%swant\n%s", got, c.want)
			}
			if got := b.Reading().Delimiter; got != c.delimiter {
				t.Errorf("delimiter %q, want %q", got, c.delimiter)
			}
		})
	}
}

func TestCSVEncodings(t *testing.T) {
	text := "id,comments\n1,café à Zürich – “déjà vu” 5 €\n"
	cases := []struct{ name, encoding, text string }{
		{"UTF-8", "utf-8", text},
		{"UTF-8 with mark", "utf-8-bom", "\uFEFF" + text},
		{"UTF-16LE with mark", "utf-16le", encoded(t, text, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder())},
		{"UTF-16BE with mark", "utf-16be", encoded(t, text, unicode.UTF16(unicode.BigEndian, unicode.UseBOM).NewEncoder())},
		{"UTF-16LE without mark", "utf-16le", encoded(t, text, utf16LE.NewEncoder())},
		{"UTF-16BE without mark", "utf-16be", encoded(t, text, utf16BE.NewEncoder())},
		{"UTF-32LE with mark", "utf-32le", encoded(t, text, utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewEncoder())},
		{"Windows-1252", "windows-1252", encoded(t, text, charmap.Windows1252.NewEncoder())},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := open(t, "x.csv", []byte(c.text))
			if got := b.Reading().Encoding; got != c.encoding {
				t.Errorf("encoding %q, want %q", got, c.encoding)
			}
			if got, want := show(all(t, b)), "1: id|comments\n2: 1|café à Zürich – “déjà vu” 5 €\n"; got != want {
				t.Errorf("read %q, want %q", got, want)
			}
		})
	}
}

func TestCSVEncodingIsToldFromTheWholeFile(t *testing.T) {
	text := "id,name\n" + strings.Repeat("1,plain\n", 200_000)
	b := open(t, "x.csv", []byte(text+"2,caf\xE9\n"))
	rows := all(t, b)
	if got := rows[len(rows)-1].Cells[1]; got != "café" {
		t.Errorf("last cell %q, want café", got)
	}
	b = open(t, "x.csv", []byte(text+"2,café\n"))
	if got := b.Reading().Encoding; got != "utf-8" {
		t.Errorf("encoding %q, want utf-8", got)
	}
}

func TestCSVReading(t *testing.T) {
	b := open(t, "x.csv", []byte("\uFEFFsep=\t\r\na\tb\r\n"))
	want := Reading{Format: CSV, Encoding: "utf-8-bom", Delimiter: "\t", SepLine: true, Newline: "\r\n"}
	if got := b.Reading(); got != want {
		t.Errorf("reading %+v, want %+v", got, want)
	}
}

func TestCSVRefusals(t *testing.T) {
	long := strings.Repeat("x", maxCell+1)
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "x.csv: is empty; export it again and try again"},
		{"NUL", "a,b\n1,2\n3,\x004\n", "x.csv, row 3: holds a NUL character; remove it, or export the file again, and try again"},
		{"open quote", "a,b\n1,\"2\n3,4\n", "x.csv, row 2, column B: opens a quote that is never closed; close it, or double it if it belongs to the text, and try again"},
		{"text behind a quote", "a,b\n1,\"2\"3\n", "x.csv, row 2, column B: has text behind a closing quote; double the quotes that belong to the text and try again"},
		{"broken UTF-8", "a\nüöä\n\xFF\n", "x.csv, row 3: is not valid UTF-8 like the rest of the file; " + asUTF8},
		{"broken UTF-8 with mark", "\uFEFFa\nb\n\xFF\n", "x.csv, row 3: is not valid UTF-8 like the rest of the file; " + asUTF8},
		{"Cyrillic", "name\n\xCF\xF0\xE8\xE2\xE5\xF2\n", "x.csv: is in an encoding that is neither UTF-8, UTF-16 nor Windows-1252; " + asUTF8},
		{"DOS", "name\ncaf\x82 fran\x87ais\n", "x.csv: is in an encoding that is neither UTF-8, UTF-16 nor Windows-1252; " + asUTF8},
		{"long cell", "a,b\n1," + long + "\n", "x.csv, row 2, column B: holds a text of more than 1 MiB; shorten it and try again"},
		{"endless quote", "a,b\n1,\"" + strings.Repeat("x\n", maxRecord) + "\"\n", "x.csv, row 2: is longer than 8 MiB; look for a quote that is not closed, then try again"},
		{"wide", strings.Repeat(",", maxColumns) + "\n", "x.csv, row 1: has more than 16384 columns; check the delimiter, or save the file as XLSX, and try again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read("x.csv", []byte(c.text))
			if err == nil || err.Error() != c.want {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

// read opens a file and reads all of it.
func read(name string, content []byte) ([]Row, error) {
	b, err := Open(name, bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, err
	}
	defer b.Close()
	return collect(b)
}
