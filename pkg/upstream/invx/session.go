package invx

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"denybatch/pkg/upstream"
)

// LoginError is a refused login: the handle, the password or the organisation is wrong.
type LoginError = upstream.LoginError

const (
	tokenMinutes = 360              // the longest that theodore grants (section 2.1)
	assumedLife  = 20 * time.Minute // what it grants unasked, assumed when it does not say
	longestLife  = 48 * time.Hour   // beyond this an expiry is not believed
	renewMargin  = 2 * time.Minute
	sessionLives = 6 // a session ends after that many lives of its first token
)

const sessionsHint = "all ten sessions of this user are in use: log out elsewhere, or wait until they expire"

// session is one user logged in at theodore, the service that grants tokens (section 2).
type session struct {
	theodore *upstream.Client
	base     string
	handle   string
	password upstream.Secret
	now      func() time.Time
	ends     time.Time // when refreshing is over and a login is due; only next uses it
}

// next gets the token after the last one: a refreshed one while the session lasts, else one from a new login. It logs
// in at most once.
func (s *session) next(ctx context.Context, last upstream.Grant) (upstream.Grant, error) {
	if !last.Token.Empty() && s.now().Before(s.ends) {
		grant, err := s.refresh(ctx, last.Token)
		if err == nil || !s.worthALogin(err, last) {
			return grant, err
		}
	}
	return s.login(ctx)
}

// worthALogin reports whether a login may help after a refresh that failed. When theodore is merely out of reach the
// session is still there, and a login would only take another of the ten.
func (s *session) worthALogin(err error, last upstream.Grant) bool {
	switch d, _ := upstream.Judge(err); d {
	case upstream.Refused, upstream.Forbidden, upstream.Misdirected:
		return true
	case upstream.Lost:
		return !s.now().Before(last.Until)
	}
	return false
}

func (s *session) refresh(ctx context.Context, token upstream.Secret) (upstream.Grant, error) {
	return s.authtokens(ctx, upstream.Request{Op: "refresh the token", Method: http.MethodPut, Header: bearer(token)})
}

func (s *session) login(ctx context.Context) (upstream.Grant, error) {
	body, err := json.Marshal(map[string]any{
		"handle":              s.handle,
		"handleType":          handleType(s.handle),
		"password":            s.password.Reveal(),
		"tokenDurationInMins": tokenMinutes,
	})
	if err != nil {
		return upstream.Grant{}, err
	}
	began := s.now()
	grant, err := s.authtokens(ctx, upstream.Request{Op: "log in", Method: http.MethodPost, Body: body})
	if err != nil {
		return grant, loginError(err)
	}
	s.ends = began.Add(sessionLives * grant.Until.Sub(began))
	return grant, nil
}

// loginError marks an answer that condemns the credentials.
func loginError(err error) error {
	switch d, _ := upstream.Judge(err); d {
	case upstream.Refused, upstream.Forbidden, upstream.TooLarge:
		return &LoginError{Err: err}
	}
	return err
}

// authtokens asks for a token. Its life is measured by theodore's own clock, and runs from before it was asked for.
func (s *session) authtokens(ctx context.Context, req upstream.Request) (grant upstream.Grant, err error) {
	began := s.now()
	req.URL = s.base + "/authtokens"
	err = s.theodore.Do(ctx, req, func(reply upstream.Reply) error {
		token, expiry, err := decodeToken(reply.Body)
		if err != nil {
			return err
		}
		clock := reply.Date()
		if clock.IsZero() {
			clock = began
		}
		life := expiry.Sub(clock)
		if life <= 0 || life > longestLife {
			life = assumedLife
		}
		grant = upstream.Grant{Token: token, RenewAt: began.Add(renewAfter(life)), Until: began.Add(life)}
		return nil
	})
	return grant, explainSessions(err)
}

// renewAfter is when to renew a token: after four fifths of its life or two minutes before its end, whichever is
// sooner, but not in the first half.
func renewAfter(life time.Duration) time.Duration {
	return max(min(life*4/5, life-renewMargin), life/2)
}

// decodeToken reads data.token and data.expiry.
func decodeToken(body []byte) (token upstream.Secret, expiry time.Time, err error) {
	var faults []fault
	var text string
	err = read(body, func(r *reader) {
		if r.kind() != '{' {
			r.null()
			return
		}
		r.object(func(name []byte) {
			switch {
			case string(name) == "data" && r.kind() == '{':
				text, expiry = r.grant()
			case string(name) == "error":
				faults = faultsIn(r.raw())
			default:
				r.skip()
			}
		})
	})
	switch {
	case err != nil:
		return token, expiry, err
	case text != "" && !headerSafe(text):
		return token, expiry, errors.New("the token does not fit a header")
	case text != "":
		return upstream.NewSecret(text), expiry, nil
	case len(faults) > 0:
		return token, expiry, refusal(faults)
	}
	return token, expiry, errors.New("the answer holds no token")
}

func (r *reader) grant() (token string, expiry time.Time) {
	r.object(func(name []byte) {
		switch string(name) {
		case "token":
			token = r.text()
		case "expiry":
			expiry = r.moment()
		default:
			r.skip()
		}
	})
	return token, expiry
}

// logout frees the session that a token belongs to. A token that is refused has no session any more.
func (s *session) logout(ctx context.Context, token upstream.Secret) error {
	req := upstream.Request{Op: "log out", Method: http.MethodPost, URL: s.base + "/logout", Header: bearer(token)}
	err := s.theodore.Do(ctx, req, func(upstream.Reply) error { return nil })
	if e, ok := errors.AsType[*upstream.Error](err); ok && (e.TokenRefused() || e.Status == http.StatusUnauthorized) {
		return nil
	}
	return err
}

// explainSessions adds to a 401, which is not known to mean anything else than too many sessions, what can be done.
func explainSessions(err error) error {
	if d, _ := upstream.Judge(err); d != upstream.Unauthorized {
		return err
	}
	if e, ok := errors.AsType[*upstream.Error](err); ok && e.Hint == "" { // one error may be told to many callers
		e.Hint = sessionsHint
		if e.Code != upstream.CodeTooManySessions {
			e.Hint = "most likely " + sessionsHint
		}
	}
	return err
}

func bearer(token upstream.Secret) http.Header {
	return http.Header{"Authorization": {"Bearer " + token.Reveal()}}
}

// handleType tells a mobile number from an e-mail address.
func handleType(handle string) string {
	digits := strings.TrimPrefix(handle, "+")
	if digits != "" && strings.Trim(digits, "0123456789") == "" {
		return "mobile"
	}
	return "email"
}

// headerSafe reports whether a token can be sent: visible ASCII only.
func headerSafe(token string) bool {
	for _, c := range []byte(token) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}
