package sweep

import (
	"fmt"
	"slices"
	"strings"

	"denybatch/internal/report"
	"denybatch/internal/request"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

// The columns of a reprocess file, by their canonical names.
const (
	colRequest     = "requestId"
	colIntegration = "integrationId"
	colConfirm     = "confirm"
)

// columns are the headings that people give them. Sheet folds case, accents and punctuation.
var columns = []sheet.Column{
	{Name: colRequest, Required: true, Aliases: []string{
		"request", "requests", "roit request id", "roit id", "id request", "request number", "request uuid",
		"id da requisição", "id requisição", "requisição", "id da solicitação", "id solicitação", "solicitação",
		"id de solicitud", "id solicitud", "solicitud", "anforderungs-id", "anfrage-id", "anfrage", "id de la demande", "demande",
	}},
	{Name: colIntegration, Aliases: []string{
		"integration", "roit integration id", "id integration", "id da integração", "id integração", "integração",
		"id de integración", "integración", "integrations-id", "id d'intégration", "intégration",
	}},
	{Name: colConfirm, Aliases: []string{"confirmed", "confirmation", "confirmar", "confirma", "confirmado", "confirmação", "bestätigt", "bestätigen", "confirmer", "confirmé"}},
}

// findTable finds the headings; "id" alone means a request only where nothing better stands.
func findTable(b *sheet.Book) (*sheet.Table, error) {
	table, err := b.Table(columns)
	if err == nil {
		return table, nil
	}
	weaker := slices.Clone(columns)
	weaker[0].Aliases = append(slices.Clone(weaker[0].Aliases), "id", "uuid")
	if table, again := b.Table(weaker); again == nil {
		return table, nil
	}
	return nil, err
}

// order is what a row of a file asks for: a request, or why not.
type order struct {
	row       int
	id        request.ID
	confirm   string // as it is written
	confirmed bool
	ruling    *request.Ruling // why it is not asked for
}

// reader makes orders of the rows of a table.
type reader struct {
	table       *sheet.Table
	integration string // of the folder, for rows that name none
	csv         bool
	first       map[string]order // by the request's id in the index
}

func newReader(t *sheet.Table, integration string, format sheet.Format) *reader {
	return &reader{t, integration, format == sheet.CSV, map[string]order{}}
}

func (r *reader) order(row sheet.Row) order {
	o := order{row: row.Number, confirm: r.cell(row, colConfirm)}
	o.id = request.ID{Integration: r.cell(row, colIntegration), Request: r.cell(row, colRequest)}
	if o.id.Integration == "" {
		o.id.Integration = r.integration
	}
	if faults := r.faults(&o); len(faults) > 0 {
		o.ruling = faults.ruling()
		return o
	}
	if first, known := r.first[o.id.Index()]; known {
		o.ruling = duplicate(first, o)
		return o
	}
	r.first[o.id.Index()] = o
	return o
}

func duplicate(first, o order) *request.Ruling {
	ruling := &request.Ruling{Result: verdict.Duplicate, Code: "duplicate-request", Message: fmt.Sprintf("same request as row %d", first.row)}
	if first.confirmed != o.confirmed {
		ruling.Code = "duplicate-request-other-confirm"
		ruling.Message += fmt.Sprintf(", where confirm differs; row %d counts", first.row)
	}
	return ruling
}

// cell is a cell of a row by its column's canonical name, as its writer meant it.
func (r *reader) cell(row sheet.Row, column string) string {
	i, ok := r.table.Index[column]
	if !ok || i >= len(row.Cells) {
		return ""
	}
	text := row.Cells[i]
	if r.csv {
		text = report.Unescape(text)
	}
	return sheet.Trim(text)
}

// name is a column as the user calls it.
func (r *reader) name(column string) string {
	i, ok := r.table.Index[column]
	if !ok {
		return "the name of the folder"
	}
	return fmt.Sprintf("column %q", sheet.Trim(r.table.Header[i]))
}

type faults []struct{ code, clause string }

func (f *faults) add(code, format string, args ...any) {
	*f = append(*f, struct{ code, clause string }{code, fmt.Sprintf(format, args...)})
}

func (f faults) ruling() *request.Ruling {
	var codes, clauses []string
	for _, x := range f {
		codes, clauses = append(codes, x.code), append(clauses, x.clause)
	}
	return &request.Ruling{Result: verdict.Invalid, Code: strings.Join(codes, " "), Message: strings.Join(clauses, "; ")}
}

// faults names everything that is wrong with a row, not only the first, and reads what confirm says.
func (r *reader) faults(o *order) faults {
	var all faults
	idFault(&all, r.name(colRequest), "request", o.id.Request)
	idFault(&all, r.name(colIntegration), "integration", o.id.Integration)
	switch strings.ToLower(o.confirm) {
	case "yes", "y", "true", "1", "sim", "s", "sí", "si", "ja", "oui", "x":
		o.confirmed = true
	case "", "no", "n", "false", "0", "não", "nao", "nein", "non":
	default:
		all.add("unclear-confirm", "%s says %q: write yes to ask again for a request that was asked for before, or leave it empty", r.name(colConfirm), o.confirm)
	}
	return all
}

func idFault(all *faults, column, what, id string) {
	if id == "" {
		all.add("missing-"+what+"-id", "%s is empty: enter the %s's id", column, what)
		return
	}
	if code, clause := sheet.Spoilt(id); code != "" {
		all.add(code, "%s %s", column, clause)
		return
	}
	if err := (request.ID{Integration: "-", Request: id}).Check(); err != nil {
		all.add("malformed-"+what+"-id", "%s: %s", column, strings.Replace(err.Error(), "request", what, 1))
	}
}
