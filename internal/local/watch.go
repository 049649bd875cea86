package local

import (
	"context"
	"path"
	"strings"
	"sync"
	"time"

	"denybatch/internal/objects"
)

const (
	watchEvery = 300 * time.Millisecond
	quietFor   = 1500 * time.Millisecond // a file that has not changed for so long is taken to be whole
)

// watcher looks at the inbox again and again, and tells of each file once it is quiet.
type watcher struct {
	exchange objects.Store
	arrivals arrivals

	mu     sync.Mutex
	seen   map[string]sight
	failed string // why the last look failed
}

// arrivals is told of files.
type arrivals interface {
	arrived(key string, atStart bool)
	cannotLook(err error)
}

// sight is what a file looked like.
type sight struct {
	size     int64
	modified time.Time
	since    time.Time // when it first looked so
	told     bool
	atStart  bool // it lay there when we began
}

func newWatcher(exchange objects.Store, a arrivals) *watcher {
	return &watcher{exchange: exchange, arrivals: a, seen: map[string]sight{}}
}

// run looks until ctx ends.
func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for atStart := true; ; atStart = false {
		w.look(ctx, atStart)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look lists the inbox once.
func (w *watcher) look(ctx context.Context, atStart bool) {
	there := map[string]bool{}
	var quiet []string
	for info, err := range w.exchange.List(ctx, "inbox/", "") {
		if err != nil {
			w.fail(ctx, err)
			return // what is not seen in half a look may be there all the same
		}
		there[info.Key] = true
		if !beside(info.Key) && w.notice(info, atStart) {
			quiet = append(quiet, info.Key)
		}
	}
	w.forget(there)
	for _, key := range quiet {
		w.arrivals.arrived(key, w.sightOf(key).atStart)
	}
}

// beside reports whether a file is none that somebody dropped, but one that a program leaves beside those.
func beside(key string) bool {
	base := path.Base(key)
	return strings.HasPrefix(base, ".") || strings.HasPrefix(base, "~$")
}

// notice takes a look at one file, and reports whether it is quiet for the first time.
func (w *watcher) notice(info objects.Info, atStart bool) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	s, known := w.seen[info.Key]
	if !known || s.size != info.Size || !s.modified.Equal(info.Modified) {
		s = sight{size: info.Size, modified: info.Modified, since: now, atStart: atStart && !known}
	}
	first := !s.told && s.quiet(now)
	s.told = s.told || first
	w.seen[info.Key] = s
	return first
}

// quiet reports whether nobody writes a file any more. One that says so by its time, as one that was moved here, need not
// be watched for that.
func (s sight) quiet(now time.Time) bool {
	return now.Sub(s.since) >= quietFor || now.Sub(s.modified) >= quietFor
}

func (w *watcher) sightOf(key string) sight {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen[key]
}

func (w *watcher) forget(there map[string]bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failed = ""
	for key := range w.seen {
		if !there[key] {
			delete(w.seen, key)
		}
	}
}

// again has a file told of once more when it is quiet from now on.
func (w *watcher) again(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.seen, key)
}

// fail tells why the inbox cannot be listed, once for each reason.
func (w *watcher) fail(ctx context.Context, err error) {
	w.mu.Lock()
	news := ctx.Err() == nil && err.Error() != w.failed
	w.failed = err.Error()
	w.mu.Unlock()
	if news {
		w.arrivals.cannotLook(err)
	}
}

// whole reports whether a file, as it is listed, is quiet.
func (w *watcher) whole(info objects.Info) bool {
	s := w.sightOf(info.Key)
	if s.size == info.Size && s.modified.Equal(info.Modified) {
		return s.quiet(time.Now())
	}
	return time.Since(info.Modified) >= quietFor
}
