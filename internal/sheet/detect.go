package sheet

import (
	"bytes"
	"io"
	"regexp"
	"strings"
	"unicode/utf16"
)

const headSize = 64 << 10

// detect tells a workbook from text by the first bytes and refuses everything that is known to be neither.
func detect(r io.ReaderAt, size int64) (Format, error) {
	if size == 0 {
		return "", refuse("export it again and try again", "is empty")
	}
	head, err := readHead(r, size)
	if err != nil {
		return "", err
	}
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")), bytes.HasPrefix(head, []byte("PK\x07\x08")):
		return XLSX, nil
	case bytes.HasPrefix(head, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")):
		return "", compound(r, size)
	}
	if what := signature(head); what != "" {
		return "", refuse(saveAs, "is %s, not a spreadsheet that can be read", what)
	}
	return CSV, nil
}

func readHead(r io.ReaderAt, size int64) ([]byte, error) {
	head := make([]byte, min(size, headSize))
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return nil, err
	}
	return head[:n], nil
}

// signatures are beginnings that no text table has.
var signatures = []struct{ begin, what string }{
	{"%PDF-", "a PDF"},
	{"\x89PNG\r\n", "a PNG picture"},
	{"\xFF\xD8\xFF", "a JPEG picture"},
	{"GIF8", "a GIF picture"},
	{"\x1F\x8B", "a gzip archive"},
	{"BZh", "a bzip2 archive"},
	{"\xFD7zXZ\x00", "an xz archive"},
	{"\x28\xB5\x2F\xFD", "a zstd archive"},
	{"7z\xBC\xAF\x27\x1C", "a 7-Zip archive"},
	{"Rar!\x1A\x07", "a RAR archive"},
	{`{\rtf`, "a rich-text document"},
	{"\x09\x00\x04\x00", "an old Excel worksheet (.xls)"},
	{"\x09\x02\x06\x00", "an old Excel worksheet (.xls)"},
	{"\x09\x04\x06\x00", "an old Excel worksheet (.xls)"},
	{"\x09\x08\x08\x00\x00\x05", "an old Excel workbook (.xls)"},
	{"\x09\x08\x10\x00\x00\x06", "an old Excel workbook (.xls)"},
	{"\x00\x00\x02\x00\x04\x04", "a Lotus 1-2-3 worksheet"},
	{"\x00\x00\x02\x00\x06\x04", "a Lotus 1-2-3 worksheet"},
	{"\x00\x00\x1A\x00", "a Lotus 1-2-3 worksheet"},
	{"SQLite format 3\x00", "a SQLite database"},
	{"PAR1", "a Parquet file"},
	{"\x7FELF", "a program"},
}

func signature(head []byte) string {
	for _, s := range signatures {
		if bytes.HasPrefix(head, []byte(s.begin)) {
			return s.what
		}
	}
	return ""
}

// compound refuses an OLE container, the envelope of old Office documents and of encrypted new ones. Its directory
// may stand anywhere in the file and names its streams in UTF-16.
func compound(r io.ReaderAt, size int64) *Fault {
	streams := []struct{ name, problem, remedy string }{
		{"EncryptedPackage", "is protected by a password", "save it without a password and try again"},
		{"Workbook", "is an old Excel workbook (.xls)", saveAs},
		{"Book", "is an old Excel workbook (.xls)", saveAs},
		{"WordDocument", "is a Word document", saveAs},
		{"PowerPoint Document", "is a PowerPoint presentation", saveAs},
	}
	found := make([]bool, len(streams))
	for chunk := range chunksOf(r, size, 64) {
		for i, s := range streams {
			found[i] = found[i] || bytes.Contains(chunk, wide(s.name))
		}
	}
	for i, s := range streams {
		if found[i] {
			return refuse(s.remedy, "%s", s.problem)
		}
	}
	return refuse(saveAs, "is an old Office document, not a spreadsheet that can be read")
}

// wide is s in UTF-16LE with its terminating zero.
func wide(s string) []byte {
	var out []byte
	for _, u := range append(utf16.Encode([]rune(s)), 0) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// chunksOf reads the whole of r; consecutive chunks share `overlap` bytes. It ends early where reading fails.
func chunksOf(r io.ReaderAt, size int64, overlap int) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		buf := make([]byte, 256<<10)
		for at := int64(0); at < size; at += int64(len(buf) - overlap) {
			n, err := r.ReadAt(buf, at)
			if n > 0 && !yield(buf[:n]) || err != nil {
				return
			}
		}
	}
}

var (
	markup = regexp.MustCompile(`(?i)^<(\?xml|!doctype|!--|html|head|body|meta|style|table|div|center|font|workbook|ss:|office:|script|title|link|base\b|x:|svg)`)
	sylk   = regexp.MustCompile(`^ID;P[^\r\n]*\r?[\r\n](P|F|B|C|O|NN|NU|NL|W|E)(;|\r|\n)`)
	dif    = regexp.MustCompile(`^TABLE\r?\n0,1\r?\n`)
)

// disguised refuses text that is another format under a spreadsheet's name. text is the beginning, decoded.
func disguised(text string) error {
	begin := strings.TrimLeftFunc(text, invisible)
	switch {
	case strings.HasPrefix(begin, "<?xml"), strings.HasPrefix(begin, "<?mso"):
		return refuse(saveAs, "is an XML file, not a spreadsheet that can be read")
	case markup.MatchString(begin):
		return refuse(saveAs, "is a web page (HTML) under a spreadsheet's name")
	case sylk.MatchString(text):
		return refuse(saveAs, "is a SYLK file (.slk)")
	case dif.MatchString(text):
		return refuse(saveAs, "is a DIF file")
	case strings.HasPrefix(begin, "MIME-Version:"):
		return refuse(saveAs, "is a single-file web page under a spreadsheet's name")
	}
	return nil
}
