package report

import (
	"archive/zip"
	"compress/flate"
	"fmt"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"
)

// What a worksheet can hold.
const (
	maxRows    = 1_048_576
	maxColumns = 16_384
	maxBytes   = 3 << 30 // uncompressed: beyond 4 GiB Excel asks for another kind of archive
)

// book is a workbook of any number of rows, written as they come. Package excelize makes all of it but the long
// worksheets, which it would hold in memory; those go straight into the archive, before the rest.
type book struct {
	file
	grid
	excel   *excelize.File
	archive *zip.Writer
	entries map[string]bool // what is in the archive already
	names   []string        // of the worksheets begun
	sheet   *ahead          // the worksheet being written
	size    int             // its bytes so far
}

func newBook(f file, columns int) (*book, error) {
	g, err := newGrid(columns)
	if err != nil {
		return nil, err
	}
	b := &book{file: f, grid: g, excel: excelize.NewFile(), archive: zip.NewWriter(f), entries: map[string]bool{}}
	b.archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(w, flate.BestSpeed)
	})
	return b, b.lead()
}

// lead writes the small entries by which programs tell a workbook from any other archive.
func (b *book) lead() error {
	props := &excelize.DocProperties{Creator: "denybatch", LastModifiedBy: "denybatch"}
	if err := b.excel.SetDocProps(props); err != nil {
		return err
	}
	for _, name := range []string{"_rels/.rels", "docProps/app.xml", "docProps/core.xml"} {
		content, _ := b.excel.Pkg.Load(name)
		text, _ := content.([]byte)
		w, err := b.entry(name)
		if err != nil {
			return err
		}
		if _, err := w.Write(text); err != nil {
			return err
		}
	}
	return nil
}

func (b *book) entry(name string) (io.Writer, error) {
	b.entries[name] = true
	return b.archive.Create(name)
}

// startSheet begins another worksheet. head is what stands before its rows.
func (b *book) startSheet(name, head string) error {
	b.names = append(b.names, name)
	if err := b.register(name); err != nil {
		return err
	}
	w, err := b.entry(fmt.Sprintf("xl/worksheets/sheet%d.xml", len(b.names)))
	if err != nil {
		return err
	}
	b.sheet, b.size, b.row = newAhead(w), 0, 0
	b.buf = append(b.buf, head...)
	return nil
}

// register makes excelize list the worksheet in the workbook.
func (b *book) register(name string) error {
	if len(b.names) == 1 {
		return b.excel.SetSheetName("Sheet1", name)
	}
	_, err := b.excel.NewSheet(name)
	return err
}

// full reports whether the worksheet can take no further row.
func (b *book) full(limit int) bool { return b.row >= limit || b.size > maxBytes }

// endRow ends the row, and passes on what has gathered.
func (b *book) endRow() (err error) {
	b.end()
	if len(b.buf) >= flushSize {
		b.size += len(b.buf)
		b.buf, err = b.sheet.pass(b.buf)
	}
	return err
}

// endSheet ends the worksheet.
func (b *book) endSheet() error {
	name, area := b.names[len(b.names)-1], b.area()
	if err := b.defineNames(name, area); err != nil {
		return err
	}
	b.buf = append(b.buf, endXML(area)...)
	buf, err := b.sheet.pass(b.buf)
	b.buf = buf
	return firstError(err, b.stop())
}

// defineNames tells the workbook of the worksheet's filter and of its heading, which every printed page repeats.
func (b *book) defineNames(name, area string) error {
	if strings.Contains(name, "'") {
		return nil // excelize would not quote it; the filter works without
	}
	if err := b.excel.AutoFilter(name, area, nil); err != nil {
		return err
	}
	heading := &excelize.DefinedName{Name: "_xlnm.Print_Titles", Scope: name, RefersTo: "'" + name + "'!$1:$1"}
	return b.excel.SetDefinedName(heading)
}

// stop waits for what was passed on.
func (b *book) stop() error {
	if b.sheet == nil {
		return nil
	}
	s := b.sheet
	b.sheet = nil
	return s.close()
}

// close writes the rest of the workbook.
func (b *book) close() error {
	b.excel.SetZipWriter(func(io.Writer) excelize.ZipWriter { return rest{b.archive, b.entries} })
	_, err := b.excel.WriteToBuffer()
	return err
}

func (b *book) drop() {
	_ = b.stop()
	_ = b.excel.Close()
	b.file.drop()
}

// rest takes the entries of a workbook that are not in the archive yet.
type rest struct {
	*zip.Writer
	written map[string]bool
}

func (r rest) Create(name string) (io.Writer, error) {
	if r.written[name] {
		return io.Discard, nil
	}
	return r.Writer.Create(name)
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
