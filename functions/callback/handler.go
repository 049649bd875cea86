package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"denybatch/internal/callback"
)

// handler brings HTTP events to the callbacks. One of them serves any number of invocations.
type handler struct {
	callbacks *callback.Handler
}

// event is a call, as an HTTP API and a function URL (payload 2.0) or a REST API (payload 1.0) tell of it. Cookies, path and
// query are left alone: nothing of ours is in them.
type event struct {
	RequestContext struct {
		HTTP struct {
			Method string `json:"method"`
		} `json:"http"`
	} `json:"requestContext"`
	HTTPMethod        string              `json:"httpMethod"`        // payload 1.0
	Headers           map[string]string   `json:"headers"`           // those of one name are joined by commas, or one is left
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"` // payload 1.0
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// response is an answer in payload 2.0, of which nothing is beyond payload 1.0: a REST API refuses what it does not know, such
// as cookies.
type response struct {
	StatusCode int               `json:"statusCode"`
	Headers    map[string]string `json:"headers"`
	Body       string            `json:"body"`
}

// errUnfamiliar does not show the event, which may hold the token.
var errUnfamiliar = errors.New("this is no HTTP event: the function answers an API Gateway HTTP API (payload 2.0), a Lambda function URL or " +
	"an API Gateway REST API, all of which name the method of a call")

// Handle answers one call.
func (h *handler) Handle(ctx context.Context, raw json.RawMessage) (response, error) {
	var e event
	if json.Unmarshal(raw, &e) != nil || e.method() == "" {
		return response{}, errUnfamiliar
	}
	a := h.callbacks.Handle(ctx, callback.Request{
		Method: e.method(), Header: e.header(), Body: strings.NewReader(e.Body), Base64: e.IsBase64Encoded,
	})
	return response{a.Status, a.Header, string(a.Body)}, nil
}

func (e event) method() string { return cmp.Or(e.RequestContext.HTTP.Method, e.HTTPMethod) }

// header gives the headers in their usual case. In payload 1.0 they come twice, which does no harm.
func (e event) header() http.Header {
	header := http.Header{}
	for name, value := range e.Headers {
		header.Add(name, value)
	}
	for name, values := range e.MultiValueHeaders {
		for _, value := range values {
			header.Add(name, value)
		}
	}
	return header
}
