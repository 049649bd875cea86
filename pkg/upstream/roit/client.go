package roit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"denybatch/pkg/upstream"
)

// Client speaks to ROIT. It is safe for concurrent use.
type Client struct {
	roit *upstream.Client
	veil *veil
	base string // URL of the requests
}

const requestsPath = "/ibs-core-entrypoint/api/v1/entrypoint/requests"

// ids name one request at ROIT.
type ids struct {
	RequestID     string `json:"requestId"`
	IntegrationID string `json:"integrationId"`
}

func (i ids) check() error {
	if err := CheckID(i.RequestID); err != nil {
		return fmt.Errorf("request id: %w", err)
	}
	if err := CheckID(i.IntegrationID); err != nil {
		return fmt.Errorf("integration id: %w", err)
	}
	return nil
}

// Reprocess asks ROIT to process a request again. It goes out at most once (and once more with another token if the
// first was refused), for it is not known to be idempotent and may lead to a second booking (section 8, point 4).
//
// Without an error the answer is about this request and its status is a documented one. What an error means is for
// [upstream.Judge] to say: Lost, whenever the request may have been carried out and the answer does not tell.
func (c *Client) Reprocess(ctx context.Context, integrationID, requestID string) (Answer, error) {
	about := ids{requestID, integrationID}
	if err := about.check(); err != nil {
		return Answer{}, refuse("reprocess", err)
	}
	return c.change(ctx, "reprocess request "+requestID, "/reprocess", about, about)
}

// Update is what an ERP reports of a request (section 3.2).
type Update struct {
	IntegrationID  string
	RequestID      string
	Reference      string         // the one that the request was registered with
	Status         Status         // a documented one
	Message        string         // mandatory, also for DONE
	EntryReference json.Number    // ERP entry number; empty for none. What is no number, or one too long to be kept exactly, belongs into Metadata
	EntryDate      time.Time      // zero for none
	SystemInfo     map[string]any // any names; nil for none
	Metadata       map[string]any // any names; nil for none
}

// dateLayout is ISO 8601 with milliseconds, in UTC (section 8, point 11).
const dateLayout = "2006-01-02T15:04:05.000Z"

func (u Update) MarshalJSON() ([]byte, error) {
	wire := struct {
		ids
		Reference      string         `json:"reference"`
		Status         Status         `json:"status"`
		Message        string         `json:"message"`
		EntryReference json.Number    `json:"entryReference,omitempty"`
		EntryDate      string         `json:"entryDate,omitempty"`
		SystemInfo     map[string]any `json:"systemInfo,omitempty"`
		Metadata       map[string]any `json:"metadata,omitempty"`
	}{ids{u.RequestID, u.IntegrationID}, u.Reference, u.Status, u.Message, u.EntryReference, "", u.SystemInfo, u.Metadata}
	if !u.EntryDate.IsZero() {
		wire.EntryDate = u.EntryDate.UTC().Format(dateLayout)
	}
	return json.Marshal(wire)
}

func (u Update) check() error {
	if err := (ids{u.RequestID, u.IntegrationID}).check(); err != nil {
		return err
	}
	switch {
	case !u.Status.Known():
		return fmt.Errorf("status: %q is not one of %v", string(u.Status), Statuses)
	case strings.TrimSpace(u.Reference) == "":
		return errors.New("reference: is empty, but ROIT wants the one that the request was registered with")
	case strings.TrimSpace(u.Message) == "":
		return errors.New("message: is empty, but ROIT wants one with every status, also with DONE")
	case u.EntryReference != "" && !exactNumber(u.EntryReference):
		return errors.New("entry reference: must be a number that ROIT can keep exactly; put any other into the metadata")
	}
	return nil
}

// exactNumber reports whether a number comes back as it was from whoever reads it as a float64: a whole number without
// leading zeros, and not beyond 2^53.
func exactNumber(n json.Number) bool {
	i, err := n.Int64()
	const limit = 1 << 53
	return err == nil && -limit <= i && i <= limit && fmt.Sprint(i) == n.String()
}

