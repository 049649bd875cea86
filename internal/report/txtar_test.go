package report_test

import (
	"bytes"
	"regexp"
	"slices"
)

// archive is a txtar file: a comment, then named sections.
type archive struct {
	comment  []byte
	sections []section
}

type section struct {
	name string
	text string
}

var sectionMark = regexp.MustCompile(`(?m)^-- (\S+) --\n`)

func parseArchive(b []byte) archive {
	marks := sectionMark.FindAllSubmatchIndex(b, -1)
	a := archive{comment: b}
	for i, m := range marks {
		end := len(b)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		a.sections = append(a.sections, section{string(b[m[2]:m[3]]), string(b[m[1]:end])})
	}
	if len(marks) > 0 {
		a.comment = b[:marks[0][0]]
	}
	return a
}

func (a archive) has(name string) bool {
	return slices.ContainsFunc(a.sections, func(s section) bool { return s.name == name })
}

func (a archive) section(name string) string {
	for _, s := range a.sections {
		if s.name == name {
			return s.text
		}
	}
	return ""
}

func (a archive) replace(name, text string) {
	for i, s := range a.sections {
		if s.name == name {
			a.sections[i].text = text
		}
	}
}

func (a archive) format() []byte {
	var b bytes.Buffer
	b.Write(a.comment)
	for _, s := range a.sections {
		b.WriteString("-- " + s.name + " --\n" + s.text)
	}
	return b.Bytes()
}
