package callback

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"denybatch/internal/objects"
	"denybatch/internal/request"
)

// Kind is what callbacks are called in the due index.
const Kind = "callback"

// letter is a callback as it came.
type letter struct {
	day   string // on which it came, UTC
	hash  string // of the body
	heard time.Time
	body  []byte
}

func newLetter(heard time.Time, body []byte) letter {
	sum := sha256.Sum256(body)
	return letter{heard.UTC().Format(time.DateOnly), hex.EncodeToString(sum[:]), heard, body}
}

// id names the letter in the due index.
func (l letter) id() string { return l.day + "/" + l.hash }

// key is where a letter stands that can be applied, in whole or in part.
func (l letter) key() string { return "callbacks/" + l.id() + ".json" }

// unreadableKey is where a letter stands that a person must look at.
func (l letter) unreadableKey() string { return "callbacks/" + l.day + "/unreadable/" + l.hash }

func (l letter) keep(ctx context.Context, state objects.Store) error {
	return keepAt(ctx, state, l.key(), l.body)
}

func (l letter) keepUnreadable(ctx context.Context, state objects.Store) error {
	return keepAt(ctx, state, l.unreadableKey(), l.body)
}

// keepAt stores a body under the name that is made of it, so one that is there already is the same.
func keepAt(ctx context.Context, state objects.Store, key string, body []byte) error {
	_, err := objects.CreateBytes(ctx, state, key, body)
	if err != nil && !errors.Is(err, objects.ErrExists) {
		return fmt.Errorf("keep %s: %w", key, err)
	}
	return nil
}

// atOnce is how many requests are written at a time, so that a list of 500 is recorded while the caller still waits.
const atOnce = 16

// apply has the book hear every word of a letter, and keeps the letter for a person when something in it is wrong.
func apply(ctx context.Context, state objects.Store, book Book, l letter, words []hearing, fault error, log *slog.Logger) error {
	if fault != nil {
		if err := l.keepUnreadable(ctx, state); err != nil {
			return err
		}
	}
	var group errgroup.Group // without a shared context: what one request suffers is not another's trouble
	group.SetLimit(atOnce)
	for _, same := range byRequest(words) {
		group.Go(func() error {
			for _, h := range same {
				record, err := book.Hear(ctx, h.id, h.word)
				if err != nil {
					return fmt.Errorf("hear of request %s: %w", h.id, err)
				}
				log.InfoContext(ctx, "callback heard", "integration", h.id.Integration, "request", h.id.Request, "state", record.State)
			}
			return nil
		})
	}
	return group.Wait()
}

// byRequest groups words by request, because those about one would only wait for each other.
func byRequest(words []hearing) map[request.ID][]hearing {
	by := map[request.ID][]hearing{}
	for _, h := range words {
		by[h.id] = append(by[h.id], h)
	}
	return by
}
