package upstreamtest

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
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
	expired     map[string]bool // tokens that were good once
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
	token := fmt.Sprintf("simulated.%016x.%d", uint64(s.luck.of(s.issued)), s.issued)
	s.live[token] = of
	return token
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

// token is what a request authenticates with; empty when nothing that counts is there, or two different tokens are.
func (x *invx) token(r *http.Request) string {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	flynn := r.Header.Get("X-Flynn-N-User-Token")
	switch {
	case x.cfg.Accept == BearerAuth:
		return bearer
	case x.cfg.Accept == FlynnAuth:
		return flynn
	case bearer != "" && flynn != "" && bearer != flynn:
		return ""
	}
	return cmp.Or(bearer, flynn)
}

// organisation is the number of the organisation that a request speaks for.
func (x *invx) organisation(r *http.Request) (uint8, *problem) {
	org, header := r.PathValue("org"), r.Header.Get("X-Flynn-N-Org-Id")
	if header == "" && r.Header.Get("Authorization") == "" {
		return 0, invalidOrg // the FLYNN headers come in pairs
	}
	if header != "" && !strings.EqualFold(header, org) {
		return 0, invalidOrg
	}
	for i, known := range x.cfg.Orgs {
		if strings.EqualFold(known, org) {
			return uint8(i), nil
		}
	}
	return 0, invalidOrg
}

// credentials is the body of a login.
type credentials struct {
	Handle     string `json:"handle"`
	HandleType string `json:"handleType"`
	Password   string `json:"password"`
	Minutes    int    `json:"tokenDurationInMins"`
}

func (x *invx) login(c *call) reply {
	if rep, ok := x.server.interfere(c); ok {
		return rep
	}
	var who credentials
	if err := json.UnmarshalRead(c.r.Body, &who); err != nil {
		return x.offend(c, badParameter("body"), "a login that is not JSON")
	}
	if refusal := who.check(); refusal != nil {
		return x.offend(c, refusal, "a login with a bad "+refusal.parameter)
	}
	if x.cfg.Handle == "" || who.Handle != x.cfg.Handle || who.Password != x.cfg.Password {
		return wrongPassword.reply()
	}
	minutes := min(cmp.Or(who.Minutes, defaultTokenMins), longestTokenMins)
	token, opened := x.sessions.open(time.Duration(minutes)*time.Minute, x.server.now())
	if opened == nil {
		return tooManyTokens.reply()
	}
	return x.tokenReply(token, opened)
}

func (c credentials) check() *problem {
	switch {
	case c.Handle == "":
		return badParameter("handle")
	case c.HandleType != "email" && c.HandleType != "mobile":
		return badParameter("handleType")
	case c.Password == "":
		return badParameter("password")
	case c.Minutes < 0:
		return badParameter("tokenDurationInMins")
	}
	return nil
}

func (x *invx) refresh(c *call) reply {
	if rep, ok := x.server.interfere(c); ok {
		return rep
	}
	token, renewed, refusal := x.sessions.renew(x.token(c.r), x.server.now())
	if refusal != nil {
		return refusal.reply()
	}
	return x.tokenReply(token, renewed)
}

func (x *invx) logout(c *call) reply {
	if rep, ok := x.server.interfere(c); ok {
		return rep
	}
	if token := x.token(c.r); !x.sessions.close(token) && (token == "" || token != x.cfg.Token) {
		return invalidToken.reply()
	}
	return reply{status: http.StatusOK, body: []byte(`{"data":{}}`)}
}

// tokenReply is the documented answer to login and refresh.
func (x *invx) tokenReply(token string, of *session) reply {
	type object = map[string]any
	org := object{"id": x.cfg.Orgs[0], "name": "Simulated Buyer Ltd", "taxIdentifier": "AAACS1234F",
		"taxIdentifierType": "PAN", "country": "IN", "services": []object{{"serviceCode": "iridessa", "serviceName": "InvX"}}}
	body, err := json.Marshal(object{"data": object{
		"token": token, "expiry": of.expires.UnixMilli(), "userId": faceUser, "email": x.cfg.Handle, "mobile": nil,
		"givenName": "Simulated", "lastName": "User", "state": "ACTIVE", "verificationStatus": "Email",
		"associatedOrgs": []object{{"organisation": org, "userAccessInfo": object{"primary": true, "admin": false}}},
		"timezone":       "Asia/Kolkata", "locale": "en-IN", "createdOn": x.epoch.UnixMilli(),
	}}, json.Deterministic(true))
	if err != nil {
		return internalError.reply()
	}
	return reply{status: http.StatusOK, body: body}
}

// offend refuses a request that breaks the protocol, and notes it.
func (x *invx) offend(c *call, p *problem, what string) reply {
	x.server.violation(c.r, what)
	return p.reply()
}
