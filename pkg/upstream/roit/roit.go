// Package roit is the client for ROIT's external system integration (Invoice-to-Pay): reprocess a request, report its
// status, and fetch what hangs on it. Section numbers refer to the notes on ROIT's API (contracts/roit.md).
//
// ROIT documents little, and a second Reprocess may book an invoice twice. So nothing is believed beyond what is
// documented: a success is an answer that names the request and a status from the documented list (section 8, point 7).
// Names of fields count letter by letter; an answer that names one in other capitals, or anything twice, is odd, and an
// odd answer is a lost one.
package roit

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ROIT's two environments (section 1). Nothing chooses one of them by itself.
const (
	Homologation = "https://hom.roit.ai"
	Production   = "https://app.roit.ai"
)

// Status is the state of a request at ROIT (section 7). Only DONE and ERROR have a documented meaning: what the ERP
// reported. PROCESSING is set by [Client.Pending].
type Status string

const (
	Processing Status = "PROCESSING"
	Received   Status = "RECEIVED"
	Pending    Status = "PENDING"
	Failed     Status = "ERROR"
	Done       Status = "DONE"
	Warning    Status = "WARNING"
)

// Statuses are all that are documented.
var Statuses = []Status{Processing, Received, Pending, Failed, Done, Warning}

// Known reports whether a status is documented.
func (s Status) Known() bool { return slices.Contains(Statuses, s) }

// Entity is what a request is about (section 3.1).
type Entity string

const (
	Document          Entity = "DOCUMENT"
	AccountsPayable   Entity = "ACCOUNTS_PAYABLE"
	PurchaseOrder     Entity = "PURCHASE_ORDER"
	ERPParams         Entity = "ERP_PARAMS"
	Supplier          Entity = "SUPPLIER"
	Generic           Entity = "GENERIC"
	TaxValidation     Entity = "TAX_VALIDATION"
	DocumentReverse   Entity = "DOCUMENT_REVERSE"
	ServiceEntrySheet Entity = "SERVICE_ENTRY_SHEET"
)

// Entities are all that are documented.
var Entities = []Entity{
	Document, AccountsPayable, PurchaseOrder, ERPParams, Supplier, Generic, TaxValidation, DocumentReverse, ServiceEntrySheet,
}

// Known reports whether an entity is documented.
func (e Entity) Known() bool { return slices.Contains(Entities, e) }

// EntityStatus is ROIT's EntityStatusModel (section 3.4). RequestID and Status are what the answer was judged by; the
// other fields are empty when they are missing or not of the documented type, and Raw still holds them.
type EntityStatus struct {
	ID             string          `json:"id,omitempty"`
	Entity         Entity          `json:"entity,omitempty"`
	MasterID       string          `json:"masterId,omitempty"`
	RequestID      string          `json:"requestId"`
	Reference      string          `json:"reference,omitempty"`
	IntegrationID  string          `json:"integrationId,omitempty"`
	Type           string          `json:"type,omitempty"`
	Status         Status          `json:"status"`
	IsPriority     bool            `json:"isPriority,omitempty"`
	RetryAfter     json.Number     `json:"retryAfter,omitempty"` // of no documented unit: to be shown, never waited for
	Message        string          `json:"message,omitempty"`
	Metadata       json.RawMessage `json:"metadata,omitempty"`
	EntryReference json.Number     `json:"entryReference,omitempty"` // digit by digit, however many
	EntryDate      string          `json:"entryDate,omitempty"`      // as ROIT wrote it
	SystemInfo     json.RawMessage `json:"systemInfo,omitempty"`
	Raw            json.RawMessage `json:"-"` // all of it, as it came
}

// Answer is what ROIT says to [Client.Reprocess] and [Client.UpdateStatus]. Its own Status and Message are of an
// undocumented set and mean nothing; only Entity does.
type Answer struct {
	Timestamp json.Number  `json:"timestamp,omitempty"`
	Status    string       `json:"status,omitempty"`
	Message   string       `json:"message,omitempty"`
	Entity    EntityStatus `json:"data"`
}

// MaxID is how many bytes an id may have.
const MaxID = 128

// CheckID says in one sentence why a request or integration id cannot be one; nil if it can. The ids in ROIT's examples
// are no UUIDs, so that any form goes (section 8, point 8).
func CheckID(id string) error {
	switch {
	case id == "":
		return errors.New("the id is empty")
	case len(id) > MaxID:
		return fmt.Errorf("the id has %d bytes, but at most %d are allowed", len(id), MaxID)
	case !utf8.ValidString(id):
		return errors.New("the id is not valid UTF-8 text")
	}
	at := strings.IndexFunc(id, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
	if at < 0 {
		return nil
	}
	odd, _ := utf8.DecodeRuneInString(id[at:])
	return fmt.Errorf("the id holds white space or an invisible character (%U, character %d)", odd, utf8.RuneCountInString(id[:at])+1)
}

// sameID compares ids as they are written, and UUIDs without regard to case.
func sameID(a, b string) bool {
	return a == b || isUUID(a) && isUUID(b) && strings.EqualFold(a, b)
}

func isUUID(id string) bool {
	if len(id) != 36 {
		return false
	}
	for i, c := range []byte(id) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (c == '-') || !hyphen && !isHex(c) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