// UpdateStatus reports to ROIT how the ERP fared with a request. Errors and answers are as those of [Client.Reprocess];
// whether the same update may be sent twice is not documented, though probable.
func (c *Client) UpdateStatus(ctx context.Context, u Update) (Answer, error) {
	if err := u.check(); err != nil {
		return Answer{}, refuse("update status", err)
	}
	return c.change(ctx, fmt.Sprintf("update request %s to %s", u.RequestID, u.Status), "/status", u, ids{u.RequestID, u.IntegrationID})
}

// Query says which documents to hand out (section 3.1).
type Query struct {
	Entity        Entity
	IntegrationID string
	Type          string // such as NFE; empty for all
}

func (q Query) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Entity        Entity `json:"entity"`
		IntegrationID string `json:"integrationId"`
		Type          string `json:"type,omitempty"`
	}(q))
}

func (q Query) check() error {
	if !q.Entity.Known() {
		return fmt.Errorf("entity: %q is not one of %v", string(q.Entity), Entities)
	}
	if err := CheckID(q.IntegrationID); err != nil {
		return fmt.Errorf("integration id: %w", err)
	}
	return nil
}

// Pending CHANGES STATE AT ROIT, although it looks like a query: EVERY DOCUMENT IT RETURNS IS THEREBY SWITCHED TO
// PROCESSING, and then waits until somebody reports DONE or ERROR for it (section 3). Never call it to look, to count, to
// check the configuration, in a dry run, or after a lost answer. Nothing in denybatch calls it.
//
// It returns the JSON that came, of a form that differs between customers; store it before anything else. It is returned
// also beside the error that says that it is no JSON, for there will be no second copy. It goes out at most once, as
// Reprocess does.
func (c *Client) Pending(ctx context.Context, q Query) (json.RawMessage, error) {
	if err := q.check(); err != nil {
		return nil, refuse("fetch pending documents", err)
	}
	return c.fetch(ctx, "fetch pending documents of "+q.IntegrationID, "/pending", q)
}

// Attachments returns the JSON that ROIT gives for the attachments of a request, whose form is not documented. It
// changes nothing, so that it may be repeated.
func (c *Client) Attachments(ctx context.Context, integrationID, requestID string) (json.RawMessage, error) {
	about := ids{requestID, integrationID}
	if err := about.check(); err != nil {
		return nil, refuse("fetch attachments", err)
	}
	return c.fetch(ctx, "fetch attachments of request "+requestID, "/attachs", about)
}

// refuse is the error of what is wrong before it is sent.
func refuse(op string, why error) error {
	return &upstream.Error{Op: op, Detail: why.Error()}
}

// change sends what changes a request, and reads the answer, which must be about that request.
func (c *Client) change(ctx context.Context, op, path string, body any, about ids) (answer Answer, err error) {
	err = c.do(ctx, op, path, body, func(reply upstream.Reply) error {
		answer, err = decode(reply.Body, about)
		if err != nil {
			return errors.New(c.veil.hide(err.Error()))
		}
		return nil
	})
	if err != nil {
		return Answer{}, err
	}
	return answer, nil
}

// fetch sends what has JSON of any form for an answer.
func (c *Client) fetch(ctx context.Context, op, path string, body any) (raw json.RawMessage, err error) {
	err = c.do(ctx, op, path, body, func(reply upstream.Reply) error {
		raw = slices.Clip(reply.Body)
		if !json.Valid(raw) {
			return notJSON(raw)
		}
		return nil
	})
	return raw, err
}

func (c *Client) do(ctx context.Context, op, path string, body any, read func(upstream.Reply) error) error {
	text, err := json.Marshal(body)
	if err != nil {
		return refuse(op, err)
	}
	req := upstream.Request{Op: op, Method: http.MethodPost, URL: c.base + path, Body: text}
	return c.roit.Do(ctx, req, read)
}
