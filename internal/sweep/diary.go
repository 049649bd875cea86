package sweep

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/report"
	"denybatch/internal/request"
)

// The kinds of lines of a report.
const (
	kindRequest = "request"
	kindBatch   = "batch"
	kindFile    = "file"
)

// item is a line of the report to come. Without a fixed ruling it says what the record of its request says when all is done.
type item struct {
	Kind        string          `json:"kind"`
	Integration string          `json:"integration,omitempty"`
	Request     string          `json:"request,omitempty"`
	Batch       string          `json:"batch,omitempty"`
	File        string          `json:"file,omitempty"` // its key
	Row         int             `json:"row,omitempty"`
	Confirm     string          `json:"confirm,omitempty"`
	Due         bool            `json:"due,omitempty"` // it was due by itself, and an earlier report told of it
	Fixed       *request.Ruling `json:"fixed,omitempty"`
}

func (it item) id() request.ID { return request.ID{Integration: it.Integration, Request: it.Request} }

// entry is one line of the diary: of the report to come, or of a file that has been read to its end.
type entry struct {
	Item *item             `json:"item,omitempty"`
	File *report.SweptFile `json:"file,omitempty"`
	ID   string            `json:"id,omitempty"` // of the file that the item or the end is of
}

// diary is what a sweep has taken up: segments sweeps/<sweep>/diary/<n>.jsonl, created and never changed.
type diary struct {
	store    objects.Store
	sweep    string
	first    func(context.Context) error // called before the first segment is written
	segments int
	pending  []entry

	items   []item
	files   []report.SweptFile
	read    map[string]bool // files read to their end
	through map[string]int  // the last row of each file that stands here
	taken   map[string]line // requests and batches that have a line of their own
}

// line is what the diary says of a request or a batch.
type line int

const (
	none  line = iota // nothing
	open              // that it is to be done
	fixed             // what the report says of it
)

func newDiary(s objects.Store, sweep string) *diary {
	return &diary{store: s, sweep: sweep, read: map[string]bool{}, through: map[string]int{}, taken: map[string]line{}}
}

func (d *diary) prefix() string { return "sweeps/" + d.sweep + "/diary/" }

const maxSegment = 16 << 20

// openDiary reads what another worker wrote.
func openDiary(ctx context.Context, s objects.Store, sweep string) (*diary, error) {
	d := newDiary(s, sweep)
	for info, err := range s.List(ctx, d.prefix(), "") {
		if err != nil {
			return nil, err
		}
		b, _, err := objects.Read(ctx, s, info.Key, maxSegment)
		if err != nil {
			return nil, err
		}
		for line := range bytes.Lines(b) {
			var e entry
			if err := json.Unmarshal(line, &e); err != nil {
				return nil, fmt.Errorf("%s is damaged: %w", info.Key, err)
			}
			d.keep(e)
		}
		d.segments++
	}
	return d, nil
}

func (d *diary) keep(e entry) {
	if e.File != nil {
		d.files = append(d.files, *e.File)
		d.read[e.ID] = true
	}
	if e.Item == nil {
		return
	}
	d.items = append(d.items, *e.Item)
	if e.ID != "" {
		d.through[e.ID] = max(d.through[e.ID], e.Item.Row)
	}
	if key := e.Item.key(); key != "" {
		d.taken[key] = open
		if e.Item.Fixed != nil {
			d.taken[key] = fixed
		}
	}
}

// key is what nothing else in the same sweep may be about; empty for a line that only says why something is not done.
func (it item) key() string {
	switch {
	case it.Kind == kindBatch:
		return kindBatch + "/" + it.Batch
	case it.Kind == kindRequest && (it.Fixed == nil || it.File == ""):
		return kindRequest + "/" + it.id().Index()
	}
	return ""
}

// add puts lines into the next segment.
func (d *diary) add(entries ...entry) { d.pending = append(d.pending, entries...) }

// flush makes durable what was added. That somebody else wrote the same segment is [ledger.ErrLost].
func (d *diary) flush(ctx context.Context) error {
	if len(d.pending) == 0 {
		return nil
	}
	if d.segments == 0 && d.first != nil {
		if err := d.first(ctx); err != nil {
			return err
		}
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	for _, e := range d.pending {
		if err := enc.Encode(e); err != nil {
			return err
		}
	}
	_, err := objects.CreateBytes(ctx, d.store, fmt.Sprintf("%s%08d.jsonl", d.prefix(), d.segments), []byte(b.String()))
	if errors.Is(err, objects.ErrExists) {
		return fmt.Errorf("sweep %s: %w", d.sweep, ledger.ErrLost)
	}
	if err != nil {
		return err
	}
	for _, e := range d.pending {
		d.keep(e)
	}
	d.segments++
	d.pending = nil
	return nil
}
