package upstreamtest

import (
	"encoding/base64"
	"maps"

	"github.com/go-json-experiment/json/jsontext"
)

// envelope is what stands around every answer of ROIT. All of it is optional.
type envelope struct {
	Timestamp int64  `json:"timestamp,omitzero"`
	Status    string `json:"status,omitzero"`
	Message   string `json:"message,omitzero"`
	Data      any    `json:"data,omitzero"`
}

// model is EntityStatusModel. What omitzero stands at is optional, except in message and systemInfo, which are there though
// empty when the answer is full.
type model struct {
	ID             string         `json:"id,omitzero"`
	Entity         string         `json:"entity"`
	MasterID       string         `json:"masterId"`
	RequestID      string         `json:"requestId"`
	Reference      string         `json:"reference"`
	IntegrationID  string         `json:"integrationId"`
	Type           string         `json:"type"`
	Status         string         `json:"status"`
	IsPriority     *bool          `json:"isPriority,omitzero"`
	RetryAfter     int            `json:"retryAfter"`
	Message        *string        `json:"message,omitzero"`
	Metadata       map[string]any `json:"metadata,omitzero"`
	EntryReference *float64       `json:"entryReference,omitzero"`
	EntryDate      string         `json:"entryDate,omitzero"`
	SystemInfo     map[string]any `json:"systemInfo,omitzero"`
}

// model shows a request with a status, which need not be the one it has.
func (x *roit) model(r *request, status string) model {
	m := model{
		ID: r.luck.ofText("id").uuid(), Entity: r.Entity, MasterID: r.luck.ofText("master").uuid(), RequestID: r.RequestID,
		Reference: r.reference(), IntegrationID: r.IntegrationID, Type: r.Type, Status: status,
		IsPriority: new(false), RetryAfter: x.cfg.RetryAfter, Message: new(r.message),
		Metadata: map[string]any{"processId": r.luck.ofText("process").uuid(), "retryCount": len(r.runs)}, SystemInfo: map[string]any{},
	}
	maps.Copy(m.Metadata, r.metadata)
	maps.Copy(m.SystemInfo, r.system)
	m.EntryReference, m.EntryDate = r.entryReference, r.entryDate
	return m
}

// reference is the one it began with, or one of its own.
func (r *request) reference() string {
	if r.Reference != "" {
		return r.Reference
	}
	return "REF-" + r.luck.ofText("reference").uuid()[:8]
}

// renamed shows a request that a reprocess put in the place of another, if that is what reprocess does.
func (x *roit) renamed(r *request, run int, m model) model {
	if x.cfg.NewRequestID {
		m.RequestID = r.luck.ofText("next").of(uint64(run)).uuid()
	}
	return m
}

// sparse leaves out what may be left out.
func (m model) sparse() model {
	m.ID, m.IsPriority, m.Message, m.Metadata, m.SystemInfo = "", nil, nil, nil, nil
	m.EntryReference, m.EntryDate = nil, ""
	return m
}

func (x *roit) success(message string, data any) envelope {
	return envelope{Timestamp: x.server.now().UnixMilli(), Status: "success", Message: message, Data: data}
}

// answer is the envelope around what a call made of a request.
func (x *roit) answer(m model, message string) reply {
	whole := x.success(message, m)
	switch x.cfg.Data {
	case SparseData:
		whole = envelope{Data: m.sparse()}
	case NullData:
		whole.Data = jsontext.Value("null")
	case NoData:
		whole.Data = nil
	}
	return x.jsonReply(200, whole)
}

// attachment is a file of a request. Its form is a guess.
type attachment struct {
	FileName string `json:"fileName"`
	MimeType string `json:"mimeType"`
	Base64   string `json:"base64"`
}

func (r *request) attachment() attachment {
	content := "<simulated>" + r.luck.ofText("attachment").uuid() + "</simulated>"
	return attachment{r.Type + ".xml", "application/xml", base64.StdEncoding.EncodeToString([]byte(content))}
}
