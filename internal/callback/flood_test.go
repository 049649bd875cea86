package callback_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"denybatch/internal/objects/objectstest/s3server"
	"denybatch/internal/request"
)

// spoken is what ROIT says in a flood.
type spoken struct {
	id     request.ID
	status string
	said   time.Time
	body   string
}

// ranks are the rule: what counts however callbacks are ordered.
var ranks = map[string]int{"DONE": 4, "ERROR": 3, "WARNING": 2, "PROCESSING": 1, "RECEIVED": 1, "PENDING": 1}

var processes = map[string]string{"FINISHED": "DONE", "FAILED": "ERROR", "PENDING": "PROCESSING", "START": "PROCESSING", "PROCESSING": "PROCESSING",
	"AUDIT": "PROCESSING", "CONSOLIDATION": "PROCESSING"}

// flood are n callbacks in every shape, about four for each request, no two of one moment.
func flood(rnd *rand.Rand, n int) (all []spoken) {
	statuses := []string{"PROCESSING", "PROCESSING", "RECEIVED", "PENDING", "WARNING", "ERROR", "DONE"}
	process := []string{"PENDING", "START", "PROCESSING", "AUDIT", "CONSOLIDATION", "FINISHED", "FAILED"}
	begin := time.Now().Add(-time.Hour).Truncate(time.Millisecond).UTC()
	for i := range n {
		s := spoken{said: begin.Add(time.Duration(i) * time.Millisecond)}
		number := rnd.IntN(n/4 + 1)
		switch rnd.IntN(4) {
		case 0:
			s.id = request.ID{Integration: request.DataIntegration, Request: fmt.Sprintf("p%d", number)}
			said := process[rnd.IntN(len(process))]
			s.status = processes[said]
			s.body = fmt.Sprintf(`{"status_code":200,"timestamp":%d,"data":{"processUniqueId":%q,"processStatus":%q}}`, s.said.UnixMilli(), s.id.Request, said)
		default:
			s.id = request.ID{Integration: fmt.Sprintf("i%d", number%7), Request: fmt.Sprintf("r%d", number)}
			s.status = statuses[rnd.IntN(len(statuses))]
			s.body = model(s.id.Integration, s.id.Request, s.status)
			switch rnd.IntN(3) {
			case 0:
				s.body = fmt.Sprintf(`{"timestamp":%d,`, s.said.UnixMilli()) + s.body[1:]
			case 1:
				s.body = enclosed(s.said, s.body)
			default:
				s.body = enclosed(s.said, "["+s.body+"]")
			}
		}
		all = append(all, s)
	}
	return all
}

// deliveries are the callbacks in any order, each up to three times.
func deliveries(rnd *rand.Rand, all []spoken) (bodies []string) {
	for _, s := range all {
		for range 1 + rnd.IntN(3) {
			bodies = append(bodies, s.body)
		}
	}
	rnd.Shuffle(len(bodies), func(i, j int) { bodies[i], bodies[j] = bodies[j], bodies[i] })
	return bodies
}

// pour delivers from so many clients at once over HTTP. What is answered 503 is delivered again; how often that was is
// returned.
func (w *world) pour(t *testing.T, bodies []string, clients int) (again int64) {
	t.Helper()
	url := w.serve(t)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}, Timeout: time.Minute}
	t.Cleanup(client.CloseIdleConnections)
	var next, unrecorded atomic.Int64
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(bodies)) && !t.Failed(); i = next.Add(1) - 1 {
				status, err := send(client, url, bodies[i])
				for tries := 0; err == nil && status == 503 && tries < 3; tries++ {
					unrecorded.Add(1)
					status, err = send(client, url, bodies[i])
				}
				if err != nil || status != 202 {
					t.Errorf("delivery %d: %d, %v", i, status, err)
				}
			}
		})
	}
	all.Wait()
	return unrecorded.Load()
}

// truth checks that every record says what the rule says, and that every callback is kept and none is left for the sweep.
func (w *world) truth(t *testing.T, all []spoken) {
	t.Helper()
	best := map[request.ID]spoken{}
	hashes := map[string]bool{}
	for _, s := range all {
		sum := sha256.Sum256([]byte(s.body))
		hashes[hex.EncodeToString(sum[:])] = true
		if known, ok := best[s.id]; !ok || cmp.Or(cmp.Compare(ranks[s.status], ranks[known.status]), s.said.Compare(known.said)) > 0 {
			best[s.id] = s
		}
	}
	for _, key := range w.keys(t, "callbacks/") {
		delete(hashes, strings.TrimSuffix(path.Base(key), ".json"))
	}
	if len(hashes) > 0 {
		t.Fatalf("%d callbacks are not kept\n%.3000s", len(hashes), w.logs)
	}
	if left := w.backlog(t); left != nil {
		t.Errorf("%d callbacks are left for the sweep", len(left))
	}
	if n := len(w.keys(t, "requests/")); n != len(best) {
		t.Errorf("there are %d records, want %d", n, len(best))
	}
	states := map[int]request.State{4: request.Done, 3: request.Failed, 2: request.Failed, 1: request.Noted}
	for id, s := range best {
		rec := w.record(t, id.Integration, id.Request)
		if rec.State != states[ranks[s.status]] || rec.Word == nil || rec.Word.Status != s.status || !rec.Word.Said.Equal(s.said) {
			t.Errorf("%s is %s by %+v, want %+v", id, rec.State, rec.Word, s)
		}
	}
}

// drown does it all and says how long it took.
func drown(t *testing.T, w *world, n int) (again int64) {
	t.Helper()
	w.Log = slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelWarn}))
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	all := flood(rnd, n)
	bodies := deliveries(rnd, all)
	began := time.Now()
	again = w.pour(t, bodies, 8)
	took := time.Since(began)
	w.truth(t, all)
	t.Logf("evidence: %d callbacks, %d deliveries by 8 clients in %s (%.0f/s)", n, len(bodies), took.Round(time.Second), float64(len(bodies))/took.Seconds())
	return again
}

func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes half a minute")
	}
	w := newWorld(t)
	if again := drown(t, w, 10_000); again > 0 {
		t.Errorf("%d deliveries were not recorded at once\n%.3000s", again, w.logs)
	}
}

// floodOnS3 is how many callbacks an S3 server gets; a quarter under the race detector, which the flood on folders goes through whole.
var floodOnS3 = 10_000

// Versitygw refuses a write (409, "Existing Object is a directory") into a folder that it removes at this moment because it has
// become empty, which happens a few times in a flood. S3 has no folders, but a bad day may look the same: that is what 503 is for.
func TestFloodOnS3(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes two minutes")
	}
	w := worldIn(s3server.Start(t, s3server.Versity).Store(t))
	if again := drown(t, w, floodOnS3); again > 0 {
		t.Logf("%d deliveries were not recorded at once\n%.3000s", again, w.logs)
	}
}

// Lists that speak of the same requests at the same time are in nobody's way.
func TestListsAtOnce(t *testing.T) {
	w := newWorld(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	all := flood(rnd, 400)
	var lists []string
	for chunk := range slices.Chunk(all, 40) {
		var items []string
		for _, s := range chunk {
			items = append(items, s.body)
		}
		lists = append(lists, "["+strings.Join(items, ",")+"]")
	}
	if again := w.pour(t, slices.Concat(lists, lists), 8); again > 0 {
		t.Errorf("%d deliveries were not recorded at once\n%.3000s", again, w.logs)
	}
	for i := range all { // kept are the lists
		all[i].body = lists[i/40]
	}
	w.truth(t, all)
}
