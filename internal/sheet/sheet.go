// Package sheet turns the bytes of a spreadsheet into rows: CSV in any dialect and encoding, XLSX from any producer.
// It knows nothing of invoices; the caller says which headings it looks for.
package sheet

// Format is a kind of file that can be read.
type Format string

// The formats that are read. Everything else is refused with a [Fault].
const (
	CSV  Format = "csv"
	XLSX Format = "xlsx"
)

// Reading says how a file is read, for reports and for writing rows back in the same dress.
type Reading struct {
	Format    Format `json:"format"`
	Encoding  string `json:"encoding"`  // "utf-8", "utf-8-bom", "utf-16le", "utf-16be", "windows-1252", …; empty for XLSX
	Delimiter string `json:"delimiter"` // ",", ";", "\t", "|"; empty for XLSX
	Sheet     string `json:"sheet"`     // worksheet name; empty for CSV
	SepLine   bool   `json:"-"`         // the file began with a "sep=" line
	Newline   string `json:"-"`         // "\n", "\r\n" or "\r"; empty for XLSX
}

// Row is one row of cells as displayed. Number counts from 1 as a spreadsheet program shows it, blank rows included.
type Row struct {
	Number int
	Cells  []string // valid until the next row is asked for
}

// Column is a heading that a caller looks for: its canonical name and the other names it goes by.
type Column struct {
	Name     string
	Aliases  []string
	Required bool
}

// Fault is a file that cannot be read, or a place in it: one clear sentence naming file, row, column and what to do.
type Fault struct {
	File    string
	Row     int    // 0 when it is about the whole file
	Column  string // empty when it is about the whole row; a heading or a letter
	Problem string // "is a LibreOffice spreadsheet (.ods)"
	Remedy  string // "save it as XLSX or CSV and try again"
}
