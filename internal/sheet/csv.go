package sheet

import "io"

const asUTF8 = `save it as "CSV UTF-8" or XLSX and try again`

// csvFile is a text table: where its text is and how it is cut into cells.
type csvFile struct {
	r       io.ReaderAt
	size    int64
	charset charset
	dialect dialect
}

// openCSV reads the whole file once for its encoding and the beginning for its dialect.
func openCSV(r io.ReaderAt, size int64) (source, Reading, error) {
	c, found, err := detectCharset(r, size)
	if err != nil {
		return nil, Reading{}, err
	}
	f := &csvFile{r: r, size: size, charset: c}
	head, err := f.head()
	if err != nil {
		return nil, Reading{}, err
	}
	if err := disguised(string(head)); err != nil {
		return nil, Reading{}, err
	}
	f.dialect = sniff(head, f.size > headSize)
	if err := f.check(found); err != nil {
		return nil, Reading{}, err
	}
	return f, f.reading(), nil
}

func (f *csvFile) reading() Reading {
	return Reading{
		Format:    CSV,
		Encoding:  f.charset.name,
		Delimiter: string(rune(f.dialect.delimiter)),
		SepLine:   f.dialect.sepLine > 0,
		Newline:   f.dialect.newline,
	}
}

// head is the beginning of the text, decoded.
func (f *csvFile) head() ([]byte, error) {
	head, err := io.ReadAll(io.LimitReader(f.charset.text(f.r, f.size), headSize))
	if err != nil && len(head) == 0 {
		return nil, err
	}
	return head, nil
}

// check refuses what is not text, or text whose encoding cannot be told.
func (f *csvFile) check(found census) error {
	switch {
	case found.controls*10 > int(min(f.size, headSize)) && f.size > 64:
		return refuse(saveAs, "is not a spreadsheet that can be read")
	case found.zero >= 0:
		return f.fault(found.zero, "holds a NUL character", "remove it, or export the file again, and try again")
	case found.invalid >= 0:
		return f.fault(found.invalid, "is not valid UTF-8 like the rest of the file", asUTF8)
	case f.charset.name == western.name && !looksWestern(f.r, f.size):
		return refuse(asUTF8, "is in an encoding that is neither UTF-8, UTF-16 nor Windows-1252")
	}
	return nil
}

// fault is about the row that holds the byte at offset.
func (f *csvFile) fault(offset int64, problem, remedy string) error {
	t := f.tokenizer(io.NewSectionReader(f.r, int64(f.charset.mark), offset-int64(f.charset.mark)))
	t.lenient = true
	for t.next() {
	}
	row := max(t.row, 1)
	if t.err == nil && t.lineEnded {
		row++
	}
	return &Fault{Row: row, Problem: problem, Remedy: remedy}
}

func (f *csvFile) tokenizer(text io.Reader) *tokenizer {
	t := newTokenizer(text, f.dialect.delimiter)
	t.skip(f.dialect.sepLine)
	return t
}

func (f *csvFile) rows(yield func(Row) bool) error {
	t := f.tokenizer(f.charset.text(f.r, f.size))
	for t.next() {
		if !yield(Row{Number: t.row, Cells: t.cells}) {
			return nil
		}
	}
	return t.err
}

func (f *csvFile) close() error { return nil }
