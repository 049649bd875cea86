package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"denybatch/internal/objects"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// markName is the metadata in which an object says which writer wrote it.
const markName = "denybatch-writer"

// errDone says that a writer was committed or aborted before.
var errDone = errors.New("writer is committed or aborted")

// condition is what must hold for an object to be written. One of the two is set.
type condition struct{ ifNoneMatch, ifMatch *string }

// broken is the error of a write whose condition does not hold.
func (c condition) broken() error {
	if c.ifMatch != nil {
		return objects.ErrChanged
	}
	return objects.ErrExists
}

// writer is an object on its way: what was written since the last part, and the parts.
type writer struct {
	store     *Store
	ctx       context.Context // of the parts
	key       string
	condition condition
	mark      string
	buffer    []byte
	upload    *upload // nil until the first part is full
	size      int64
	done      bool
	err       error // of the first part that failed
}

func (s *Store) write(ctx context.Context, key string, c condition) *writer {
	return &writer{store: s, ctx: ctx, key: key, condition: c, mark: rand.Text()}
}

func (w *writer) metadata() map[string]string { return map[string]string{markName: w.mark} }

// Write implements [io.Writer]. A part that is full is sent when more follows.
func (w *writer) Write(p []byte) (int, error) {
	if w.done {
		return 0, fmt.Errorf("write %s: %w", w.key, errDone)
	}
	written := 0
	for len(p) > 0 && w.err == nil {
		if len(w.buffer) == partSize {
			if w.err = w.flush(w.ctx); w.err != nil {
				break
			}
		}
		n := min(len(p), partSize-len(w.buffer))
		w.buffer = append(grow(w.buffer, n), p[:n]...)
		p, written = p[n:], written+n
		w.size += int64(n)
	}
	if w.err != nil {
		return written, fmt.Errorf("write %s: %w", w.key, w.err)
	}
	return written, nil
}

// grow makes room for n more bytes, and never for more than a part.
func grow(b []byte, n int) []byte {
	if need := len(b) + n; need > cap(b) {
		return append(make([]byte, 0, min(max(need, 2*cap(b)), partSize)), b...)
	}
	return b
}

// flush sends the buffer as the next part.
func (w *writer) flush(ctx context.Context) error {
	if w.upload == nil {
		u, err := w.start(ctx)
		if err != nil {
			return err
		}
		w.upload = u
	}
	if err := w.upload.part(ctx, w.buffer); err != nil {
		return err
	}
	w.buffer = w.buffer[:0]
	return nil
}

// Commit implements [objects.Writer].
func (w *writer) Commit(ctx context.Context) (objects.Info, error) {
	info, err := w.commit(ctx)
	if err != nil {
		return objects.Info{}, fmt.Errorf("commit %s: %w", w.key, err)
	}
	return info, nil
}

func (w *writer) commit(ctx context.Context) (objects.Info, error) {
	if w.done {
		return objects.Info{}, errDone
	}
	defer w.Abort()
	if err := errors.Join(ctx.Err(), w.err); err != nil {
		return objects.Info{}, err
	}
	var try attempt
	info, err := w.send(ctx, &try)
	if err != nil {
		return w.settle(ctx, err, try.repeated)
	}
	w.upload = nil
	return info, nil
}

// send makes the object visible, whole or from its parts.
func (w *writer) send(ctx context.Context, try *attempt) (objects.Info, error) {
	if w.upload == nil {
		return w.put(ctx, try)
	}
	if err := w.flush(ctx); err != nil {
		return objects.Info{}, err
	}
	return w.complete(ctx, try)
}

func (w *writer) put(ctx context.Context, try *attempt) (objects.Info, error) {
	out, err := w.store.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &w.store.bucket, Key: w.store.key(w.key), Body: bytes.NewReader(w.buffer), Metadata: w.metadata(),
		IfNoneMatch: w.condition.ifNoneMatch, IfMatch: w.condition.ifMatch,
	}, try.watch)
	if err != nil {
		return objects.Info{}, err
	}
	return w.info(out.ETag, out.VersionId), nil
}

func (w *writer) info(etag, version *string) objects.Info {
	return objects.Info{Key: w.key, ETag: unquote(etag), Version: aws.ToString(version), Size: w.size}
}

// settle says what became of an object that S3 did not accept at once. A refusal of the first attempt is one; otherwise
// it depends on who is there.
func (w *writer) settle(ctx context.Context, refusal error, repeated bool) (objects.Info, error) {
	refused := isPrecondition(refusal) || w.condition.ifMatch != nil && isMissing(refusal)
	switch {
	case !refused && !isConflict(refusal):
		return objects.Info{}, refusal
	case refused && !repeated:
		return objects.Info{}, w.condition.broken()
	}
	there, err := w.store.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &w.store.bucket, Key: w.store.key(w.key)}, retrying)
	switch {
	case err != nil && !isMissing(err):
		return objects.Info{}, errors.Join(refusal, err)
	case err == nil && there.Metadata[markName] == w.mark:
		return w.info(there.ETag, there.VersionId), nil
	case refused || !w.condition.holds(there):
		return objects.Info{}, w.condition.broken()
	}
	return objects.Info{}, refusal
}

// holds reports whether the condition holds for what is there, which is nil for nothing.
func (c condition) holds(there *s3.HeadObjectOutput) bool {
	if c.ifMatch == nil {
		return there == nil
	}
	return there != nil && unquote(there.ETag) == unquote(c.ifMatch)
}

// Abort implements [objects.Writer].
func (w *writer) Abort() {
	w.done, w.buffer = true, nil
	if w.upload != nil {
		w.upload.abort(w.ctx)
		w.upload = nil
	}
}
