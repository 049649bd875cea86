package sweep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/report"
	"denybatch/internal/request"
	"denybatch/internal/sheet"
	"denybatch/internal/verdict"
)

const (
	marks       = "sweeps/files/"
	maxFile     = 256 << 20
	maxLines    = 50_000 // of one report; files beyond that wait for the next sweep
	rowsAtOnce  = 100    // that are ordered before they are written into the diary
	ordersAside = 8      // at a time
)

// dropped is a file in the inbox, in one of its contents.
type dropped struct {
	objects.Info
	integration string
	name        string
}

// id tells a file from every other, also from an earlier or a later content under the same name.
func (f dropped) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %d %s", f.Key, f.ETag, f.Size, f.Modified.UTC().Format(time.RFC3339Nano)))
	return hex.EncodeToString(sum[:12])
}

// parse reads inbox/reprocess/<integration>/<name>. Folder markers and what programs leave beside files are none.
func parse(info objects.Info) (dropped, bool) {
	integration, name, ok := strings.Cut(strings.TrimPrefix(info.Key, inbox), "/")
	base := path.Base(name)
	if !ok || integration == "" || name == "" || strings.HasSuffix(name, "/") || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "~$") {
		return dropped{}, false
	}
	return dropped{info, integration, name}, true
}

// readFiles takes up every file that no sweep has read before, in the order of their keys.
func (r *run) readFiles(ctx context.Context) error {
	known, err := r.knownFiles(ctx)
	if err != nil {
		return err
	}
	for info, err := range r.Exchange.List(ctx, inbox, "") {
		if err != nil {
			return err
		}
		f, ok := parse(info)
		if !ok || known[f.id()] {
			continue
		}
		if len(r.diary.items) >= maxLines {
			return nil // it is read by the next sweep
		}
		if r.Halt() {
			r.handOver = len(r.diary.items) == 0 && r.asked == 0
			return nil
		}
		if err := r.readFile(ctx, f); err != nil {
			return fmt.Errorf("%s: %w", f.Key, err)
		}
		if r.handOver {
			return nil
		}
	}
	return nil
}

func (r *run) knownFiles(ctx context.Context) (map[string]bool, error) {
	known := map[string]bool{}
	for info, err := range r.State.List(ctx, marks, "") {
		if err != nil {
			return nil, err
		}
		known[strings.TrimSuffix(path.Base(info.Key), ".json")] = true
	}
	return known, nil
}

// readFile orders what a file asks for and notes that it has been read. A file that cannot be read has one line that says
// so; one that is replaced or deleted meanwhile is left to the next sweep.
func (r *run) readFile(ctx context.Context, f dropped) error {
	swept := report.SweptFile{Key: f.Key}
	if !r.diary.read[f.id()] {
		spool, err := r.spool(ctx, f, &swept)
		if err != nil || spool == nil {
			return err
		}
		defer os.Remove(spool.Name())
		defer spool.Close()
		err = r.orderAll(ctx, f, spool, &swept)
		if fault, ok := errors.AsType[*sheet.Fault](err); ok {
			swept.Refused, err = fault.Error(), nil
			r.diary.add(entry{ID: f.id(), Item: &item{Kind: kindFile, File: f.Key,
				Fixed: &request.Ruling{Result: verdict.Invalid, Code: "unreadable-file", Message: fault.Error()}}})
		}
		if err != nil || r.handOver {
			return err
		}
		r.diary.add(entry{ID: f.id(), File: &swept})
		if err := r.diary.flush(ctx); err != nil {
			return err
		}
	}
	return r.mark(ctx, f)
}

// mark notes that no sweep needs to read the file again.
func (r *run) mark(ctx context.Context, f dropped) error {
	b, err := json.Marshal(map[string]any{"key": f.Key, "etag": f.ETag, "size": f.Size, "modified": f.Modified, "sweep": r.me.Sweep})
	if err != nil {
		return err
	}
	_, err = objects.CreateBytes(ctx, r.State, marks+f.id()+".json", b)
	if errors.Is(err, objects.ErrExists) {
		return nil
	}
	return err
}

