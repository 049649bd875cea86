package upstreamtest

import (
	"time"
)

// facts is what rules may want to know of a call.
type facts struct {
	number     int // among its kind
	total      int // among all requests
	items      int
	bytes      int
	tokenCalls int // calls the token was used for, this one included
}

// effects is what the rules that fired do to one call.
type effects struct {
	instead *rule // answers in the place of the call; nil when it is carried out
	ending  *rule // takes the place of the answer; nil when it stands
	missing int
	extra   int
	shuffle bool
	delay   time.Duration
	luck    chance // of this call
	fired   string // their names, for the log
}

// decide tells what befalls a call.
func (f *Faults) decide(kind Kind, about facts, luck chance) effects {
	fx := effects{luck: luck.ofText(string(kind)).of(uint64(about.number))}
	for i := range f.rules {
		r := &f.rules[i]
		ruleLuck := fx.luck.of(uint64(i))
		if !r.fires(kind, about, ruleLuck) {
			continue
		}
		if fx.add(r, ruleLuck.of(1)) {
			fx.name(r)
		}
	}
	if fx.instead != nil {
		fx.ending, fx.fired = nil, fx.instead.name
	}
	return fx
}

func (r *rule) fires(kind Kind, about facts, luck chance) bool {
	number := about.number
	if r.id == down && kind != Callback {
		number = about.total
	} else if r.kind != kind {
		return false
	}
	return r.hits(number) && luck.share() < r.share && r.concerns(about)
}

func (r *rule) hits(number int) bool {
	for _, s := range r.calls {
		if s.from <= number && number <= s.to {
			return true
		}
	}
	return len(r.calls) == 0
}

// concerns tells whether the call is one that the rule's limits are about.
func (r *rule) concerns(about facts) bool {
	switch {
	case r.tokenCalls > 0:
		return about.tokenCalls > r.tokenCalls
	case r.items > 0 || r.bytes > 0:
		return r.items > 0 && about.items > r.items || r.bytes > 0 && about.bytes > r.bytes
	}
	return true
}

// add gives a rule its part in what happens; false when another has it already.
func (fx *effects) add(r *rule, luck chance) bool {
	switch {
	case r.stage == instead:
		return take(&fx.instead, r)
	case r.stage == ending:
		return take(&fx.ending, r)
	case r.id == slow:
		fx.delay += r.delay[0] + time.Duration(luck.share()*float64(r.delay[1]-r.delay[0]))
	case r.id == missed:
		fx.missing += r.n
	case r.id == extra:
		fx.extra += r.n
	case r.id == shuffled:
		fx.shuffle = true
	}
	return true
}

func take(place **rule, r *rule) bool {
	if *place != nil {
		return false
	}
	*place = r
	return true
}

func (fx *effects) name(r *rule) {
	if fx.fired != "" {
		fx.fired += "+"
	}
	fx.fired += r.name
}
