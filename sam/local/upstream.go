package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// truth is a line of the simulator's state: what really happened to a document, or to a request.
type truth struct {
	DocID        string `json:"docId"`
	Status       string `json:"status"`
	Applied      int    `json:"applied"`
	Comment      string `json:"comment"`
	DeniedBefore bool   `json:"deniedBefore"`

	RequestID string `json:"requestId"`
	Asked     int    `json:"asked"`
	Doubles   int    `json:"doubles"`
}

// truths are all documents and requests, by their ids in lower case.
func (s story) truths(ctx context.Context) (map[string]truth, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.simulator+"/_sim/state", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	all := map[string]truth{}
	for lines := json.NewDecoder(response.Body); ; {
		var t truth
		if err := lines.Decode(&t); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("the simulator's state: %w", err)
		}
		all[strings.ToLower(t.DocID+t.RequestID)] = t
	}
}
