package upstreamtest

import (
	"net/http"
	"strconv"
	"time"
)

// result is what became of one item of a bulk call.
type result struct {
	document snapshot
	known    bool     // document is filled in
	hidden   bool     // never shown in an answer
	refusal  *problem // nil when it succeeded
}

// bulk denies documents.
func (x *invx) bulk(c *call) reply {
	q := bulkRequests.Get().(*bulkRequest)
	rep := x.bulkReply(c, q)
	rep.free = q.release
	return rep
}

func (x *invx) bulkReply(c *call, q *bulkRequest) reply {
	if err := q.read(c.r); err != nil {
		return reply{} // the client broke off
	}
	c.about.bytes = q.body.Len()
	wrong := q.decode()
	c.log.Documents, c.about.items = len(q.items), len(q.items)
	org, rep, ok := x.admit(c)
	switch {
	case !ok:
		return rep
	case wrong != nil:
		return x.offend(c, badParameter(wrong.parameter), wrong.what)
	case q.repeats():
		x.server.violation(c.r, "a document is named twice")
		if !x.cfg.AllowDuplicates {
			return badParameter("docId").reply()
		}
	}
	return x.deny(c, q, org)
}

// admit lets a call pass that no fault befalls and whose token and organisation are good. A fault comes first, as it would
// from a gateway.
func (x *invx) admit(c *call) (org uint8, rep reply, ok bool) {
	token := x.token(c.r)
	calls, refusal := x.sessions.use(token, x.server.now())
	c.about.tokenCalls = calls
	if rep, ok := x.server.interfere(c); ok {
		if c.effects.instead.id == expire {
			x.sessions.kill(token)
		}
		return 0, rep, false
	}
	if refusal == nil {
		org, refusal = x.organisation(c.r)
	}
	if refusal != nil {
		return 0, refusal.reply(), false
	}
	return org, reply{}, true
}

// deny carries a bulk call out and answers it.
func (x *invx) deny(c *call, q *bulkRequest, org uint8) reply {
	d := denial{invx: x, items: q.items, org: org, at: time.Now(), luck: x.server.luck.ofText("part").of(uint64(c.about.number))}
	x.store.mu.Lock()
	refusal := d.run(q)
	x.store.mu.Unlock()
	c.log.Applied, c.doubles = d.applied, d.doubles
	if refusal == internalError {
		return htmlPage(http.StatusInternalServerError)
	}
	if refusal != nil {
		whole := *refusal
		whole.status = http.StatusBadRequest
		return whole.reply()
	}
	q.results = rearrange(q.results, &c.effects)
	q.answer = x.appendAnswer(q.answer, q.results)
	return reply{status: http.StatusOK, body: q.answer}
}

// denial is a bulk call while the store is locked.
type denial struct {
	*invx
	items            []item
	org              uint8
	at               time.Time
	luck             chance
	applied, doubles int
}

// run fills in the results, or gives the reason why the whole call is refused.
func (d *denial) run(q *bulkRequest) *problem {
	d.look()
	if d.poisoned() {
		return internalError
	}
	if d.cfg.Mode != Item {
		if bad, refusal := d.firstBad(); refusal != nil {
			d.applyPart(bad)
			return refusal
		}
	}
	for i := range d.items {
		q.results = append(q.results, d.apply(&d.items[i]))
	}
	return nil
}

// look finds the documents and counts that they were asked for.
func (d *denial) look() {
	for i := range d.items {
		it := &d.items[i]
		if it.record = d.store.visible(d.org, it.id, it.hash); it.record != 0 {
			d.store.at(it.record).asked++
		}
	}
}

// poisoned tells whether one of the documents breaks the call.
func (d *denial) poisoned() bool {
	for i := range d.items {
		if n := d.items[i].record; n != 0 && d.store.at(n).behaviour&poison != 0 {
			return true
		}
	}
	return false
}

func (d *denial) firstBad() (int, *problem) {
	for i := range d.items {
		if refusal := d.judge(d.items[i].record); refusal != nil {
			return i, refusal
		}
	}
	return 0, nil
}

// applyPart does in Partial mode what upstream did before it noticed the bad document.
func (d *denial) applyPart(bad int) {
	switch {
	case d.cfg.Mode != Partial:
	case d.cfg.PartialRandom:
		for i := range d.items {
			if d.luck.of(uint64(i)).share() < 0.5 {
				d.apply(&d.items[i])
			}
		}
	default:
		for i := range d.items[:bad] {
			d.apply(&d.items[i])
		}
	}
}

// judge says why a document cannot be denied; nil when it can.
func (d *denial) judge(n uint32) *problem {
	if n == 0 {
		return notFound
	}
	r := d.store.at(n)
	switch {
	case r.behaviour&refuseOpen != 0:
		return d.locked(n)
	case r.status == denied && d.cfg.Repeat != RefuseRepeat:
		return nil
	case d.denyFrom[r.status]:
		return nil
	}
	return wrongState(r.status)
}

// locked is how a refuse-open document is refused.
func (d *denial) locked(n uint32) *problem {
	code := d.store.codes[n]
	if code == "" {
		code = "err-document-locked"
	}
	return &problem{status: http.StatusBadRequest, code: code, kind: "ClientError", message: "document cannot be updated now"}
}

func wrongState(status uint16) *problem {
	return &problem{
		status: http.StatusBadRequest, code: "err-incorrect-update-action", kind: "ClientError",
		message: "action dny on state " + strconv.Itoa(int(status)) + ".kotlin",
	}
}

// apply denies one document if it can be denied.
func (d *denial) apply(it *item) result {
	n := it.record
	refusal := d.judge(n)
	if n == 0 {
		return result{document: snapshot{id: it.id}, refusal: refusal}
	}
	r := d.store.at(n)
	if refusal == nil && (r.status != denied || d.cfg.Repeat == OverwriteRepeat) {
		d.applied++
		if d.store.deny(n, it.comment, d.at, d.server.cfg.Skew) {
			d.doubles++
		}
	}
	return result{document: d.store.snapshot(n), known: true, hidden: r.behaviour&missing != 0, refusal: refusal}
}

// read answers one document.
func (x *invx) read(c *call) reply {
	c.log.Documents, c.about.items = 1, 1
	org, rep, ok := x.admit(c)
	if !ok {
		return rep
	}
	document, refusal := x.store.read(org, []byte(c.r.PathValue("id")))
	if refusal != nil {
		return refusal.reply()
	}
	body := append(make([]byte, 0, 1024), `{"status":"1","data":`...)
	body = append(x.faces.appendDocument(body, &document), `,"error":null,"info":null}`...)
	return reply{status: http.StatusOK, body: body}
}

// read counts a reading and gives what it shows.
func (s *store) read(org uint8, id []byte) (snapshot, *problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.visible(org, id, foldHash(id))
	if n == 0 {
		return snapshot{}, notFound
	}
	r := s.at(n)
	if r.reads++; r.behaviour&unreadable != 0 {
		return snapshot{}, internalError
	}
	return s.snapshot(n), nil
}
