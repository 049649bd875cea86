package report

import (
	"fmt"

	"github.com/xuri/excelize/v2"
)

// Where the chart stands: beside the facts, above the table.
const (
	chartTop    = 3
	chartRows   = 18 // more than it needs: programs differ in the height of a row
	chartPixels = 300
)

// page writes the overview from the top down. After an error it does nothing.
type page struct {
	excel              *excelize.File
	styles             xlsxStyles
	row                int
	big, bold, label   int
	plain, indented    int
	number, sum, total int
	err                error
}

func newPage(x *excelize.File, styles xlsxStyles) *page {
	p := &page{excel: x, styles: styles, row: 1}
	p.big = p.style(&excelize.Style{Font: font(18, ink, true)})
	p.bold = p.style(&excelize.Style{Font: font(12, ink, true)})
	p.label = p.style(&excelize.Style{Font: font(11, "595959", false)})
	p.indented = p.style(&excelize.Style{Alignment: indent})
	p.number = p.style(&excelize.Style{NumFmt: thousands})
	p.sum = p.style(&excelize.Style{NumFmt: thousands, Font: font(11, ink, true), Border: lineAbove})
	p.total = p.style(&excelize.Style{Alignment: indent, Font: font(11, ink, true), Border: lineAbove})
	for col, width := range map[string]float64{"A": 20, "B": 16, "C": 72, "D": 58} {
		p.try(x.SetColWidth(overviewSheet, col, col, width))
	}
	p.try(x.SetSheetView(overviewSheet, 0, &excelize.ViewOptions{ShowGridLines: new(false)}))
	p.try(x.SetSheetProps(overviewSheet, &excelize.SheetPropsOptions{FitToPage: new(true)}))
	p.try(x.SetPageLayout(overviewSheet, &excelize.PageLayoutOptions{Orientation: new("landscape")}))
	return p
}

func (p *page) try(err error) { p.err = firstError(p.err, err) }

func (p *page) style(s *excelize.Style) int {
	id, err := p.excel.NewStyle(s)
	p.try(err)
	return id
}

// put writes a value in this row. Texts are never formulas.
func (p *page) put(col string, value any, style int) {
	cell := fmt.Sprint(col, p.row)
	switch v := value.(type) {
	case string:
		p.try(p.excel.SetCellStr(overviewSheet, cell, v))
	case int:
		p.try(p.excel.SetCellInt(overviewSheet, cell, int64(v)))
	}
	p.try(p.excel.SetCellStyle(overviewSheet, cell, cell, style))
}

func (p *page) title(title, subtitle string) {
	p.put("A", title, p.big)
	p.try(p.excel.SetRowHeight(overviewSheet, p.row, 28))
	p.row++
	p.put("A", subtitle, p.bold)
	p.row += 2
}

// facts writes a heading and what is known below it.
func (p *page) facts(heading string, facts []fact) {
	p.put("A", heading, p.bold)
	p.row++
	for _, f := range facts {
		if f.value == "" {
			continue
		}
		p.put("A", f.name, p.label)
		p.put("B", f.value, p.plain)
		p.row++
	}
	p.row++
}

// results writes how many rows have each result, what that means and what to do, with the sums below and a chart.
func (p *page) results(s Summary, of *genre) {
	p.row = max(p.row, chartTop+chartRows)
	p.put("A", "Result", p.styles.headingID)
	p.put("B", of.nouns, p.styles.headingRightID)
	p.put("C", "What it means", p.styles.headingIndentedID)
	p.put("D", "What to do", p.styles.headingID)
	p.row++
	first := p.row
	for _, r := range of.results {
		p.put("A", string(r), p.styles.resultIDs[r])
		p.put("B", s.Counts[r], p.number)
		p.put("C", of.lexicon[r].meaning, p.indented)
		p.put("D", of.lexicon[r].remedy, p.plain)
		p.row++
	}
	p.put("A", "Sum", p.sum)
	p.put("B", s.Rows, p.sum)
	p.put("C", of.equation(s.Rows, s.Counts), p.total)
	p.put("D", "", p.total)
	p.try(p.excel.AddChart(overviewSheet, fmt.Sprint("D", chartTop), countsChart(first, p.row-1, of)))
	p.row += 2
}

func (p *page) notes(notes []string) {
	if len(notes) == 0 {
		return
	}
	p.put("A", "Notes", p.bold)
	p.row++
	for _, n := range notes {
		p.put("A", n, p.plain)
		p.row++
	}
}

// countsChart is a ring of the counts in these rows, each in its result's colour.
func countsChart(first, last int, of *genre) *excelize.Chart {
	slices := make([]excelize.ChartDataPoint, len(of.results))
	for i, r := range of.results {
		slices[i] = excelize.ChartDataPoint{Index: i, Fill: solid(of.lexicon[r].slice)}
	}
	return &excelize.Chart{
		Type: excelize.Doughnut,
		Series: []excelize.ChartSeries{{
			Name:       of.nouns,
			Categories: fmt.Sprintf("%s!$A$%d:$A$%d", overviewSheet, first, last),
			Values:     fmt.Sprintf("%s!$B$%d:$B$%d", overviewSheet, first, last),
			DataPoint:  slices,
		}},
		Title:     excelize.ChartTitle{Paragraph: []excelize.RichTextRun{{Text: of.nouns + " by result"}}},
		Legend:    excelize.ChartLegend{Position: "right"},
		Dimension: excelize.ChartDimension{Width: 400, Height: chartPixels},
		HoleSize:  55,
	}
}
