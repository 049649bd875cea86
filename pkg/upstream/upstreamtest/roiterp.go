package upstreamtest

import (
	"net/http"
	"time"
)

// What an ERP calls. Documented: the bodies, what status answers, that pending moves what it returns to PROCESSING, and that
// there are attachments only of documents that are ready for the ERP or were there. Guesses: what pending and attachs
// answer, their order, and all refusals.

// update is the body of a status call.
type update struct {
	requestName
	Status         string         `json:"status"`
	Reference      string         `json:"reference"`
	Message        string         `json:"message"`
	EntryReference *float64       `json:"entryReference"`
	EntryDate      string         `json:"entryDate"`
	SystemInfo     map[string]any `json:"systemInfo"`
	Metadata       map[string]any `json:"metadata"`
}

func (u update) lacks() string {
	_, err := time.Parse(time.RFC3339, u.EntryDate)
	switch {
	case u.requestName.lacks() != "":
		return u.requestName.lacks()
	case known("status", u.Status, RequestStatuses) != nil:
		return "a status call with the status " + u.Status
	case u.Reference == "":
		return "a status call without reference"
	case u.Message == "":
		return "a status call without message"
	case u.EntryDate != "" && err != nil:
		return "a status call with an entryDate that is not ISO 8601"
	}
	return ""
}

// update moves a request to the status that the ERP reports.
func (x *roit) update(c *call) reply {
	var u update
	lacks, here := x.take(c, &u)
	if !here {
		return reply{}
	}
	if lacks == "" {
		lacks = u.lacks()
	}
	if lacks == "" {
		c.log.Integration, c.log.Request, c.log.About = u.IntegrationID, u.RequestID, u.Status
	}
	if rep, ok := x.admit(c, lacks); !ok {
		return rep
	}
	return x.move(u)
}

func (x *roit) move(u update) reply {
	x.mu.Lock()
	defer x.mu.Unlock()
	r := x.meet(u.requestName)
	switch {
	case r == nil:
		return x.unknown()
	case r.Reference != "" && r.Reference != u.Reference:
		return x.refuse(http.StatusBadRequest, "another-reference")
	}
	r.now, r.message, r.metadata, r.system = u.Status, u.Message, u.Metadata, u.SystemInfo
	r.entryReference, r.entryDate = u.EntryReference, u.EntryDate
	r.updates++
	return x.answer(x.model(r, r.now), "Status updated")
}

// query is the body of a pending call.
type query struct {
	Entity        string `json:"entity"`
	IntegrationID string `json:"integrationId"`
	Type          string `json:"type"`
}

func (q query) lacks() string {
	if err := known("entity", q.Entity, Entities); err != nil {
		return "a pending call with the entity " + q.Entity
	}
	if err := checkName("integrationId", q.IntegrationID); err != nil {
		return "a pending call with a bad integrationId: " + err.Error()
	}
	return ""
}

func (q query) matches(r *request) bool {
	waiting := r.now == isPending || r.now == isReceived
	return waiting && r.IntegrationID == q.IntegrationID && r.Entity == q.Entity && (q.Type == "" || r.Type == q.Type)
}

// handOut returns the requests that wait for the ERP and moves them to PROCESSING. There it leaves them: only a status call
// or a reprocess gets them out.
func (x *roit) handOut(c *call) reply {
	var q query
	lacks, here := x.take(c, &q)
	if !here {
		return reply{}
	}
	if lacks == "" {
		lacks = q.lacks()
		c.log.Integration = q.IntegrationID
	}
	if rep, ok := x.admit(c, lacks); !ok {
		return rep
	}
	models := x.lease(q)
	c.log.Requests = len(models)
	return x.jsonReply(http.StatusOK, x.success("Pending entities", models))
}

func (x *roit) lease(q query) []model {
	x.mu.Lock()
	defer x.mu.Unlock()
	models := []model{}
	for _, r := range x.order {
		if !q.matches(r) {
			continue
		}
		r.now = isProcessing
		r.handedOut++
		if models = append(models, x.model(r, r.now)); len(models) == x.cfg.PendingLimit {
			break
		}
	}
	return models
}

// attachments answers the document of a request that is ready for the ERP or was there, that is, not one in ERROR.
func (x *roit) attachments(c *call) reply {
	name, lacks, here := x.takeName(c)
	if !here {
		return reply{}
	}
	if rep, ok := x.admit(c, lacks); !ok {
		return rep
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	r := x.meet(name)
	switch {
	case r == nil:
		return x.unknown()
	case r.now == isError:
		return x.refuse(x.cfg.RefuseStatus, "not-allowed-in-"+r.now)
	}
	return x.jsonReply(http.StatusOK, x.success("Attachments", []attachment{r.attachment()}))
}
