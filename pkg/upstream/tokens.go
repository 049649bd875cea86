package upstream

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Grant is a token and how long it lasts.
type Grant struct {
	Token   Secret
	RenewAt time.Time // when to look for the next one; zero for never
	Until   time.Time // when it ends; zero for never
}

// Token is a token to send, and which one it is in the row of those that were granted.
type Token struct {
	Secret
	generation uint64
}

// Tokens is one token for all goroutines. It is renewed ahead of time while callers go on with the old one, and
// replaced once when upstream refuses it, however many callers hear of that at the same time.
type Tokens struct {
	fetch func(ctx context.Context, last Grant) (Grant, error)
	now   func() time.Time

	mu         sync.Mutex
	grant      Grant
	generation uint64 // counts grants; zero before the first
	held       bool   // grant may be used
	proven     uint64 // the last generation that upstream is known to have accepted
	suspectTo  time.Time
	flight     *flight
	refusal    error // why there can be no token now
	pauseTo    time.Time
}

// flight is one fetch that any number of callers wait for.
type flight struct {
	done     chan struct{}
	replaces bool // a token that upstream refused
	token    Token
	err      error
}

const (
	fetchTimeout  = 30 * time.Second
	renewalPause  = 30 * time.Second // after a renewal failed while the old token lasts, or credentials were refused
	suspectPeriod = time.Minute      // how long a replacement that is refused too is not replaced again
)

// ErrNoOtherToken means that a refused token cannot be replaced, so that the refusal stands. A fetch may fail with it too.
var ErrNoOtherToken = errors.New("there is no other token to try")

// NewTokens is a source whose tokens come from fetch, which is given the last one and is never called twice at a time.
func NewTokens(fetch func(ctx context.Context, last Grant) (Grant, error), now func() time.Time) *Tokens {
	return &Tokens{fetch: fetch, now: func() time.Time { return now().Round(0) }} // by the wall: a machine that slept has aged
}

// StaticToken is a source of one token that cannot be renewed.
func StaticToken(token Secret) *Tokens {
	return &Tokens{now: time.Now, grant: Grant{Token: token}, generation: 1, held: true}
}

// Get gives the token, and waits for one only when there is none that still lasts.
func (t *Tokens) Get(ctx context.Context) (Token, error) {
	t.mu.Lock()
	now := t.now()
	lasts := t.held && (t.grant.Until.IsZero() || now.Before(t.grant.Until))
	due := !t.grant.RenewAt.IsZero() && !now.Before(t.grant.RenewAt)
	if lasts && (!due || now.Before(t.pauseTo)) {
		defer t.mu.Unlock()
		return t.current(), nil
	}
	f := t.fly(ctx, now)
	if lasts {
		defer t.mu.Unlock()
		return t.current(), nil
	}
	t.mu.Unlock()
	return f.wait(ctx)
}

// Replace gives a token to try instead of one that upstream refused. It fails with ErrNoOtherToken when the token
// cannot be renewed, or itself replaced a refused one a moment ago and was never accepted: another would not help.
func (t *Tokens) Replace(ctx context.Context, refused Token) (Token, error) {
	t.mu.Lock()
	now := t.now()
	switch {
	case t.fetch == nil,
		refused.generation == t.generation && t.proven < t.generation && now.Before(t.suspectTo):
		t.mu.Unlock()
		return Token{}, ErrNoOtherToken
	case t.held && refused.generation != t.generation:
		defer t.mu.Unlock()
		return t.current(), nil
	}
	f := t.fly(ctx, now)
	f.replaces = true
	t.mu.Unlock()
	return f.wait(ctx)
}

// Take gives the token away, so that the next Get fetches another. It waits for a renewal that is under way, so that
// none is left behind. It is empty when there is no token, or a static one.
func (t *Tokens) Take(ctx context.Context) Secret {
	t.mu.Lock()
	if f := t.flight; f != nil {
		t.mu.Unlock()
		f.wait(ctx)
		t.mu.Lock()
	}
	defer t.mu.Unlock()
	if !t.held || t.fetch == nil {
		return Secret{}
	}
	token := t.grant.Token
	t.grant, t.held = Grant{}, false
	return token
}

// heard notes that upstream answered a request, which it does only for a token it accepts.
func (t *Tokens) heard(token Token, err error) {
	if _, refused := errors.AsType[*Error](err); err != nil && !refused {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.proven = max(t.proven, token.generation)
}

// fly joins the fetch that is under way, or begins one. It outlives the caller who began it, for others wait too.
// After refused credentials it fails at once for a while: repeating them would only lock the account.
func (t *Tokens) fly(ctx context.Context, now time.Time) *flight {
	if t.flight != nil {
		return t.flight
	}
	f := &flight{done: make(chan struct{})}
	if t.refusal != nil && now.Before(t.pauseTo) {
		f.err = t.refusal
		close(f.done)
		return f
	}
	t.flight = f
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
	last := t.grant
	go func() {
		defer cancel()
		grant, err := t.fetch(ctx, last)
		t.land(f, grant, err)
	}()
	return f
}

func (t *Tokens) land(f *flight, grant Grant, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer close(f.done)
	t.flight, t.refusal, t.pauseTo = nil, nil, time.Time{}
	now := t.now()
	if err != nil {
		f.err, t.pauseTo = err, now.Add(renewalPause)
		if final(err) {
			t.refusal = err
		}
		return
	}
	t.grant, t.held = grant, true
	t.generation++
	t.suspectTo = time.Time{}
	if f.replaces {
		t.suspectTo = now.Add(suspectPeriod)
	}
	f.token = t.current()
}

// final reports whether asking again soon for a token would have the same end.
func final(err error) bool {
	if errors.Is(err, ErrNoOtherToken) {
		return true
	}
	d, _ := Judge(err)
	return d == Unauthorized || d == Forbidden || d == Misdirected
}

func (t *Tokens) current() Token { return Token{t.grant.Token, t.generation} }

func (f *flight) wait(ctx context.Context) (Token, error) {
	select {
	case <-f.done:
		return f.token, f.err
	case <-ctx.Done():
		return Token{}, ctx.Err()
	}
}
