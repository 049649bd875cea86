package inbox

import "denybatch/internal/journal"

// Object is an object as an event names it. Version and ETag may be empty when the event does not say.
type Object struct {
	Bucket  string `json:"bucket"`
	Key     string `json:"key"` // below the exchange's prefix, if that has one
	Version string `json:"version,omitempty"`
	ETag    string `json:"etag,omitempty"`
	Reopen  int    `json:"reopen,omitempty"` // the run to begin, if the one before it left rows unknown or not_sent; 0: none
	Idle    int    `json:"idle,omitempty"`   // how many workers in a row have handed it over without settling a row
}

// ObjectOf is the object that a batch was made from, as a message names it.
func ObjectOf(rec journal.Record) Object {
	s := rec.Source
	o := Object{Bucket: s.Bucket, Key: s.Key, Version: s.Version, ETag: s.ETag}
	if s.Version == s.ETag {
		o.Version = ""
	}
	return o
}

// Continuation is the message that asks for going on with an object. It may wait in a queue while a new version of us
// is deployed: fields keep their meaning.
type Continuation struct {
	Continue *Object `json:"denybatch_continue,omitempty"`
}
