package main

import (
	"archive/zip"
	"context"
	"io"
	"net/url"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"denybatch/internal/needs"
	"denybatch/internal/verdict"
)

// LibreOffice opens what denybatch writes, runs none of it as a formula, and what it saves can be dropped back in.
func TestLibreOfficeRunsNothing(t *testing.T) {
	soffice := needs.Program(t, "soffice", "libreoffice-calc")
	t.Parallel()
	sim, rows := livelyBatch(t)
	d := newDeskAt(t, sim)
	d.write(t, "batch.csv", csvOf(rows))
	d.mustRun(t, []int{exitOpenRows}, "run", "--out", "first", "batch.csv")
	d.write(t, "control.csv", "docId,comments\na,=1+1\n")

	d.convert(t, soffice, "xlsx", "control.csv", "first/report.csv", "first/retry.csv")
	if !d.holdsFormulas(t, "office/control.xlsx") {
		t.Fatal("LibreOffice would run no formula whatever the file says, so this test means nothing")
	}
	d.checkOpened(t, "first/report.csv", "office/report.xlsx")
	d.checkOpened(t, "first/retry.csv", "office/retry.xlsx")
}

// convert lets LibreOffice open CSV files and save them in another format, in the folder office.
func (d *desk) convert(t *testing.T, soffice, format string, names ...string) {
	t.Helper()
	profile := url.URL{Scheme: "file", Path: filepath.ToSlash(d.path("profile"))}
	args := []string{"-env:UserInstallation=" + profile.String(), "--headless",
		"--infilter=CSV:44,34,76,1", // commas, quotes, UTF-8, from row 1
		"--convert-to", format, "--outdir", d.path("office")}
	for _, name := range names {
		args = append(args, d.path(name))
	}
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	if out, err := exec.CommandContext(ctx, soffice, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", names, err, out)
	}
}

// checkOpened holds what LibreOffice saved against what it was given.
func (d *desk) checkOpened(t *testing.T, given, saved string) {
	t.Helper()
	if d.holdsFormulas(t, saved) {
		t.Errorf("%s holds formulas when it is opened", given)
	}
	want, got := d.rows(t, given), d.rows(t, saved)
	if len(got) != len(want) {
		t.Fatalf("%s has %d rows when it is opened, want %d", given, len(got), len(want))
	}
	for i := range want {
		if want[i][1] != "-12.50" && !slices.Equal(got[i][:2], want[i][:2]) { // that one is a number, and may be shown as -12.5
			t.Errorf("%s, line %d: %q, want %q", given, i+1, got[i][:2], want[i][:2])
		}
	}
}

func (d *desk) holdsFormulas(t *testing.T, workbook string) bool {
	t.Helper()
	z, err := zip.OpenReader(d.path(workbook))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	sheet, err := z.Open("xl/worksheets/sheet1.xml")
	if err != nil {
		t.Fatal(err)
	}
	defer sheet.Close()
	xml, err := io.ReadAll(sheet)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(xml), "<f>") || strings.Contains(string(xml), "<f ")
}

// A report that was opened and saved as CSV again says the same as before.
func TestReportSavedByLibreOffice(t *testing.T) {
	soffice := needs.Program(t, "soffice", "libreoffice-calc")
	t.Parallel()
	sim, rows := livelyBatch(t)
	d := newDeskAt(t, sim)
	d.write(t, "batch.csv", csvOf(rows))
	d.mustRun(t, []int{exitOpenRows}, "run", "--out", "first", "batch.csv")
	d.convert(t, soffice, "csv", "first/report.csv")
	d.mustRun(t, []int{exitOpenRows}, "run", "--out", "second", "office/report.csv")
	first, second := d.report(t, "first"), d.report(t, "second")
	for i, l := range first {
		want := l.result
		if want == verdict.Denied {
			want = verdict.Skipped
		}
		if second[i].result != want {
			t.Errorf("row %d is %s, want %s", l.row, second[i].result, want)
		}
		if l.cells[1] != "-12.50" && second[i].cells[1] != l.cells[1] {
			t.Errorf("row %d: %q has become %q", l.row, l.cells[1], second[i].cells[1])
		}
	}
	checkUpstream(t, sim)
}
