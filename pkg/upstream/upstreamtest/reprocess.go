package upstreamtest

import (
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
)

// Documented: the body of the call and the model that is answered. Options: which states allow it, which status it answers
// and leaves the request in, and how much of the model there is. Guesses: all refusals.

// take reads a call's body. What the body lacks is told once the call was admitted; here is false when the client broke off.
func (x *roit) take(c *call, into any) (lacks string, here bool) {
	raw, err := io.ReadAll(io.LimitReader(c.r.Body, largestROITBody+1))
	c.about.bytes = len(raw)
	switch {
	case err != nil:
		return "", false
	case len(raw) > largestROITBody:
		return "a body beyond 1 MiB", true
	}
	if err := json.Unmarshal(raw, into, json.RejectUnknownMembers(true)); err != nil {
		return "a body that is not the agreed JSON: " + err.Error(), true
	}
	return "", true
}

// lacks says what in a body breaks the protocol.
func (n requestName) lacks() string {
	if err := checkName("requestId", n.RequestID); err != nil {
		return "a body with a bad requestId: " + err.Error()
	}
	if err := checkName("integrationId", n.IntegrationID); err != nil {
		return "a body with a bad integrationId: " + err.Error()
	}
	return ""
}

// takeName reads a body that names a request and nothing else.
func (x *roit) takeName(c *call) (name requestName, lacks string, here bool) {
	if lacks, here = x.take(c, &name); here && lacks == "" {
		lacks = name.lacks()
	}
	if lacks == "" {
		c.log.Integration, c.log.Request = name.IntegrationID, name.RequestID
	}
	return name, lacks, here
}

// reprocess lets a request be processed again.
func (x *roit) reprocess(c *call) reply {
	name, lacks, here := x.takeName(c)
	if !here {
		return reply{}
	}
	if lacks == "" {
		x.countAsked(name)
	}
	if rep, ok := x.admit(c, lacks); !ok {
		return rep
	}
	return x.carryOut(c, name)
}

// countAsked counts a call whether or not it will be carried out: a client that asks again after a refusal has asked twice.
func (x *roit) countAsked(name requestName) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if r := x.meet(name); r != nil {
		r.asked++
	}
}

func (x *roit) carryOut(c *call, name requestName) reply {
	x.mu.Lock()
	defer x.mu.Unlock()
	r := x.meet(name)
	switch {
	case r == nil:
		return x.unknown()
	case x.cfg.RefuseDone && r.now == isDone, x.cfg.RefuseProcessing && r.now == isProcessing:
		return x.refuse(x.cfg.RefuseStatus, "not-allowed-in-"+r.now)
	}
	if r.now == isDone || r.now == isProcessing {
		r.doubles++
		c.doubles = 1
	}
	c.log.Applied = 1
	x.begin(r)
	return x.answer(x.renamed(r, len(r.runs), x.model(r, x.cfg.Answers)), "Request sent to be reprocessed")
}

// begin starts a run. When the answer tells how it ended, it has ended already; an unknown status is only answered.
func (x *roit) begin(r *request) {
	one := Run{At: time.Now(), From: r.now}
	switch x.cfg.Answers {
	case isDone, isError, isWarning:
		one.End, r.now = x.cfg.Answers, x.cfg.Answers
	case isReceived, isPending:
		r.now = x.cfg.Answers
	default:
		r.now = isProcessing
	}
	r.runs = append(r.runs, one)
	x.follow(r, len(r.runs))
}

func (x *roit) unknown() reply { return x.refuse(http.StatusNotFound, "request-not-found") }
