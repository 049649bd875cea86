package main

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// forge makes files that no text editor makes.
func forge(t *testing.T, kind string) string {
	t.Helper()
	switch kind {
	case "workbook":
		return workbookWith(t, "")
	case "locked":
		return workbookWith(t, "secret")
	case "truncated":
		whole := workbookWith(t, "")
		return whole[:len(whole)*2/3]
	case "xls":
		return "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + string(make([]byte, 600)) + "W\x00o\x00r\x00k\x00b\x00o\x00o\x00k\x00" + string(make([]byte, 400))
	case "ods":
		return zipWith(t, "mimetype", "application/vnd.oasis.opendocument.spreadsheet")
	case "nul":
		return "docId,comments\n" + strings.Repeat("\x00", 300) + "\n"
	case "empty":
		return ""
	}
	t.Fatalf("cannot forge %q", kind)
	return ""
}

func workbookWith(t *testing.T, password string) string {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	for cell, value := range map[string]string{"A1": "docId", "B1": "comments", "A2": "a1", "B2": "Not ours", "A3": "a2", "B3": "Not ours"} {
		if err := f.SetCellStr("Sheet1", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := f.Write(&b, excelize.Options{Password: password}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zipWith(t *testing.T, name, content string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = w.Write([]byte(content))
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}
