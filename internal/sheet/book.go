package sheet

import (
	"errors"
	"io"
	"iter"
	"os"
	"strings"
)

// Book is a spreadsheet that is open for reading. It is not safe for use by several goroutines at once.
type Book struct {
	name    string
	source  source
	reading Reading
	file    io.Closer // what OpenFile opened
}

// source is one format's way to give rows. It calls yield until the rows end or yield returns false;
// the error is why the rows ended early.
type source interface {
	rows(yield func(Row) bool) error
	close() error
}

// Open detects the format by content and prepares to read. The name is used only in messages.
// The reader must stay usable until Close. The error is a [*Fault] when the file is refused.
func Open(name string, r io.ReaderAt, size int64) (*Book, error) {
	b := &Book{name: name}
	if err := b.open(r, size); err != nil {
		return nil, named(name, err)
	}
	return b, nil
}

// OpenFile opens a file of this machine. Close closes it.
func OpenFile(path string) (*Book, error) {
	name := path[strings.LastIndexAny(path, `/\`)+1:]
	// Opening a pipe that nobody writes to would wait for ever.
	if info, err := os.Stat(path); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil, named(name, refuse("name a file", "is not a file"))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if info.IsDir() {
		return nil, errors.Join(named(name, refuse("name a file in it", "is a folder")), file.Close())
	}
	b, err := Open(name, file, info.Size())
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	b.file = file
	return b, nil
}

func (b *Book) open(r io.ReaderAt, size int64) (err error) {
	kind, err := detect(r, size)
	if err != nil {
		return err
	}
	if kind == XLSX {
		b.source, b.reading, err = openXLSX(r, size)
	} else {
		b.source, b.reading, err = openCSV(r, size)
	}
	return err
}

// Reading says how the file is read.
func (b *Book) Reading() Reading { return b.reading }

// Rows gives the rows of the first visible worksheet, from the first one each time it is called. Blank rows may be
// left out, but Number counts them. An error is the last thing that it gives.
func (b *Book) Rows() iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		stopped := false
		err := b.source.rows(func(row Row) bool {
			stopped = !yield(row, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(Row{}, named(b.name, err))
		}
	}
}

// Close frees what Open and OpenFile took.
func (b *Book) Close() error {
	err := b.source.close()
	if b.file != nil {
		err = errors.Join(err, b.file.Close())
	}
	return err
}

// Blank reports whether every cell is empty or white space.
func Blank(cells []string) bool {
	for _, cell := range cells {
		if strings.ContainsFunc(cell, func(r rune) bool { return !invisible(r) }) {
			return false
		}
	}
	return true
}
