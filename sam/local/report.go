package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"denybatch/internal/objects"
	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/upstreamtest"
)

// denied is where the sample is put, to be denied.
const denied = "inbox/deny/" + upstreamtest.DefaultOrg + "/plain.xlsx"

// row is a line of a report, by its headings.
type row map[string]string

// report reads the one report.csv below a prefix.
func (s story) report(ctx context.Context, prefix string) ([]row, error) {
	var keys []string
	for info, err := range s.cloud.exchange.List(ctx, prefix, "") {
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(info.Key, "/report.csv") {
			keys = append(keys, info.Key)
		}
	}
	if len(keys) != 1 {
		return nil, fmt.Errorf("below %s there are %d reports, and there should be one: %v", prefix, len(keys), keys)
	}
	text, _, err := objects.Read(ctx, s.cloud.exchange, keys[0], 1<<20)
	if err != nil {
		return nil, err
	}
	fmt.Println("  report       s3://" + exchangeBucket + "/" + keys[0])
	return parse(text)
}

func parse(text []byte) ([]row, error) {
	lines, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll()
	if err != nil || len(lines) == 0 {
		return nil, fmt.Errorf("the report holds nothing that can be read: %w", err)
	}
	var rows []row
	for _, line := range lines[1:] {
		r := row{}
		for i, heading := range lines[0] {
			r[heading] = line[i]
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// counts are the results of the rows, as "2 denied, 1 rejected".
func counts(rows []row) string {
	n := map[string]int{}
	for _, r := range rows {
		n[r["result"]]++
	}
	var words []string
	for _, result := range slices.Sorted(maps.Keys(n)) {
		words = append(words, fmt.Sprintf("%d %s", n[result], result))
	}
	return fmt.Sprintf("%d rows: %s", len(rows), strings.Join(words, ", "))
}

// denied holds the report of deny-bulk against what the sample is known to hold, and against what the simulator did.
func (s story) denied(ctx context.Context) error {
	rows, err := s.report(ctx, "reports/deny/"+upstreamtest.DefaultOrg+"/plain/")
	if err != nil {
		return err
	}
	fmt.Println("  verdicts     " + counts(rows))
	truths, err := s.truths(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(asExpected(rows), asHappened(rows, truths)); err != nil {
		return err
	}
	fmt.Println("  upstream     says the same of every document, and denied none twice")
	return nil
}

// asExpected compares with the verdicts that samples/expected works out from the file alone.
func asExpected(rows []row) error {
	text, err := os.ReadFile(filepath.Join("samples", "expected", filepath.Base(sample)+".json"))
	if err != nil {
		return err
	}
	var expected []struct{ DocID, Result string }
	if err := json.Unmarshal(text, &expected); err != nil {
		return err
	}
	if len(rows) != len(expected) {
		return fmt.Errorf("the report has %d rows, and the file %d", len(rows), len(expected))
	}
	var faults []error
	for i, want := range expected {
		if got := rows[i]; got["result"] != want.Result || got["docId"] != want.DocID {
			faults = append(faults, fmt.Errorf("row %d of the report is %s %s, and it should be %s %s", i+1, got["docId"], got["result"], want.DocID, want.Result))
		}
	}
	return errors.Join(faults...)
}

// asHappened compares with what upstream did to the documents.
func asHappened(rows []row, truths map[string]truth) error {
	var faults []error
	reported := map[string]bool{} // documents that were denied, according to the report
	for i, r := range rows {
		id := strings.ToLower(r["docId"])
		t, known := truths[id]
		switch result := verdict.Result(r["result"]); {
		case result == verdict.Denied && (t.Status != "220" || t.Applied != 1 || t.Comment != r["comments"]):
			faults = append(faults, fmt.Errorf("row %d: the report says denied, and upstream says %+v", i+1, t))
		case result == verdict.AlreadyDenied && (t.Status != "220" || !t.DeniedBefore):
			faults = append(faults, fmt.Errorf("row %d: the report says already_denied, and upstream says %+v", i+1, t))
		case result == verdict.Rejected && known && t.Status == "220":
			faults = append(faults, fmt.Errorf("row %d: the report says rejected, and upstream says %+v", i+1, t))
		}
		if r["result"] == string(verdict.Denied) {
			reported[id] = true
		}
	}
	for id, t := range truths {
		if t.Applied > 0 != reported[id] && t.DocID != "" {
			faults = append(faults, fmt.Errorf("upstream denied %s %d times, and the report says denied: %v", id, t.Applied, reported[id]))
		}
	}
	return errors.Join(faults...)
}
