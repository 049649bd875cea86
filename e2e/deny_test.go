package e2e

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/xuri/excelize/v2"

	"denybatch/internal/journal"
	"denybatch/pkg/upstream/upstreamtest"
)

// batch is a file's rows and what upstream knows of their documents beforehand.
type batch struct {
	org  string
	rows [][]string // docId, comments
}

// compose makes a batch of n rows: most can be denied, some are denied already, some cannot be, some are no documents, and
// some stand there twice.
func (c *cloud) compose(t *testing.T, org string, n int) batch {
	t.Helper()
	b := batch{org: org}
	var docs []upstreamtest.Document
	for i := range n {
		id := fmt.Sprintf("%s-%05d", org, i)
		switch {
		case i%500 == 499:
			id = fmt.Sprintf("%s-%05d", org, i-1)
		case i%400 == 399:
			id = ""
		case i%100 == 99:
			docs = append(docs, upstreamtest.Document{DocID: id, Org: org, Status: "220", Comment: "somebody else's"})
		case i%50 == 49:
			docs = append(docs, upstreamtest.Document{DocID: id, Org: org, Status: "230"})
		default:
			docs = append(docs, upstreamtest.Document{DocID: id, Org: org})
		}
		b.rows = append(b.rows, []string{id, "not ours, row " + strconv.Itoa(i)})
	}
	if err := c.upstream.Add(docs...); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b batch) workbook(t *testing.T) []byte {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	w, err := book.NewStreamWriter("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range append([][]string{{"docId", "comments"}}, b.rows...) {
		if err := w.SetRow(fmt.Sprintf("A%d", i+1), []any{row[0], row[1]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	content, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}

func (b batch) text(t *testing.T) []byte {
	t.Helper()
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	if err := w.WriteAll(append([][]string{{"docId", "comments"}}, b.rows...)); err != nil {
		t.Fatal(err)
	}
	return text.Bytes()
}

// check holds a report against what really happened: one verdict a row, in the order of the file, and all true.
func (c *cloud) check(t *testing.T, b batch, o outcome) {
	t.Helper()
	if !o.summary.Invariant.Holds || o.summary.Rows != len(b.rows) {
		t.Errorf("the summary speaks of %d rows of %d: %+v", o.summary.Rows, len(b.rows), o.summary.Invariant)
	}
	if len(o.rows) != len(b.rows) {
		t.Fatalf("the report has %d rows, the file %d", len(o.rows), len(b.rows))
	}
	seen := map[string]bool{}
	wrong := 0
	for i, row := range o.rows {
		if row["docId"] != b.rows[i][0] {
			t.Fatalf("row %d is about %q, in the file about %q", i+1, row["docId"], b.rows[i][0])
		}
		if want := c.truth(row["docId"], seen); row["result"] != want {
			if wrong++; wrong < 10 {
				t.Errorf("row %d, document %q: the report says %q (%s), in truth it is %q", i+1, row["docId"], row["result"], row["result_message"], want)
			}
		}
		seen[row["docId"]] = true
	}
	for id := range seen {
		if n := c.upstream.Truth(id).Applied; n > 1 {
			t.Errorf("document %s was denied %d times", id, n)
		}
	}
}

// truth is the verdict that a row deserves.
func (c *cloud) truth(id string, seen map[string]bool) string {
	doc := c.upstream.Truth(id)
	switch {
	case id == "":
		return "invalid"
	case seen[id]:
		return "duplicate"
	case doc.DeniedBefore:
		return "already_denied"
	case doc.Applied == 1:
		return "denied"
	case doc.Status == "230":
		return "rejected"
	}
	return "not denied, and it could have been"
}

func TestTheSameEventThreeTimesChangesNothing(t *testing.T) {
	c := theCloud(t)
	b := c.compose(t, "thrice", 300)
	key := "inbox/deny/thrice/Débitos de março + 2026.csv"
	c.drop(t, key, b.text(t))
	o := c.reports(t, "reports/deny/thrice/", time.Minute)
	c.check(t, b, o)
	c.idle(t, time.Minute)

	before, calls := c.everything(t, "thrice", o), c.upstream.Counters()
	for range 3 {
		c.send(t, c.event(t, key))
	}
	c.idle(t, time.Minute)
	if after := c.everything(t, "thrice", o); !slices.Equal(before, after) {
		t.Errorf("before:\n%s\nafter three more deliveries:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	if now := c.upstream.Counters(); now != calls {
		t.Errorf("upstream was called: %+v, before that %+v", now, calls)
	}
}

// everything is all that was written for a batch.
func (c *cloud) everything(t *testing.T, org string, o outcome) []string {
	t.Helper()
	return append(c.versions(t, c.ExchangeBucket, "reports/deny/"+org+"/"), c.versions(t, c.StateBucket, "batches/"+o.summary.Batch+"/")...)
}

func TestCheckSendsNothing(t *testing.T) {
	c := theCloud(t)
	b := c.compose(t, "check", 60)
	calls := c.upstream.Counters()
	c.drop(t, "inbox/check/check/rehearsal.xlsx", b.workbook(t))
	o := c.reports(t, "reports/check/check/", time.Minute)
	if now := c.upstream.Counters(); now != calls {
		t.Errorf("upstream was called: %+v, before that %+v", now, calls)
	}
	if len(o.rows) != len(b.rows) || o.rows[0]["result"] != "would_send" {
		t.Errorf("%d rows, the first of them %v", len(o.rows), o.rows[0])
	}
}

// From here on tests put their files in before they wait side by side.

func TestTwentyThousandRowsInFiveSecondInvocations(t *testing.T) {
	c := theCloud(t)
	b := c.compose(t, "long", 20_000)
	key := "inbox/deny/long/twenty-thousand.xlsx"
	c.drop(t, key, b.workbook(t))
	t.Parallel()

	o := c.reports(t, "reports/deny/long/", 5*time.Minute)
	c.check(t, b, o)

	r, _ := c.record(t, key)
	if r.Status != journal.Finished || r.Workers < 3 {
		t.Errorf("the batch is %s after %d workers: want it finished, and several continuations", r.Status, r.Workers)
	}
	var published []string
	for _, v := range c.versions(t, c.ExchangeBucket, "reports/deny/long/") {
		published = append(published, v[strings.LastIndex(v, "/")+1:strings.Index(v, "@")])
	}
	slices.Sort(published)
	if want := slices.Sorted(maps.Values(names(o))); !slices.Equal(published, want) {
		t.Errorf("published %v, want each of %v exactly once", published, want)
	}
	t.Logf("%d rows in %d invocations, %d of them cut off in the middle: %v",
		o.summary.Rows, r.Workers, strings.Count(c.log(t), "Task timed out"), o.summary.Counts)
}

// names are the files of a report, the summary among them.
func names(o outcome) map[string]string {
	all := map[string]string{"summary": "summary.json"}
	for kind, key := range o.summary.Reports {
		all[kind] = key[strings.LastIndex(key, "/")+1:]
	}
	return all
}

func TestTwoWorkersOnOneBatch(t *testing.T) {
	c := theCloud(t)
	b := c.compose(t, "together", 3000)
	key := "inbox/deny/together/both.csv"
	c.drop(t, key, b.text(t))
	eventually(t, time.Minute, "the batch begins", func() bool { _, ok := c.record(t, key); return ok })
	c.send(t, c.event(t, key))
	t.Parallel()

	o := c.reports(t, "reports/deny/together/", 3*time.Minute)
	c.check(t, b, o)
	eventually(t, time.Minute, "the second worker stands aside", func() bool {
		return slices.ContainsFunc(strings.Split(c.log(t), "\n"), func(line string) bool {
			return strings.Contains(line, "another worker is on it") && strings.Contains(line, o.summary.Batch)
		})
	})
	before := c.everything(t, "together", o)
	c.idle(t, 4*time.Minute) // it comes back when the first one's lease would have run out
	if after := c.everything(t, "together", o); !slices.Equal(before, after) {
		t.Errorf("before:\n%s\nafter the second worker came back:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

func TestHopelessMessagesBecomeDeadLetters(t *testing.T) {
	c := theCloud(t)
	c.send(t, "not an event at all")
	key := "inbox/deny/poison/nobody may read this.csv"
	c.forbidReading(t, key)
	c.drop(t, key, []byte("docId,comments\nA,x\n"))
	t.Parallel()

	for _, text := range []string{"not an event at all", key} {
		letter := c.dead(t, text, 4*time.Minute)
		tries := 0
		for line := range strings.Lines(c.log(t)) {
			if strings.Contains(line, "message failed") && strings.Contains(line, *letter.MessageId) {
				tries++
			}
		}
		if tries != receives {
			t.Errorf("the message %q was tried %d times before it was a dead letter, want %d", text, tries, receives)
		}
	}
	r, ok := c.record(t, key)
	if !ok || r.Status != journal.Failed || !strings.Contains(r.Failure, "403") {
		t.Errorf("the batch record does not say that it failed, and why: %+v", r)
	}
	if o := c.versions(t, c.ExchangeBucket, "reports/deny/poison/"); len(o) > 0 {
		t.Errorf("there are reports of a file that nobody could read: %v", o)
	}
}

// forbidReading adds a statement to the exchange bucket's policy, as a person in charge of it might.
func (c *cloud) forbidReading(t *testing.T, key string) {
	t.Helper()
	out, err := c.objects.GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: &c.ExchangeBucket})
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Version   string
		Statement []any
	}
	if err := json.Unmarshal([]byte(*out.Policy), &policy); err != nil {
		t.Fatal(err)
	}
	policy.Statement = append(policy.Statement, map[string]any{
		"Effect": "Deny", "Principal": "*", "Action": []string{"s3:GetObject", "s3:GetObjectVersion"},
		"Resource": "arn:aws:s3:::" + c.ExchangeBucket + "/" + key,
	})
	text, err := json.Marshal(policy)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.objects.PutBucketPolicy(t.Context(), &s3.PutBucketPolicyInput{Bucket: &c.ExchangeBucket, Policy: aws.String(string(text))}); err != nil {
		t.Fatal(err)
	}
}