// spool copies the file to disk, or returns nil when it is no longer the one that was listed.
func (r *run) spool(ctx context.Context, f dropped, swept *report.SweptFile) (_ *os.File, err error) {
	body, info, err := r.Exchange.Open(ctx, f.Key)
	if errors.Is(err, objects.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	if info.Size != f.Size || f.ETag != "" && info.ETag != f.ETag || f.ETag == "" && !info.Modified.Equal(f.Modified) {
		return nil, nil
	}
	spool, err := os.CreateTemp("", "denybatch-*")
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	if _, err := io.Copy(io.MultiWriter(spool, hash), io.LimitReader(body, maxFile+1)); err != nil {
		spool.Close()
		return nil, errors.Join(err, os.Remove(spool.Name()))
	}
	swept.Version, swept.SHA256 = info.Version, hex.EncodeToString(hash.Sum(nil))
	return spool, nil
}

// orderAll orders every row of a file. The error is a [*sheet.Fault] when nothing was ordered because the file is refused.
func (r *run) orderAll(ctx context.Context, f dropped, spool *os.File, swept *report.SweptFile) error {
	base := path.Base(f.name)
	if f.Size > maxFile {
		return &sheet.Fault{File: base, Problem: fmt.Sprintf("has %d MiB, and %d is the most", f.Size>>20, maxFile>>20), Remedy: "split it"}
	}
	book, table, rows, err := survey(base, spool, f.Size)
	if err != nil {
		return err
	}
	defer book.Close()
	switch swept.Rows = rows; {
	case swept.Rows == 0:
		return &sheet.Fault{File: base, Problem: "has headings but no row below them", Remedy: "enter one request in each row"}
	case swept.Rows > r.RowLimit:
		return &sheet.Fault{File: base, Problem: fmt.Sprintf("has %d rows, and %d is the most", swept.Rows, r.RowLimit), Remedy: "split it"}
	}
	return r.orderRows(ctx, f, newReader(table, f.integration, book.Reading().Format))
}

// survey opens a file and reads it to its end once, before anything in it is ordered. A file that makes the reader itself fail is
// refused like any other, because it would end every sweep.
func survey(name string, spool io.ReaderAt, size int64) (book *sheet.Book, table *sheet.Table, rows int, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &sheet.Fault{File: name, Problem: fmt.Sprintf("cannot be read (%v)", p), Remedy: "open it in a spreadsheet program, save it as XLSX or CSV and try again"}
		}
		if err != nil && book != nil {
			book.Close()
		}
	}()
	if book, err = sheet.Open(name, spool, size); err != nil {
		return nil, nil, 0, err
	}
	if table, err = findTable(book); err != nil {
		return book, nil, 0, err
	}
	rows, err = count(table)
	return book, table, rows, err
}

// count reads the table to its end, so that a file which breaks off in the middle is refused.
func count(t *sheet.Table) (rows int, err error) {
	for _, err := range t.Rows() {
		if err != nil {
			return 0, err
		}
		rows++
	}
	return rows, nil
}

func (r *run) orderRows(ctx context.Context, f dropped, rows *reader) error {
	through := r.diary.through[f.id()]
	var chunk []order
	for row, err := range rows.table.Rows() {
		if err != nil {
			return err
		}
		o := rows.order(row)
		if o.row <= through {
			continue // the worker before us got this far
		}
		if chunk = append(chunk, o); len(chunk) < rowsAtOnce {
			continue
		}
		if err := r.take(ctx, f, chunk); err != nil {
			return err
		}
		if chunk = chunk[:0]; r.Halt() {
			r.handOver = true
			return nil
		}
	}
	return r.take(ctx, f, chunk)
}

// take orders some rows and writes their lines down. A crash in between does no harm: the same row is the same order.
func (r *run) take(ctx context.Context, f dropped, orders []order) error {
	if err := r.alive(ctx); err != nil {
		return err
	}
	aside, inner := errgroup.WithContext(ctx)
	aside.SetLimit(ordersAside)
	for i := range orders {
		if o := &orders[i]; o.ruling == nil {
			aside.Go(func() error { return r.place(inner, f, o) })
		}
	}
	if err := aside.Wait(); err != nil {
		return err
	}
	for _, o := range orders {
		r.diary.add(entry{ID: f.id(), Item: &item{Kind: kindRequest, Integration: o.id.Integration, Request: o.id.Request,
			File: f.Key, Row: o.row, Confirm: o.confirm, Fixed: o.ruling}})
	}
	return r.diary.flush(ctx)
}

// damaged is the ruling for a request whose record cannot be read.
var damaged = request.Ruling{Result: verdict.Unknown, Code: "record-damaged",
	Message: "its record cannot be read, so nobody knows whether ROIT was asked for it: tell whoever runs denybatch"}

// place enters an order into the record of its request, and takes down the ruling if it is not to be asked for.
func (r *run) place(ctx context.Context, f dropped, o *order) error {
	ruling, err := r.book.Order(ctx, o.id, request.Order{
		File: f.id(), Key: f.Key, Row: o.row, Confirmed: o.confirmed, At: r.me.Began,
	})
	if errors.Is(err, ledger.ErrDamaged) {
		r.Log.ErrorContext(ctx, "record of a request", "sweep", r.me.Sweep, "integration", o.id.Integration, "request", o.id.Request, "error", err)
		o.ruling = &damaged
		return nil
	}
	if err == nil && !ruling.Ask {
		o.ruling = &ruling
	}
	return err
}
