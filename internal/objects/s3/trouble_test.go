package s3_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"denybatch/internal/objects"
	"denybatch/internal/objects/objectstest/s3server"
	"denybatch/internal/objects/s3"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
)

// sizes are a content that is put at once and one that is put together from parts.
var sizes = map[string]int{"Put": 1000, "Parts": 8<<20 + 1}

func TestWritesOutlastTrouble(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	slow, conflict := refuse(503, "SlowDown"), refuse(409, "ConditionalRequestConflict")
	for name, faults := range map[string][]fault{
		"Throttled":   {slow, slow, slow},
		"Conflicts":   {conflict, conflict},
		"Internal":    {refuse(500, "InternalError"), refuse(502, "")},
		"Dropped":     {drop, drop},
		"Lost":        {lose},
		"LostTwice":   {lose, lose},
		"LostThenBad": {lose, slow, conflict, drop},
	} {
		for how, size := range sizes {
			t.Run(name+how, func(t *testing.T) {
				t.Parallel()
				writeTwice(t, server, strings.Repeat("1", size), strings.Repeat("2", size), faults)
			})
		}
	}
}

// writeTwice creates an object and replaces it, each with the faults.
func writeTwice(t *testing.T, server *s3server.Server, first, second string, faults []fault) {
	line := &faulty{match: putting, faults: slices.Clone(faults)}
	s, direct := line.store(t, server)
	written, err := objects.CreateBytes(t.Context(), s, "a", []byte(first))
	if err != nil {
		t.Fatal(err)
	}
	wantInfo(t, written, wantContent(t, direct, "a", first))

	line.faults = slices.Clone(faults)
	written, err = objects.ReplaceBytes(t.Context(), s, "a", written.ETag, []byte(second))
	if err != nil {
		t.Fatal(err)
	}
	wantInfo(t, written, wantContent(t, direct, "a", second))
	if len(line.faults) > 0 {
		t.Errorf("%d faults did not happen", len(line.faults))
	}
}

func wantInfo(t *testing.T, written, read objects.Info) {
	t.Helper()
	if written.Key != read.Key || written.ETag != read.ETag || written.Version != read.Version || written.Size != read.Size {
		t.Errorf("commit says %+v, open says %+v", written, read)
	}
}

func TestTroubleHasAnEnd(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	for name, f := range map[string]fault{"SlowDown": refuse(503, "SlowDown"), "Conflict": refuse(409, "ConditionalRequestConflict"), "Dropped": drop} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			line := &faulty{match: putting, faults: slices.Repeat([]fault{f}, 100)}
			s, _ := line.store(t, server)
			_, err := objects.CreateBytes(t.Context(), s, "a", nil)
			wantError(t, err, nil)
			if line.seen != 5 {
				t.Errorf("tried %d times, want 5", line.seen)
			}
		})
	}
}

func TestWaitingListensToTheContext(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	line := &faulty{match: putting, faults: slices.Repeat([]fault{refuse(503, "SlowDown")}, 100)}
	ctx, cancel := context.WithCancel(t.Context())
	line.faults[0] = func(r *http.Request, send func() (*http.Response, error)) (*http.Response, error) {
		time.AfterFunc(10*time.Millisecond, cancel)
		return refuse(503, "SlowDown")(r, send)
	}
	patient := server.Client(func(o *awss3.Options) { o.HTTPClient = line })
	s := s3.New(patient, server.Bucket(t), "")
	began := time.Now()
	_, err := objects.CreateBytes(ctx, s, "a", nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want Canceled", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// A conflict that never ends says nothing, but what is there does.
func TestConflictThatSomeoneElseWon(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	line := &faulty{match: putting, faults: slices.Repeat([]fault{refuse(409, "ConditionalRequestConflict")}, 10)}
	s, direct := line.store(t, server)
	old := create(t, direct, "a", "theirs")
	_, err := objects.CreateBytes(t.Context(), s, "a", []byte("ours"))
	wantError(t, err, objects.ErrExists)
	_, err = objects.ReplaceBytes(t.Context(), s, "a", "other", []byte("ours"))
	wantError(t, err, objects.ErrChanged)
	line.faults = slices.Repeat([]fault{refuse(409, "ConditionalRequestConflict")}, 10)
	_, err = objects.ReplaceBytes(t.Context(), s, "a", old.ETag, []byte("ours"))
	wantError(t, err, nil)
	wantContent(t, direct, "a", "theirs")
}

// The answer is lost, and before we come back somebody else has replaced our object.
func TestLostAnswerAndSomeoneElse(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	line := &faulty{match: putting}
	s, direct := line.store(t, server)
	line.faults = []fault{loseAnd(func() {
		info := wantContent(t, direct, "a", "ours")
		if _, err := objects.ReplaceBytes(t.Context(), direct, "a", info.ETag, []byte("theirs")); err != nil {
			t.Error(err)
		}
	})}
	_, err := objects.CreateBytes(t.Context(), s, "a", []byte("ours"))
	wantError(t, err, objects.ErrExists)
	wantContent(t, direct, "a", "theirs")
}

func TestMissingBucketIsNoMissingObject(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	s := s3.New(server.Client(), "no-such-bucket", "")
	_, _, err := s.Open(t.Context(), "a")
	wantError(t, err, nil)
	_, err = objects.CreateBytes(t.Context(), s, "a", nil)
	wantError(t, err, nil)
	_, err = objects.ReplaceBytes(t.Context(), s, "a", "1", nil)
	wantError(t, err, nil)
	for _, err := range s.List(t.Context(), "", "") {
		wantError(t, err, nil)
	}
}

func TestBodyGoesOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	line := &faulty{match: getting, faults: []fault{cut(0), drop, cut(1 << 20), cut(0), refuse(503, "SlowDown"), cut(100), cut(1), cut(1)}}
	s, direct := line.store(t, server)
	content := make([]byte, 3<<20)
	for i := range content {
		content[i] = byte(i / 7)
	}
	create(t, direct, "a", string(content))
	wantContent(t, s, "a", string(content))
	if len(line.faults) > 0 {
		t.Errorf("%d faults did not happen", len(line.faults))
	}
}

func TestBodyThatBreaksForEver(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	line := &faulty{match: getting, faults: append([]fault{cut(5)}, slices.Repeat([]fault{cut(0)}, 100)...)}
	s, direct := line.store(t, server)
	create(t, direct, "a", "0123456789")
	got, _, err := objects.Read(t.Context(), s, "a", 100)
	if !errors.Is(err, errDropped) || line.seen != 4 {
		t.Errorf("got %q, error %v after %d requests, want a broken connection after 4", got, err, line.seen)
	}
}

func TestBodyOfReplacedObjectDoesNotGoOn(t *testing.T) {
	t.Parallel()
	server := s3server.Start(t, s3server.Versity)
	line := &faulty{match: getting, faults: []fault{cut(5)}}
	s, direct := line.store(t, server)
	old := create(t, direct, "a", "0123456789")
	body, _, err := s.Open(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := objects.ReplaceBytes(t.Context(), direct, "a", old.ETag, []byte("abcdefghij")); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(body)
	wantError(t, err, objects.ErrChanged)
	if string(got) != "01234" {
		t.Errorf("got %q, want 01234", got)
	}
}
