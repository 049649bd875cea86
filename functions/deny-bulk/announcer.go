package main

import (
	"context"

	"denybatch/internal/cloud"
	"denybatch/internal/inbox"
	"denybatch/internal/report"
)

// announcer puts "Denial Batch Completed" on the event bus.
type announcer struct {
	bus      cloud.Bus
	exchange cloud.Place
}

// completed is the event's detail. It is an API: fields keep their meaning.
type completed struct {
	Batch   string            `json:"batch"`
	Run     int               `json:"run"`
	Kind    inbox.Kind        `json:"kind"`
	Org     string            `json:"org"`
	File    string            `json:"file"`
	Status  string            `json:"status"`
	Reason  string            `json:"reason"`
	Rows    int               `json:"rows"`
	Counts  report.Counts     `json:"counts"`
	Bucket  string            `json:"bucket"`
	Reports map[string]string `json:"reports"` // kind to key in the bucket
}

func (a announcer) Announce(ctx context.Context, order inbox.Order, s report.Summary) error {
	keys := map[string]string{}
	for kind, key := range s.Reports {
		keys[kind] = a.exchange.Prefix + key
	}
	return a.bus.Put(ctx, "Denial Batch Completed", completed{
		Batch: s.Batch, Run: s.Run, Kind: order.Kind, Org: s.Org, File: order.Name, Status: s.Status, Reason: s.Stopped,
		Rows: s.Rows, Counts: s.Counts, Bucket: a.exchange.Bucket, Reports: keys,
	})
}
