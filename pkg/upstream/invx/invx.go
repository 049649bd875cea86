// Package invx is a client of Vayana InvX, the service that holds the invoices: PostWorkflow documents, denied in bulk
// and read one by one. What is known of it, and what is not, stands in contracts/vayana-invx.md; section numbers below
// refer to that page.
package invx

import (
	"encoding/json"
	"time"
)

// Document states (section 6). Codes are strings because upstream sends strings, and may send others than these.
const (
	StatusDraft              = "100"
	StatusRegistrationFailed = "120"
	StatusCreated            = "200"
	StatusAccepted           = "210"
	StatusDenied             = "220"
	StatusDisputed           = "230"
	StatusCancelled          = "240"
	StatusFrozen             = "250"
	StatusDeleted            = "260"
	StatusSimpleFresh        = "270" // not in the published list, yet the status of every fresh Simple document
)

// Denial asks for one document to be denied.
type Denial struct {
	DocID   string
	Comment string
}

// Document is what upstream says of one invoice (section 5.2). Fields that upstream leaves out are zero. Raw is all of
// it, and a part of the answer's body rather than a copy: clone it to keep it, or the whole answer stays in memory.
type Document struct {
	ID             string
	Status         string    // 3-digit code
	DenialComments string    // the comment it was denied with; empty when none
	LastUpdated    time.Time // zero when never updated, or not said
	Raw            json.RawMessage
}

// Item is what a bulk answer says of one document. Nothing in it is trusted to be present.
type Item struct {
	Status   string          // itemStatus: "1" is success; empty for a bare document without wrapper
	Key      string          // itemKey; empty when null
	Document *Document       // itemData; nil when null
	Code     string          // code of the first error in itemErrors
	Message  string          // words of all errors in itemErrors, for a person
	Errors   json.RawMessage // itemErrors as it came, and as Raw a part of the answer's body; nil when null
}

// Answer is a bulk answer: its items in upstream's order, which says nothing about whose they are.
type Answer struct {
	Items []Item
	Date  time.Time // upstream's clock when it answered (Date header); zero when not said
}

// Reading is one document read back.
type Reading struct {
	Document Document
	Date     time.Time // upstream's clock when it answered (Date header); zero when not said
}
