package denial

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"denybatch/internal/sheet"
)

// fault is one thing wrong with a row: a code for machines, a clause for people.
type fault struct{ code, clause string }

type faults []fault

func (f faults) codes() string {
	return f.join(" ", func(x fault) string { return x.code })
}

func (f faults) sentence() string {
	return f.join("; ", func(x fault) string { return x.clause })
}

func (f faults) join(sep string, part func(fault) string) string {
	parts := make([]string, len(f))
	for i, x := range f {
		parts[i] = part(x)
	}
	return strings.Join(parts, sep)
}

// faults names everything that is wrong with an entry, not only the first.
func (p *plan) faults(e Entry, cells []string) faults {
	var all faults
	if f := p.idFault(e.DocID); f.code != "" {
		all = append(all, f)
	}
	if f := p.commentFault(e.Comment); f.code != "" {
		all = append(all, f)
	}
	if p.action >= 0 {
		if f := p.actionFault(sheet.Trim(at(cells, p.action))); f.code != "" {
			all = append(all, f)
		}
	}
	return all
}

func (p *plan) idFault(id string) fault {
	column := p.docColumn
	spoilt, clause := sheet.Spoilt(id)
	switch {
	case id == "":
		return fault{"missing-document-id", column + " is empty: enter the document's id"}
	case isUUID(id):
		return fault{}
	case spoilt == sheet.CodeFormulaError:
		return fault{"formula-error", column + " " + clause}
	case spoilt != "":
		return fault{"malformed-document-id", column + " " + clause}
	case utf8.RuneCountInString(id) > maxDocID:
		return fault{"malformed-document-id", fmt.Sprintf("%s holds %d characters: an id has at most %d", column, utf8.RuneCountInString(id), maxDocID)}
	case strings.ContainsFunc(id, unprintable):
		return fault{"malformed-document-id", column + " holds white space or unprintable characters inside the id: enter the id alone"}
	case p.uuids:
		return fault{"malformed-document-id", fmt.Sprintf("%s holds %q, which is not an id like the others (8-4-4-4-12 hexadecimal digits): copy the document's id from InvX", column, id)}
	}
	return fault{}
}

func (p *plan) commentFault(comment string) fault {
	column := p.commentColumn
	switch n := len(comment); {
	case n == 0:
		return fault{"missing-comment", column + " is empty: say why the invoice is denied"}
	case sheet.IsFormulaError(comment):
		return fault{"formula-error", fmt.Sprintf("%s holds the error %s: mend the formula", column, comment)}
	case n > maxComment && utf8.RuneCountInString(comment) > maxComment:
		return fault{"comment-too-long", fmt.Sprintf("%s holds %d characters: shorten it to %d", column, utf8.RuneCountInString(comment), maxComment)}
	case strings.ContainsFunc(comment, control):
		return fault{"unprintable-comment", column + " holds control characters: type the comment anew"}
	}
	return fault{}
}

func (p *plan) actionFault(action string) fault {
	switch strings.ToLower(action) {
	case "", "dny", "deny", "denied", "reject", "refuse", "recusar", "negar", "rechazar", "ablehnen", "refuser":
		return fault{}
	}
	return fault{"other-action", fmt.Sprintf("%s says %q: denybatch only denies, so write dny or leave it empty", p.actionColumn, action)}
}

func unprintable(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

// control reports characters that no comment has a use for. Line breaks and tabs are typed into cells on purpose.
func control(r rune) bool {
	return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t'
}
