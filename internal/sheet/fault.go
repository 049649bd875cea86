package sheet

import (
	"errors"
	"fmt"
	"strings"
)

// saveAs is the remedy for whatever is not a spreadsheet that can be read.
const saveAs = "save it as XLSX or CSV and try again"

// Error is one sentence: the file, the place, the problem and what to do about it.
func (f *Fault) Error() string {
	var s strings.Builder
	s.WriteString(f.File)
	if f.Row > 0 {
		fmt.Fprintf(&s, ", row %d", f.Row)
	}
	if f.Column != "" {
		fmt.Fprintf(&s, ", column %s", f.Column)
	}
	s.WriteString(": " + f.Problem)
	if f.Remedy != "" {
		s.WriteString("; " + f.Remedy)
	}
	return s.String()
}

// refuse is a Fault about the whole file. The file's name is filled in by the Book.
func refuse(remedy, problem string, args ...any) *Fault {
	return &Fault{Problem: fmt.Sprintf(problem, args...), Remedy: remedy}
}

// named gives a Fault its file's name and makes a Fault of every other error, so that callers see one kind.
func named(file string, err error) error {
	if err == nil {
		return nil
	}
	var f *Fault
	if !errors.As(err, &f) {
		return &Fault{File: file, Problem: "cannot be read: " + err.Error(), Remedy: "check the file and try again"}
	}
	if f.File == "" {
		f.File = file
	}
	return f
}

// letter names a column counted from 0 as spreadsheet programs do: A, B, … Z, AA.
func letter(column int) string {
	var name []byte
	for n := column + 1; n > 0; n = (n - 1) / 26 {
		name = append([]byte{byte('A' + (n-1)%26)}, name...)
	}
	return string(name)
}
