package report

import (
	"github.com/xuri/excelize/v2"

	"denybatch/internal/verdict"
)

// words says what a result means to the person who reads the report.
type words struct {
	meaning, remedy string
	paper, ink      string // colours of a cell
	slice           string // colour in the chart
	bold            bool
}

var denialLexicon = map[verdict.Result]words{
	verdict.Denied: {
		"InvX confirmed the denial in this batch.", "Nothing.",
		"C6EFCE", "006100", "43A047", false},
	verdict.AlreadyDenied: {
		"It was denied before this batch reached it.", "Nothing.",
		"DCE6DA", "4A5F46", "9DB59A", false},
	verdict.Rejected: {
		"InvX refused this document; its code and message say why.", "Correct the row in the retry file and send that file.",
		"FFC7CE", "9C0006", "D32F2F", false},
	verdict.Invalid: {
		"The row has faults, so it was not sent; the message names each.", "Correct the row in the retry file and send that file.",
		"FCD5B4", "974706", "EF6C00", false},
	verdict.Duplicate: {
		"The document stands on an earlier row of this file.", "Nothing, unless the message says that the comments differ.",
		"EDEDED", "595959", "9E9E9E", false},
	verdict.Skipped: {
		"An earlier report says that this row is done.", "Nothing.",
		"EDEDED", "595959", "BDBDBD", false},
	verdict.Unknown: {
		"It was sent, but neither the answer nor the document itself tells what happened.", "From the inbox: nothing, it is looked up again by itself. On one machine: run the same command again; nothing is denied twice.",
		"E4DFEC", "5B2C8A", "7B1FA2", true},
	verdict.NotSent: {
		"The batch stopped before this row.", "From the inbox: nothing, it is tried again by itself. On one machine: run the same command again.",
		"FFEB9C", "7F6000", "FBC02D", false},
	verdict.WouldSend: {
		"This was a dry run: the row is fit to be sent.", "Send the file for real.",
		"DDEBF7", "1F4E78", "1E88E5", false},
}

const (
	ink   = "1F3864"
	slate = "44546A" // behind the headings of the result columns, to tell them from the user's
)

var (
	indent    = &excelize.Alignment{Horizontal: "left", Indent: 1}
	right     = &excelize.Alignment{Horizontal: "right"}
	centre    = &excelize.Alignment{Horizontal: "center"}
	lineAbove = []excelize.Border{{Type: "top", Color: ink, Style: 1}}
)

// Number formats that every spreadsheet program knows.
const (
	thousands = 3  // "#,##0"
	textual   = 49 // "@": what is typed stays text
)

func resultStyle(w words) *excelize.Style {
	return &excelize.Style{Font: font(11, w.ink, w.bold), Fill: solid(w.paper)}
}

func headingStyle(paper string, align *excelize.Alignment) *excelize.Style {
	return &excelize.Style{Font: font(11, "FFFFFF", true), Fill: solid(paper), Alignment: align}
}

func textStyle() *excelize.Style { return &excelize.Style{NumFmt: textual} }

func font(size float64, colour string, bold bool) *excelize.Font {
	return &excelize.Font{Family: "Calibri", Size: size, Color: colour, Bold: bold}
}

func solid(colour string) excelize.Fill {
	return excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{colour}}
}

// xlsxStyles is the styles of report.xlsx, for the worksheets written here and for those that excelize writes.
type xlsxStyles struct {
	heading, resultHeading, text, row            style
	headingID, headingRightID, headingIndentedID int
	textID                                       int
	results                                      map[verdict.Result]style
	resultIDs                                    map[verdict.Result]int
}

func newXLSXStyles(x *excelize.File, of *genre) (s xlsxStyles, err error) {
	id := func(style *excelize.Style) int {
		n, fault := x.NewStyle(style)
		err = firstError(err, fault)
		return n
	}
	s.headingID = id(headingStyle(ink, nil))
	s.headingRightID = id(headingStyle(ink, right))
	s.headingIndentedID = id(headingStyle(ink, indent))
	s.textID = id(textStyle())
	s.heading, s.text = styleOf(s.headingID), styleOf(s.textID)
	s.resultHeading = styleOf(id(headingStyle(slate, nil)))
	s.row = styleOf(id(&excelize.Style{Alignment: centre}))
	s.results, s.resultIDs = map[verdict.Result]style{}, map[verdict.Result]int{}
	for _, r := range of.results {
		s.resultIDs[r] = id(resultStyle(of.lexicon[r]))
		s.results[r] = styleOf(s.resultIDs[r])
	}
	return s, err
}
