package upstreamtest

import (
	"fmt"
	"sync"
	"time"
)

// sessions are the tokens of theodore.
type sessions struct {
	mu          sync.Mutex
	luck        chance
	staticToken string
	staticCalls int
	used, most  int
	issued      uint64
	live        map[string]*session
	expired     map[string]bool                         // tokens that were good once
	write       func(serial uint64, of *session) string // makes a token; nil for one without a meaning
}

// session is one login. Its token changes with every refresh.
type session struct {
	length  time.Duration // of a token
	expires time.Time     // the token
	ends    time.Time     // the session: no refresh after
	calls   int           // the token served
}

const (
	defaultTokenMins = 20
	longestTokenMins = 360
	sessionTokens    = 6 // a session lasts that many token durations
)

// open starts a session; nil when the user has too many.
func (s *sessions) open(length time.Duration, now time.Time) (string, *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	if s.used+len(s.live) >= s.most {
		return "", nil
	}
	fresh := &session{length: length, expires: now.Add(length), ends: now.Add(sessionTokens * length)}
	return s.issue(fresh), fresh
}

// renew gives a session a new token; the old one is void.
func (s *sessions) renew(token string, now time.Time) (string, *session, *problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(now)
	old := s.live[token]
	if old == nil {
		return "", nil, s.unknown(token)
	}
	s.drop(token)
	next := &session{length: old.length, ends: old.ends, expires: now.Add(old.length)}
	if next.expires.After(next.ends) {
		next.expires = next.ends
	}
	return s.issue(next), next, nil
}

// use counts a call that a token asks for.
func (s *sessions) use(token string, now time.Time) (calls int, refusal *problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token != "" && token == s.staticToken {
		s.staticCalls++
		return s.staticCalls, nil
	}
	found := s.live[token]
	if found == nil {
		return 0, s.unknown(token)
	}
	if found.calls++; now.After(found.expires) {
		s.drop(token)
		return found.calls, expiredToken
	}
	return found.calls, nil
}

// kill lets a token expire now.
func (s *sessions) kill(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(token)
}

func (s *sessions) close(token string) (was bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was = s.live[token] != nil
	delete(s.live, token)
	return was
}

func (s *sessions) issue(of *session) string {
	if s.live == nil {
		s.live, s.expired = make(map[string]*session), make(map[string]bool)
	}
	s.issued++
	token := s.token(of)
	s.live[token] = of
	return token
}

func (s *sessions) token(of *session) string {
	if s.write != nil {
		return s.write(s.issued, of)
	}
	return fmt.Sprintf("simulated.%016x.%d", uint64(s.luck.of(s.issued)), s.issued)
}

func (s *sessions) drop(token string) {
	if s.live[token] != nil {
		delete(s.live, token)
		s.expired[token] = true
	}
}

func (s *sessions) expire(now time.Time) {
	for token, one := range s.live {
		if now.After(one.expires) {
			s.drop(token)
		}
	}
}

func (s *sessions) unknown(token string) *problem {
	if s.expired[token] {
		return expiredToken
	}
	return invalidToken
}
