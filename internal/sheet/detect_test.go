package sheet

import (
	"os"
	"path/filepath"
	"testing"
)

func TestForeignFilesAreRefused(t *testing.T) {
	ole := "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + string(make([]byte, 600))
	for _, c := range []struct{ name, content, want string }{
		{"invoices.xls", ole + string(wide("Workbook")), "invoices.xls: is an old Excel workbook (.xls); save it as XLSX or CSV and try again"},
		{"invoices.xlsx", ole + string(wide("Book")), "invoices.xlsx: is an old Excel workbook (.xls); save it as XLSX or CSV and try again"},
		{"locked.xlsx", ole + string(wide("EncryptedPackage")), "locked.xlsx: is protected by a password; save it without a password and try again"},
		{"letter.doc", ole + string(wide("WordDocument")), "letter.doc: is a Word document; save it as XLSX or CSV and try again"},
		{"x.xls", ole, "x.xls: is an old Office document, not a spreadsheet that can be read; save it as XLSX or CSV and try again"},
		{"x.pdf", "%PDF-1.7\n", "x.pdf: is a PDF, not a spreadsheet that can be read; save it as XLSX or CSV and try again"},
		{"x.csv", "\x89PNG\r\n\x1a\n", "x.csv: is a PNG picture, not a spreadsheet that can be read; save it as XLSX or CSV and try again"},
		{"x.xls", "<html><table><tr><td>1", "x.xls: is a web page (HTML) under a spreadsheet's name; save it as XLSX or CSV and try again"},
		{"x.xls", "\xFF\xFE<\x00t\x00a\x00b\x00l\x00e\x00>\x00", "x.xls: is a web page (HTML) under a spreadsheet's name; save it as XLSX or CSV and try again"},
		{"x.xls", "<?xml version=\"1.0\"?>\n<Workbook/>", "x.xls: is an XML file, not a spreadsheet that can be read; save it as XLSX or CSV and try again"},
		{"x.xlsx", "ID;PWXL;N;E\r\nP;PGeneral\r\n", "x.xlsx: is a SYLK file (.slk); save it as XLSX or CSV and try again"},
		{"x.xlsx", "PK\x03\x04 and no more", "x.xlsx: is a damaged or incomplete workbook; copy or download it again and try again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(c.name, []byte(c.content))
			if err == nil || err.Error() != c.want {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

func TestForeignArchivesAreRefused(t *testing.T) {
	for _, c := range []struct{ part, content, want string }{
		{"mimetype", "application/vnd.oasis.opendocument.spreadsheet", "x.xlsx: is a LibreOffice spreadsheet (.ods); save it as XLSX or CSV and try again"},
		{"xl/workbook.bin", "", "x.xlsx: is a binary Excel workbook (.xlsb); save it as XLSX or CSV and try again"},
		{"Index/Document.iwa", "", "x.xlsx: is an Apple Numbers document; save it as XLSX or CSV and try again"},
		{"word/document.xml", "", "x.xlsx: is a Word document; save it as XLSX or CSV and try again"},
		{"invoices.csv", "a,b", "x.xlsx: is a ZIP archive without a workbook in it; save it as XLSX or CSV and try again"},
	} {
		_, err := read("x.xlsx", zipped(t, map[string]string{c.part: c.content}))
		if err == nil || err.Error() != c.want {
			t.Errorf("%v\nwant %s", err, c.want)
		}
	}
}

func TestOpenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deny.csv")
	if err := os.WriteFile(path, []byte("docId\nA1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := show(all(t, b)); got != "1: docId\n2: A1\n" {
		t.Errorf("read %q", got)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if _, err := OpenFile(filepath.Dir(path)); err == nil {
		t.Error("a folder was opened")
	}
	if _, err := OpenFile(path + ".missing"); !os.IsNotExist(err) {
		t.Errorf("missing file: %v", err)
	}
}
