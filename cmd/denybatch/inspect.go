package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"denybatch/internal/sheet"
)

func newInspectCommand() *cobra.Command {
	var asJSON bool
	var limit int
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show how a file is read",
		Long: `Shows the format, encoding, delimiter and sheet that a file is read with, and its first rows as denybatch sees them.
The file need not be about invoices.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return inspect(cmd.OutOrStdout(), args[0], asJSON, limit)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	cmd.Flags().IntVar(&limit, "limit", 10, "how many rows to show at most; 0 shows all")
	return cmd
}

func inspect(out io.Writer, path string, asJSON bool, limit int) error {
	if limit < 0 {
		return fmt.Errorf("--limit is %d: it must be 0 or more", limit)
	}
	book, err := sheet.OpenFile(path)
	if err != nil {
		return err
	}
	defer book.Close()
	seen, err := book.Inspect(limit)
	if err != nil {
		return err
	}
	if asJSON {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		return enc.Encode(seen)
	}
	describe(out, path, seen)
	return nil
}

func describe(out io.Writer, path string, seen sheet.Inspection) {
	fmt.Fprintf(out, "%s: %s, %d rows\n", path, howRead(seen.Reading), seen.RowCount)
	for _, row := range seen.Rows {
		fmt.Fprintln(out, "  "+strings.Join(quoted(row), " | "))
	}
	if hidden := seen.RowCount - len(seen.Rows); hidden > 0 {
		fmt.Fprintf(out, "  … and %d more\n", hidden)
	}
}

// howRead says in words how a file was read.
func howRead(r sheet.Reading) string {
	if r.Format == sheet.XLSX {
		return fmt.Sprintf("workbook, sheet %q", r.Sheet)
	}
	names := map[string]string{",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
	between := names[r.Delimiter]
	if between == "" {
		between = fmt.Sprintf("%q", r.Delimiter)
	}
	return fmt.Sprintf("text in %s with %s between cells", r.Encoding, between)
}

// quoted makes line breaks inside cells visible and keeps the columns of a long one in sight.
func quoted(row []string) []string {
	out := make([]string, len(row))
	for i, cell := range row {
		cell = strings.NewReplacer("\r\n", "⏎", "\n", "⏎", "\r", "⏎", "\t", "⇥").Replace(cell)
		if runes := []rune(cell); len(runes) > 40 {
			cell = string(runes[:39]) + "…"
		}
		out[i] = cell
	}
	return out
}
