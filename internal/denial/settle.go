package denial

import (
	"strings"
	"time"

	"denybatch/internal/verdict"
	"denybatch/pkg/upstream/invx"
)

// settleItems gives each row the verdict of its item, or sends it to be read back.
func (r *run) settleItems(rows []*row, answer invx.Answer) {
	found := match(rows, answer.Items)
	guesses := nameless(found, answer.Items)
	for i, one := range rows {
		switch {
		case found[i] != nil:
			r.settleItem(one, found[i], len(rows) == 1)
		case len(guesses) > 0:
			r.settleGuess(one, guesses[0], len(rows) == 1 && len(answer.Items) == 1)
			guesses = guesses[1:]
		default:
			one.sent, one.lost = true, true
			one.tries++
			r.board.doubt(one)
		}
	}
}

func (r *run) settleItem(one *row, it *invx.Item, only bool) {
	one.sent = true
	switch {
	case succeeded(it):
		result := verdict.Denied
		if !r.deniedNow(one, it.Document) {
			result = verdict.AlreadyDenied
		}
		r.accept(one, result)
	case refused(it):
		one.proof = proofOfItem(it, item)
		if only {
			one.proof.weight = alone
		}
		r.board.doubt(one)
	default: // success, they say, but the document is not denied
		one.tries++
		r.board.doubt(one)
	}
}

// settleGuess treats an item without a name as what is left for the row, to be confirmed.
func (r *run) settleGuess(one *row, it *invx.Item, only bool) {
	one.sent = true
	one.proof = proofOfItem(it, group)
	if only {
		one.proof.weight = alone
	}
	r.board.doubt(one)
}

func proofOfItem(it *invx.Item, w weight) proof {
	p := proof{weight: w, code: it.Code, message: it.Message}
	if p.code == "" && p.message == "" && it.Document != nil {
		p.message = "InvX left the document in state " + it.Document.Status
	}
	return p
}

// deniedNow reports whether a document that a bulk answer shows as denied was denied by this batch, rather than before:
// an upstream that takes a repeated denial for a success shows the old one.
func (r *run) deniedNow(one *row, d *invx.Document) bool {
	ours := d.DenialComments == "" || sameComment(d.DenialComments, one.Comment)
	switch {
	case d.LastUpdated.IsZero():
		return ours
	case ours:
		return r.sinceBegan(d.LastUpdated, tolerance)
	}
	return r.sinceBegan(d.LastUpdated, 0)
}

// deniedByUs reports the same of a document that was read back, where upstream vouches for nothing: it must carry our
// comment and have changed since the batch began.
func (r *run) deniedByUs(one *row, d *invx.Document) bool {
	if !sameComment(d.DenialComments, one.Comment) {
		return false
	}
	if d.LastUpdated.IsZero() {
		return one.sent
	}
	return r.sinceBegan(d.LastUpdated, 0)
}

// tolerance is how far behind upstream's clock may be without showing it, where its answer speaks for the denial.
const tolerance = 250 * time.Millisecond

// sinceBegan reports whether a document changed since the batch began, by upstream's clock.
func (r *run) sinceBegan(changed time.Time, slack time.Duration) bool {
	began := r.began.Add(r.offset.least() - slack)
	if changed.Nanosecond() == 0 {
		began = began.Truncate(time.Second) // upstream may tell times in whole seconds
	}
	return !changed.Before(began)
}

// shortest is how much of a comment must be left for it to be known as ours when upstream keeps only its beginning.
const shortest = 20

// sameComment compares a comment that upstream shows with ours, but for white space, which upstream may tidy, and for an
// end that it may cut off.
func sameComment(theirs, ours string) bool {
	if theirs == ours {
		return true
	}
	theirs, ours = strings.Join(strings.Fields(theirs), " "), strings.Join(strings.Fields(ours), " ")
	return theirs == ours || (len(theirs) >= shortest && strings.HasPrefix(ours, theirs))
}

// accept settles a denied row.
func (r *run) accept(one *row, result verdict.Result) {
	r.mu.Lock()
	r.unlike.over = true
	r.mu.Unlock()
	v := verdict.Verdict{Result: result, Status: invx.StatusDenied}
	if result == verdict.AlreadyDenied {
		v.Message = "the document was denied before this batch reached it"
	}
	r.settle(one, v)
}

// reject settles a row that upstream refuses, and stops the batch when that is all it does.
func (r *run) reject(one *row, v verdict.Verdict) {
	v.Result = verdict.Rejected
	r.settle(one, v)
	r.mu.Lock()
	r.unlike.see(v.Code)
	stop := !r.unlike.over && r.unlike.times >= r.opt.StopAfter
	r.mu.Unlock()
	if stop {
		r.stop("InvX refused every one of the first "+count(r.opt.StopAfter, "document")+" for the same reason ("+
			or(v.Code, or(v.Message, "none given"))+"): check the organisation and the file", true)
	}
}

// see notes one more refusal.
func (u *unlike) see(code string) {
	if code == "err-incorrect-update-action" || (u.times > 0 && code != u.code) {
		u.over = true // the one refusal that InvX documents is about the document's state, not about us
	}
	u.code = code
	u.times++
}

func (r *run) settleUnknown(one *row, why string) {
	v := verdict.Verdict{Result: verdict.Unknown, Code: one.proof.code, Message: why}
	r.settle(one, v)
}

// settle notes a row's verdict, once.
func (r *run) settle(one *row, v verdict.Verdict) {
	v.Row, v.DocID, v.At = one.Row, one.DocID, r.clock.Now().Truncate(time.Millisecond)
	r.j.Settle(v)
	r.mu.Lock()
	r.settled++
	r.counts[v.Result]++
	r.mu.Unlock()
	r.part(one, false, v.Result == verdict.Rejected)
}
