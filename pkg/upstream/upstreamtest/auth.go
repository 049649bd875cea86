package upstreamtest

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

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
