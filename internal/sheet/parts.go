package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"golang.org/x/text/transform"
)

// Bounds against archives that unpack to far more than a spreadsheet can be.
const (
	maxPart  = 4 << 30  // a worksheet of 1,048,576 rows may be large
	maxSmall = 64 << 20 // a part that is held in memory
	maxRatio = 300      // real parts shrink to a fifth or a fiftieth
	freeSize = 64 << 20 // up to here the ratio does not matter
	maxParts = 100_000
)

const damaged = "open it in a spreadsheet program, save it as XLSX and try again"

// parts are the files of a workbook's archive by name, without regard to case: part names are so by their standard.
type parts map[string]*zip.File

func openParts(r io.ReaderAt, size int64) (parts, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, refuse("copy or download it again and try again", "is a damaged or incomplete workbook")
	}
	if len(archive.File) > maxParts {
		return nil, refuse(damaged, "has more than %d parts", maxParts)
	}
	p := parts{}
	for _, file := range archive.File {
		if _, twice := p[partKey(file.Name)]; !twice {
			p[partKey(file.Name)] = file
		}
	}
	return p, nil
}

func partKey(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

func (p parts) has(name string) bool {
	_, ok := p[partKey(name)]
	return ok
}

// foreign names what the archive is when it is not a workbook that can be read.
func (p parts) foreign() string {
	if file, ok := p["mimetype"]; ok {
		if kind, err := content(file, 200); err == nil && bytes.Contains(kind, []byte("opendocument")) {
			return openDocument(string(kind))
		}
	}
	if p.has("content.xml") && p.has("META-INF/manifest.xml") {
		return "an OpenDocument file"
	}
	for name, what := range map[string]string{
		"xl/workbook.bin":      "a binary Excel workbook (.xlsb)",
		"word/document.xml":    "a Word document",
		"ppt/presentation.xml": "a PowerPoint presentation",
		"index.zip":            "an Apple Numbers document",
		"index/document.iwa":   "an Apple Numbers document",
		"index/metadata.iwa":   "an Apple Numbers document",
	} {
		if p.has(name) {
			return what
		}
	}
	return ""
}

func openDocument(kind string) string {
	if strings.Contains(kind, "spreadsheet") {
		return "a LibreOffice spreadsheet (.ods)"
	}
	return "an OpenDocument file"
}

func content(file *zip.File, limit int64) ([]byte, error) {
	in, err := file.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(io.LimitReader(in, limit))
}

// open reads a part as UTF-8, bounded to what is plausible. The limit is in bytes.
func (p parts) open(name string, limit int64) (io.ReadCloser, error) {
	file, ok := p[partKey(name)]
	if !ok {
		return nil, refuse(damaged, "is a damaged workbook: its part %s is missing", shown(name))
	}
	if file.Flags&1 != 0 {
		return nil, refuse("save it without a password and try again", "is protected by a password")
	}
	in, err := file.Open()
	if err != nil {
		return nil, refuse(damaged, "is a damaged workbook: its part %s cannot be unpacked", shown(name))
	}
	text, err := decodeXML(&bounded{in: in, limit: limit, packed: int64(file.CompressedSize64)})
	if err != nil {
		in.Close()
		return nil, partFault(name, err)
	}
	return struct {
		io.Reader
		io.Closer
	}{text, in}, nil
}

// scan calls visit for every token of a part.
func (p parts) scan(name string, limit int64, visit func(x *xmlScanner) error) error {
	in, err := p.open(name, limit)
	if err != nil {
		return err
	}
	defer in.Close()
	x := newXMLScanner(in)
	for {
		err := x.next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = visit(x)
		}
		if err != nil {
			return partFault(name, err)
		}
	}
}

// partFault says which part of the workbook is in trouble.
func partFault(name string, err error) error {
	switch err := err.(type) {
	case *Fault:
		return err
	default:
		return refuse(damaged, "is a damaged workbook: its part %s %s", shown(name), reason(err))
	}
}

func reason(err error) string {
	for _, known := range []error{errTruncated, errDoctype, errTooLarge} {
		if err == known {
			return err.Error()
		}
	}
	if text := err.Error(); strings.HasPrefix(text, errMalformed.Error()) {
		return text
	}
	return fmt.Sprintf("cannot be unpacked (%v)", err)
}

var errTooLarge = fmt.Errorf("unpacks to more than a spreadsheet can hold")

// bounded stops a part that unpacks to more than it may.
type bounded struct {
	in            io.Reader
	limit, packed int64
	read          int64
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.in.Read(p)
	b.read += int64(n)
	if b.read > b.limit || b.read > freeSize && b.read > b.packed*maxRatio {
		return 0, errTooLarge
	}
	return n, err
}

var declared = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=\s*["']([^"']+)["']`)

// decodeXML turns a part into UTF-8. Writers that use anything else are rare but real.
func decodeXML(in io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(in, 64<<10)
	head, err := buffered.Peek(256)
	if err != nil && err != io.EOF {
		return nil, err
	}
	for _, m := range marks {
		if bytes.HasPrefix(head, []byte(m.begin)) {
			buffered.Discard(m.mark)
			if m.enc == nil {
				return buffered, nil
			}
			return transform.NewReader(buffered, m.enc.NewDecoder()), nil
		}
	}
	if c, ok := unmarkedUTF16(head); ok {
		return transform.NewReader(buffered, c.enc.NewDecoder()), nil
	}
	found := declared.FindSubmatch(head)
	if found == nil {
		return buffered, nil
	}
	switch name := strings.ToLower(string(found[1])); name {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return buffered, nil
	case "iso-8859-1", "latin1", "windows-1252":
		return transform.NewReader(buffered, western.enc.NewDecoder()), nil
	default:
		return nil, fmt.Errorf("%w: its encoding %q is not known", errMalformed, name)
	}
}

// resolve is the part that a relationship's target means, seen from the part that holds the relationship.
func resolve(from, target string) string {
	target = strings.ReplaceAll(target, `\`, "/")
	if strings.HasPrefix(target, "/") {
		return path.Clean(target)[1:]
	}
	return path.Join(path.Dir(from), target)
}
