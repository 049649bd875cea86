package sheet

import "io"

// xlsxFile is a workbook: where its first visible worksheet is and what its cells need to be shown.
//
// Excelize is not used to read: it passes over broken XML in silence, takes the first sheet for a worksheet whatever it
// is, shows long numbers in scientific notation, and holds shared strings as one object each. Its decryption trusts the
// lengths that a file claims, so workbooks that are encrypted are refused rather than opened with a known password.
type xlsxFile struct {
	parts    parts
	sheet    string // the worksheet's part
	texts    string // the shared strings' part, "" when there is none
	strings  *sharedStrings
	formats  []*format // by a cell's style
	date1904 bool
}

func openXLSX(r io.ReaderAt, size int64) (source, Reading, error) {
	p, err := openParts(r, size)
	if err != nil {
		return nil, Reading{}, err
	}
	if what := p.foreign(); what != "" {
		return nil, Reading{}, refuse(saveAs, "is %s", what)
	}
	f := &xlsxFile{parts: p}
	title, err := f.open()
	if err != nil {
		return nil, Reading{}, err
	}
	return f, Reading{Format: XLSX, Sheet: title}, nil
}

// open finds the parts and reads the small ones.
func (f *xlsxFile) open() (title string, err error) {
	name, err := f.parts.workbookPart()
	if err != nil {
		return "", err
	}
	book, err := f.parts.workbook(name)
	if err != nil {
		return "", err
	}
	f.date1904 = book.date1904
	relations, err := f.parts.relations(name)
	if err != nil {
		return "", err
	}
	if title, f.sheet, err = book.firstVisible(relations); err != nil {
		return "", err
	}
	if !f.parts.has(f.sheet) {
		return "", refuse(damaged, "is a damaged workbook: its worksheet %q is missing", shown(title))
	}
	f.texts = f.parts.related(relations, "sharedStrings", resolve(name, "sharedStrings.xml"))
	f.formats, err = f.parts.formats(f.parts.related(relations, "styles", resolve(name, "styles.xml")))
	return title, err
}

// related is the part of a kind that belongs to the workbook, "" when there is none. Some writers forget to relate it.
func (p parts) related(relations []relation, kind, usual string) string {
	for _, r := range relations {
		if r.kind == kind && p.has(r.target) {
			return r.target
		}
	}
	if p.has(usual) {
		return usual
	}
	return ""
}

func (f *xlsxFile) rows(yield func(Row) bool) error {
	if f.strings == nil {
		loaded, err := f.parts.sharedStrings(f.texts)
		if err != nil {
			return err
		}
		f.strings = loaded
	}
	in, err := f.parts.open(f.sheet, maxPart)
	if err != nil {
		return err
	}
	defer in.Close()
	w := worksheet{xlsxFile: f, xml: newXMLScanner(in)}
	if err := w.read(yield); err != nil {
		return partFault(f.sheet, err)
	}
	return nil
}

func (f *xlsxFile) close() error {
	if f.strings == nil {
		return nil
	}
	return f.strings.close()
}
