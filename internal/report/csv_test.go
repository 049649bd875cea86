package report_test

import (
	"encoding/csv"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"denybatch/internal/report"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

// table draws rows of any strings beneath a heading of any strings.
func table(t *rapid.T, width int) (header []string, rows []report.Row) {
	cells := rapid.SliceOfN(treacherous, 0, width)
	header = cells.Draw(t, "header")
	for i := range rapid.IntRange(0, 6).Draw(t, "rows") {
		rows = append(rows, report.Row{
			Cells: cells.Draw(t, "cells"),
			Verdict: verdict.Verdict{
				Row: i + 2, Result: rapid.SampledFrom(verdict.Results).Draw(t, "result"),
				Code: treacherous.Draw(t, "code"), Message: treacherous.Draw(t, "message"),
			},
		})
	}
	return header, rows
}

// parsed is what encoding/csv and Unescape make of a file.
func parsed(t *rapid.T, text, delimiter string) [][]string {
	in := csv.NewReader(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	in.Comma, _ = utf8.DecodeRuneInString(delimiter)
	records, err := in.ReadAll()
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	for _, record := range records {
		for i := range record {
			record[i] = report.Unescape(record[i])
		}
	}
	return records
}

// asParsed is cells as encoding/csv gives them back: it takes CRLF within quotes for LF.
func asParsed(width int, cells ...string) []string {
	out := make([]string, width)
	copy(out, cells)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], "\r\n", "\n")
	}
	return out
}

func TestCSVGivesEveryCellBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 4).Draw(t, "width")
		header, rows := table(t, width)
		r := plainCSV
		r.Delimiter = rapid.SampledFrom([]string{",", ";", "\t", "|"}).Draw(t, "delimiter")
		r.Encoding = rapid.SampledFrom([]string{"utf-8", "utf-8-bom"}).Draw(t, "encoding")
		r.Newline = rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "newline")
		l := report.Layout{Header: header, Width: width, Reading: r, Kinds: []report.Kind{report.CSV, report.Retry}}

		m := newMemory()
		if _, err := report.Publish(t.Context(), m, "", summaryOf(rows, r), l, sequence(rows)); err != nil {
			t.Fatal(err)
		}
		wantReport := [][]string{asParsed(width+6, append(asParsed(width, header...), report.Columns()...)...)}
		wantRetry := [][]string{asParsed(width, header...)}
		for _, row := range rows {
			v := row.Verdict
			result := []string{string(v.Result), v.Status, v.Code, v.Message, string('0' + rune(v.Row)), ""}
			wantReport = append(wantReport, asParsed(width+6, append(asParsed(width, row.Cells...), result...)...))
			switch v.Result {
			case verdict.Rejected, verdict.Invalid, verdict.Unknown, verdict.NotSent:
				wantRetry = append(wantRetry, asParsed(width, row.Cells...))
			}
		}
		same(t, "report.csv", parsed(t, m.text("report.csv"), r.Delimiter), wantReport)
		same(t, "retry.csv", parsed(t, m.text("retry.csv"), r.Delimiter), wantRetry)
	})
}

func same(t *rapid.T, name string, got, want [][]string) {
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Fatalf("%s holds\n%q\nwant\n%q", name, got, want)
	}
}

func TestRetryKeepsTheEncoding(t *testing.T) {
	rows := []report.Row{{Cells: []string{"ação"}, Verdict: verdict.Verdict{Row: 2, Result: verdict.Rejected}}}
	for encoding, want := range map[string]string{
		"utf-8":        "a\nação\n",
		"utf-8-bom":    "\ufeffa\nação\n",
		"windows-1252": "a\na\xe7\xe3o\n",
		"utf-16be":     "\xfe\xff\x00a\x00\n\x00a\x00\xe7\x00\xe3\x00o\x00\n",
		"utf-32le":     "\xff\xfe\x00\x00a\x00\x00\x00\n\x00\x00\x00a\x00\x00\x00\xe7\x00\x00\x00\xe3\x00\x00\x00o\x00\x00\x00\n\x00\x00\x00",
	} {
		t.Run(encoding, func(t *testing.T) {
			r := sheet.Reading{Format: sheet.CSV, Encoding: encoding, Delimiter: ",", Newline: "\n"}
			m := newMemory()
			s := publish(t, m, rows, report.Layout{Header: []string{"a"}, Width: 1, Reading: r})
			if got := m.text("p/retry.csv"); got != want || s.RetryEncoding != encoding || len(s.Notes) != 0 {
				t.Errorf("retry.csv is %q in %s with the notes %q, want %q", got, s.RetryEncoding, s.Notes, want)
			}
		})
	}
}

func TestRetryFallsBackToUTF8(t *testing.T) {
	rows := []report.Row{
		{Cells: []string{strings.Repeat("ação ", 40_000)}, Verdict: verdict.Verdict{Row: 2, Result: verdict.Invalid}},
		{Cells: []string{"日本"}, Verdict: verdict.Verdict{Row: 3, Result: verdict.Invalid}},
	}
	for _, encoding := range []string{"windows-1252", "ebcdic"} {
		t.Run(encoding, func(t *testing.T) {
			r := sheet.Reading{Format: sheet.CSV, Encoding: encoding, Delimiter: ",", Newline: "\n"}
			m := newMemory()
			l := report.Layout{Header: []string{"a"}, Width: 1, Reading: r, Kinds: []report.Kind{report.Retry}}
			s := publish(t, m, rows, l)
			want := "\ufeffa\n\"" + rows[0].Cells[0] + "\"\n日本\n"
			if m.text("p/retry.csv") != want || s.RetryEncoding != "utf-8-bom" {
				t.Errorf("retry.csv begins %.40q in %s", m.text("p/retry.csv"), s.RetryEncoding)
			}
			if len(s.Notes) != 1 || m.open != 0 {
				t.Errorf("notes %q, %d writers left open", s.Notes, m.open)
			}
		})
	}
}
