package e2e

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"denybatch/internal/journal"
	"denybatch/internal/report"
)

// drop puts a file into the exchange bucket, as a business user does.
func (c *cloud) drop(t *testing.T, key string, content []byte) {
	t.Helper()
	if _, err := c.objects.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: &c.ExchangeBucket, Key: &key, Body: bytes.NewReader(content),
	}); err != nil {
		t.Fatal(err)
	}
}

// put replaces a record.
func (c *cloud) put(t *testing.T, bucket, key string, record any) {
	t.Helper()
	content, err := json.Marshal(record)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.objects.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)}); err != nil {
		t.Fatal(err)
	}
}

func (c *cloud) get(t *testing.T, bucket, key string) ([]byte, bool) {
	t.Helper()
	out, err := c.objects.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	var none *types.NoSuchKey
	if errors.As(err, &none) {
		return nil, false
	}
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	content, err := io.ReadAll(out.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content, true
}

// versions are all versions of all objects below prefix: two equal lists mean that nothing was written in between.
func (c *cloud) versions(t *testing.T, bucket, prefix string) []string {
	t.Helper()
	var all []string
	pages := s3.NewListObjectVersionsPaginator(c.objects, &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range page.Versions {
			all = append(all, *v.Key+"@"+*v.VersionId)
		}
	}
	slices.Sort(all)
	return all
}

// outcome is what came back for a file.
type outcome struct {
	prefix  string // of the reports
	summary report.Summary
	rows    []map[string]string // of report.csv, by heading
}

// reports waits for the reports below prefix, which must be of one batch.
func (c *cloud) reports(t *testing.T, prefix string, within time.Duration) outcome {
	t.Helper()
	var o outcome
	eventually(t, within, "a report below "+prefix, func() bool {
		for _, v := range c.versions(t, c.ExchangeBucket, prefix) {
			if key, _, _ := strings.Cut(v, "@"); strings.HasSuffix(key, "/summary.json") {
				o.prefix = strings.TrimSuffix(key, "summary.json")
				return true
			}
		}
		return false
	})
	text, _ := c.get(t, c.ExchangeBucket, o.prefix+"summary.json")
	if err := json.Unmarshal(text, &o.summary); err != nil {
		t.Fatal(err)
	}
	text, ok := c.get(t, c.ExchangeBucket, o.prefix+"report.csv")
	if !ok {
		t.Fatalf("%s has no report.csv", o.prefix)
	}
	o.rows = table(t, text)
	return o
}

func table(t *testing.T, text []byte) []map[string]string {
	t.Helper()
	lines, err := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))).ReadAll()
	if err != nil || len(lines) == 0 {
		t.Fatalf("report.csv cannot be read: %v", err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, heading := range lines[0] {
			row[heading] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

// record is the record of the batch that was made of key. The second result is false while there is none.
func (c *cloud) record(t *testing.T, key string) (journal.Record, bool) {
	t.Helper()
	pages := s3.NewListObjectsV2Paginator(c.objects, &s3.ListObjectsV2Input{Bucket: &c.StateBucket, Prefix: aws.String("batches/")})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			if !strings.HasSuffix(*o.Key, "/batch.json") {
				continue
			}
			var r journal.Record
			if text, ok := c.get(t, c.StateBucket, *o.Key); ok && json.Unmarshal(text, &r) == nil && r.Source.Key == key {
				return r, true
			}
		}
	}
	return journal.Record{}, false
}
