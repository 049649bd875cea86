package sheet

import (
	"strings"
	"testing"
)

var wanted = []Column{
	{Name: "docId", Aliases: []string{"Document ID", "Invoice ID"}, Required: true},
	{Name: "comments", Aliases: []string{"comment", "reason", "remarks"}, Required: true},
	{Name: "action"},
}

func TestTableFindsTheHeadings(t *testing.T) {
	for _, c := range []struct {
		name, text            string
		row                   int
		docID, comments, rows string
	}{
		{"first row", "docId,comments\nA,x\n", 1, "A", "x", "2: A|x\n"},
		{"any order, other columns", "name,Comments,DOCID\nn,x,A\n", 1, "A", "x", "2: n|x|A\n"},
		{"other names", "Invoice ID;Remarks\nA;x\n", 1, "A", "x", "2: A|x\n"},
		{"punctuation, accents, blanks", "\u200b Doc_Id *:,\u00a0Comménts.\nA,x\n", 1, "A", "x", "2: A|x\n"},
		{"full-width letters", "ｄｏｃＩｄ,comments\nA,x\n", 1, "A", "x", "2: A|x\n"},
		{"titles above", "Denials\n\nprepared by,me\ndocId,comments\n , \nA,x\n", 4, "A", "x", "6: A|x\n"},
		{"the canonical name wins", "Document ID,docId,comments\nB,A,x\n", 1, "A", "x", "2: B|A|x\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, err := open(t, "x.csv", []byte(c.text)).Table(wanted)
			if err != nil {
				t.Fatal(err)
			}
			if table.HeaderRow != c.row {
				t.Errorf("headings in row %d, want %d", table.HeaderRow, c.row)
			}
			var rows []Row
			for row, err := range table.Rows() {
				if err != nil {
					t.Fatal(err)
				}
				rows = append(rows, row)
				if row.Cells[table.Index["docId"]] != c.docID || row.Cells[table.Index["comments"]] != c.comments {
					t.Errorf("columns %v of %q", table.Index, row.Cells)
				}
			}
			if got := show(rows); got != c.rows {
				t.Errorf("rows %q, want %q", got, c.rows)
			}
			if _, there := table.Index["action"]; there {
				t.Error("action is in the index but not in the file")
			}
		})
	}
}

func TestTableRefusals(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"no rows", "\n\n", "x.csv: has no rows; put the headings in the first row and try again"},
		{"no headings", "a,b\n1,2\n", `x.csv: has no column docId and no column comments; its headings are "a", "b"; name the column "docId", "Document ID" or "Invoice ID" and try again`},
		{"one is missing", "title\ndocId,note\n1,2\n", `x.csv, row 2: has no column comments beside the other headings; name the column "comments", "comment", "reason" or "remarks" and try again`},
		{"one is there twice", "docId,reason,remarks\n1,2,3\n", `x.csv, row 1: has the column comments twice: "reason" in B and "remarks" in C; rename or remove one of them and try again`},
		{"the same name twice", "docId,doc id,comments\n1,2,3\n", `x.csv, row 1: has the column docId twice: "docId" in A and "doc id" in B; rename or remove one of them and try again`},
		{"too far down", strings.Repeat("a,b\n", headingRows) + "docId,comments\n", `x.csv: has no column docId and no column comments; its headings are "a", "b"; name the column "docId", "Document ID" or "Invoice ID" and try again`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := open(t, "x.csv", []byte(c.text)).Table(wanted)
			if err == nil || err.Error() != c.want {
				t.Errorf("%v\nwant %s", err, c.want)
			}
		})
	}
}

func TestHeadingsInAFaultAreBounded(t *testing.T) {
	_, err := open(t, "x.csv", []byte(strings.Repeat(strings.Repeat("long ", 100)+",", 500)+"\n")).Table(wanted)
	if err == nil || len(err.Error()) > 1000 {
		t.Errorf("%d bytes: %.200v", len(err.Error()), err)
	}
}

func TestBlank(t *testing.T) {
	if !Blank(nil) || !Blank([]string{"", " \t\u00a0\u200b"}) || Blank([]string{"", "x"}) {
		t.Error("Blank is wrong")
	}
}
