// Package callback hears from ROIT how requests went: over HTTP, whoever serves it, and once more from what was stored when
// a receiver died.
//
// # The order that loses nothing
//
// A callback is first put into the due index, then stored as it came, then applied to the records of its requests, then
// taken out of the index, and only then answered with 202. Whoever dies on the way leaves an entry in the index, and the
// next sweep applies what was stored ([Replay]). What could not even be stored was not answered with 202 either, so ROIT
// may deliver it again. Hearing the same callback twice changes nothing, so nobody needs to know how far it came.
//
// # What is kept
//
// Everything that comes with the right token and is not too long: what can be applied at callbacks/<day>/<id>.json, what
// cannot be understood at callbacks/<day>/unreadable/<id>, for a person to look at. A list of which some items can be
// understood is kept at both places, its good items are applied, and the answer is 400 and names the bad ones: 202 would
// hide that something was not understood, and refusing the good items would lose what was. The id is the SHA-256 of the
// body, so the same callback is stored once a day, however often it comes.
package callback

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"denybatch/internal/clock"
	"denybatch/internal/ledger"
	"denybatch/internal/objects"
	"denybatch/internal/request"
)

// Book is what a callback needs of [request.Book]. Hear is idempotent, and the order of words does not matter to it.
type Book interface {
	Hear(ctx context.Context, id request.ID, w request.Word) (request.Record, error)
}

// Handler takes callbacks. It is an [http.Handler], safe for concurrent use, and must not be copied once it is used.
type Handler struct {
	State  objects.Store
	Clock  clock.Clock
	Book   Book
	Tokens func(ctx context.Context, fresh bool) ([]Token, error) // those that are accepted; with fresh, read anew
	Log    *slog.Logger                                           // hears of ids, never of tokens, bodies or texts; nil: nobody does

	door door
}

// Request is a call, whatever brought it.
type Request struct {
	Method string
	Header http.Header
	Body   io.Reader // not read before the token was found right
	Base64 bool      // the body is said to be base64 of what was sent
}

// Response is the answer to a call. Its body is always JSON.
type Response struct {
	Status int
	Header map[string]string
	Body   []byte
}

// Handle answers a call: 202 once everything in it is recorded, and otherwise a problem (RFC 9457). After 503 the same
// callback should come again.
func (h *Handler) Handle(ctx context.Context, r Request) Response {
	taken, err := h.receive(ctx, r)
	if err == nil {
		return accepted(taken)
	}
	var p *problem
	if !errors.As(err, &p) {
		h.log().ErrorContext(ctx, "callback not recorded", "error", err)
		return unavailable.response()
	}
	h.log().WarnContext(ctx, "callback refused", "status", p.status, "why", p.detail)
	return p.response()
}

// receive takes what is in a call and returns how many words that was. Its error is a problem unless the trouble is ours.
func (h *Handler) receive(ctx context.Context, r Request) (int, error) {
	if r.Method != http.MethodPost {
		return 0, wrongMethod
	}
	if err := h.admit(ctx, r.Header); err != nil {
		return 0, err
	}
	body, err := read(r)
	if err == tooLong || err == notWhole {
		return 0, err // there is nothing worth keeping
	}
	heard := h.Clock.Now()
	var words []hearing
	if err == nil {
		words, err = parse(body, heard)
	}
	if lost := h.take(ctx, newLetter(heard, body), words, err); lost != nil {
		return 0, lost
	}
	return len(words), err
}

// take records a letter: the words that were found in it, and what is wrong with it, if anything is.
func (h *Handler) take(ctx context.Context, l letter, words []hearing, fault error) error {
	if len(words) == 0 {
		return l.keepUnreadable(ctx, h.State)
	}
	index := ledger.Index{Store: h.State, Clock: h.Clock}
	entry, err := index.Schedule(ctx, l.heard, Kind, l.id())
	if err != nil {
		return err
	}
	if err := l.keep(ctx, h.State); err != nil {
		return err
	}
	if err := apply(ctx, h.State, h.Book, l, words, fault, h.log()); err != nil {
		return err
	}
	// Whoever else receives these very bytes at the same time needs the entry no more than we do: what it would have to
	// apply has been applied.
	if err := index.Drop(ctx, entry); err != nil {
		h.log().WarnContext(ctx, "a callback that is recorded will be applied again", "error", err)
	}
	return nil
}

func (h *Handler) log() *slog.Logger {
	if h.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return h.Log
}

// Replay applies a callback that was stored, by the id of its entry in the due index, where its [Kind] is "callback". One that
// was never stored is nothing to do: it was not answered with 202. What cannot be understood in it is kept for a person and
// no error. The entry stays; it may be dropped once [ledger.Grace] is over.
func Replay(ctx context.Context, state objects.Store, book Book, id string) error {
	day, hash, ok := strings.Cut(id, "/")
	if !ok || strings.Contains(hash, "/") {
		return nil // nothing of ours
	}
	l := letter{day: day, hash: hash}
	body, info, err := objects.Read(ctx, state, l.key(), maxBody)
	if errors.Is(err, objects.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	l.heard, l.body = info.Modified.UTC(), body
	words, fault := parse(body, l.heard)
	for i := range words {
		words[i].word.Replay = true
	}
	return apply(ctx, state, book, l, words, fault, slog.New(slog.DiscardHandler))
}

// ServeHTTP implements [http.Handler]. What has begun is brought to its end also when the caller hangs up.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	answer := h.Handle(ctx, Request{Method: r.Method, Header: r.Header, Body: r.Body})
	for name, value := range answer.Header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(answer.Status)
	if _, err := w.Write(answer.Body); err != nil {
		h.log().DebugContext(ctx, "the caller did not wait for the answer", "error", err)
	}
}

// patience is how long a call may take.
const patience = 25 * time.Second
