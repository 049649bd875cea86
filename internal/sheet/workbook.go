package sheet

import (
	"path"
	"strings"
)

// relation points from one part to another.
type relation struct{ id, kind, target string }

// relations reads the relationships of a part; "" stands for the package itself. There are none when the part is missing.
func (p parts) relations(of string) ([]relation, error) {
	name := path.Join(path.Dir(of), "_rels", path.Base(of)+".rels")
	if of == "" {
		name = "_rels/.rels"
	}
	if !p.has(name) {
		return nil, nil
	}
	var found []relation
	err := p.scan(name, maxSmall, func(x *xmlScanner) error {
		if x.kind != xmlStart || string(x.name) != "Relationship" || string(x.attr("TargetMode")) == "External" {
			return nil
		}
		r := relation{id: string(x.attr("Id")), kind: path.Base(string(x.attr("Type")))}
		target, err := x.attrText("Target")
		r.target = resolve(of, target)
		found = append(found, r)
		return err
	})
	return found, err
}

// workbookPart finds the part that lists the worksheets, by the package's relationships or at its usual place.
func (p parts) workbookPart() (string, error) {
	relations, err := p.relations("")
	if err != nil {
		return "", err
	}
	for _, r := range relations {
		if r.kind == "officeDocument" && p.has(r.target) {
			return r.target, nil
		}
	}
	if usual := "xl/workbook.xml"; p.has(usual) {
		return usual, nil
	}
	return "", refuse(saveAs, "is a ZIP archive without a workbook in it")
}

// workbook is what the workbook part says of the whole.
type workbook struct {
	sheets   []sheetEntry
	date1904 bool // days count from 1904, as old Macs did
}

type sheetEntry struct{ name, id, state string }

func (p parts) workbook(name string) (workbook, error) {
	var w workbook
	err := p.scan(name, maxSmall, func(x *xmlScanner) error {
		if x.kind != xmlStart {
			return nil
		}
		switch string(x.name) {
		case "workbookPr":
			w.date1904 = w.date1904 || truth(x.attr("date1904"))
		case "sheet":
			title, err := x.attrText("name")
			w.sheets = append(w.sheets, sheetEntry{title, string(x.attr("id")), string(x.attr("state"))})
			return err
		}
		return nil
	})
	return w, err
}

func truth(value []byte) bool {
	return string(value) == "1" || strings.EqualFold(string(value), "true")
}

// firstVisible is the first worksheet that is shown. Charts, dialogs and macro sheets stand in the same list.
func (w workbook) firstVisible(relations []relation) (title, part string, err error) {
	if len(w.sheets) == 0 {
		return "", "", refuse(damaged, "is a workbook without worksheets")
	}
	targets := map[string]relation{}
	for _, r := range relations {
		targets[r.id] = r
	}
	dangling := false
	for _, s := range w.sheets {
		if strings.EqualFold(s.state, "hidden") || strings.EqualFold(s.state, "veryHidden") {
			continue
		}
		r, ok := targets[s.id]
		if ok && r.kind == "worksheet" {
			return s.name, r.target, nil
		}
		dangling = dangling || !ok
	}
	if dangling {
		return "", "", refuse(damaged, "is a damaged workbook: it does not say where its worksheets are")
	}
	return "", "", refuse("unhide the worksheet and try again", "has no visible worksheet")
}
