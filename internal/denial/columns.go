package denial

import (
	"denybatch/internal/report"
	"denybatch/internal/sheet"
)

// The columns that a denial batch is about, by their canonical names.
const (
	colDocID   = "docId"
	colComment = "comments"
	colAction  = "action"
)

// columns are the headings that business users give them, in the languages they write to us in. Sheet folds case,
// accents and punctuation, so one spelling of each stands for many.
var columns = []sheet.Column{
	{Name: colDocID, Required: true, Aliases: []string{
		"document id", "documentid", "doc-id", "edocument id", "invoice document id", "invx id", "invx document id",
		"id do documento", "id documento", "documento", "documento id", "id del documento", "identificador do documento",
		"dokument-id", "dokumenten-id", "beleg-id", "id du document", "identifiant du document", "document uuid", "doc uuid",
	}},
	{Name: colComment, Required: true, Aliases: []string{
		"comment", "reason", "reasons", "denial reason", "reason for denial", "denial comment", "denial comments",
		"rejection reason", "reason for rejection", "refusal reason", "reason for refusal", "remark", "remarks",
		"motivo", "motivo da recusa", "motivo da negação", "motivo de rechazo", "comentário", "comentários", "comentario", "comentarios",
		"justificativa", "observação", "observações", "grund", "ablehnungsgrund", "begründung", "kommentar", "bemerkung",
		"motif", "raison", "commentaire", "commentaires", "कारण", "टिप्पणी",
	}},
	{Name: colAction, Aliases: []string{"action code", "ação", "acao", "acción", "aktion", "operation", "operação"}},
}

// weak are names that mean a document only where nothing better stands in the heading row.
var weak = map[string][]string{
	colDocID:   {"id", "uuid", "document", "doc", "dokument", "beleg", "invoice id", "invoiceid"},
	colComment: {"note", "notes", "text", "message", "description", "nota", "mensagem", "hinweis"},
}

// findTable finds the heading row: by the usual names first, by weaker ones if that fails. The first failure is the
// one to tell, because it lists the names that we would rather see.
func findTable(b *sheet.Book) (*sheet.Table, error) {
	table, err := b.Table(columns)
	if err == nil {
		return table, nil
	}
	more := make([]sheet.Column, len(columns))
	for i, c := range columns {
		c.Aliases = append(append([]string(nil), c.Aliases...), weak[c.Name]...)
		more[i] = c
	}
	if table, retryErr := b.Table(more); retryErr == nil {
		return table, nil
	}
	return nil, err
}

// resultColumn is where the result columns of an earlier report begin in header, or -1. All of them must stand there in
// their order: a user's own column that happens to be called "result" decides nothing.
func resultColumn(header []string) int {
	want := report.Columns()
	for i := len(header) - len(want); i >= 0; i-- {
		if equal(header[i:i+len(want)], want) {
			return i
		}
	}
	return -1
}

func equal(a, b []string) bool {
	for i := range b {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
