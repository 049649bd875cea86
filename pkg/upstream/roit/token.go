package roit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"denybatch/pkg/upstream"
)

// How long a token is used (section 2): it lasts eight hours and says so to nobody.
const (
	tokenLife  = 8 * time.Hour
	renewAfter = 7 * time.Hour
)

// LoginError is a refused login: what was posted for a token is wrong, or the form of the answer is.
type LoginError = upstream.LoginError

// source is where tokens come from: a ready one, or a service that grants them.
type source struct {
	service    *upstream.Client // nil with a ready token
	url        string
	field      string
	fresh      func(ctx context.Context) (upstream.Secret, error) // nil when the credential cannot be read anew
	veil       *veil
	credential upstream.Secret // the ready token or the body to post; only next uses it
}

// tokens makes the tokens of a client.
func (cfg Config) tokens(v *veil) *upstream.Tokens {
	s := &source{url: cfg.TokenURL, field: cfg.TokenField, fresh: cfg.Fresh, veil: v}
	if cfg.TokenURL == "" {
		s.credential = cfg.Token
		v.learn(s.credential.Reveal())
		if cfg.Fresh == nil {
			return upstream.StaticToken(cfg.Token)
		}
		return upstream.NewTokens(s.ready, time.Now)
	}
	s.credential = cfg.TokenBody
	v.learnBody(s.credential.Reveal())
	s.service = upstream.New(upstream.Service{HTTP: cfg.HTTP, Explain: v.explain("check DENYBATCH_ROIT_TOKEN_BODY"), Hide: v.hide})
	return upstream.NewTokens(s.granted, time.Now)
}

// ready is the ready token, and after it was refused the one that has taken its place.
func (s *source) ready(ctx context.Context, refused upstream.Grant) (upstream.Grant, error) {
	first := refused.Token.Empty()
	if first && !s.credential.Empty() {
		return upstream.Grant{Token: s.credential}, nil
	}
	switch changed, err := s.read(ctx); {
	case first && err != nil:
		return upstream.Grant{}, err
	case err != nil:
		return upstream.Grant{}, fmt.Errorf("%w: %w", upstream.ErrNoOtherToken, err)
	case !changed:
		return upstream.Grant{}, upstream.ErrNoOtherToken
	}
	return upstream.Grant{Token: s.credential}, nil
}

// granted is a new token. The credential is read anew, at most once, if it or the last token was refused.
func (s *source) granted(ctx context.Context, last upstream.Grant) (upstream.Grant, error) {
	refused := !last.Token.Empty() && time.Now().Before(last.RenewAt) // or else it is merely due for renewal
	anew := s.fresh != nil && (refused || s.credential.Empty())
	if anew {
		if _, err := s.read(ctx); err != nil && s.credential.Empty() {
			return upstream.Grant{}, err
		}
	}
	grant, err := s.login(ctx)
	if anew || s.fresh == nil || !credentialRefused(err) {
		return grant, err
	}
	if changed, failed := s.read(ctx); failed != nil || !changed {
		return grant, err
	}
	return s.login(ctx)
}

func credentialRefused(err error) bool {
	_, ok := errors.AsType[*LoginError](err)
	return ok
}

// read takes the credential from where it is kept, and reports whether it is another one.
func (s *source) read(ctx context.Context) (changed bool, err error) {
	fresh, err := s.fresh(ctx)
	if err != nil {
		return false, fmt.Errorf("the credential could not be read anew: %w", err)
	}
	text := strings.TrimSpace(fresh.Reveal()) // a line end is easily pasted along
	switch {
	case text == "":
		return false, errors.New("the credential that was read anew is empty")
	case s.service == nil && !headerSafe(text):
		return false, errors.New("the token that was read anew is not visible ASCII without spaces")
	case s.service != nil && !isObject(text):
		return false, errors.New("the token body that was read anew is not a JSON object")
	}
	s.veil.learn(text)
	s.veil.learnBody(text)
	changed = text != s.credential.Reveal()
	s.credential = upstream.NewSecret(text)
	return changed, nil
}

// login asks for a token. Its life runs from before it was asked for.
func (s *source) login(ctx context.Context) (grant upstream.Grant, err error) {
	began := time.Now()
	req := upstream.Request{Op: "fetch a token", Method: http.MethodPost, URL: s.url, Body: []byte(s.credential.Reveal())}
	err = s.service.Do(ctx, req, func(reply upstream.Reply) error {
		token, err := decodeToken(reply.Body, s.field)
		if err != nil {
			return err
		}
		s.veil.learn(token)
		grant = upstream.Grant{Token: upstream.NewSecret(token), RenewAt: began.Add(renewAfter), Until: began.Add(tokenLife)}
		return nil
	})
	switch d, _ := upstream.Judge(err); d {
	case upstream.Refused, upstream.Unauthorized, upstream.Forbidden, upstream.TooLarge:
		return upstream.Grant{}, &LoginError{Err: err}
	}
	return grant, err
}

// usualNames are where a token is looked for, in this order, when no field was configured: at the top, then in data.
var usualNames = []string{"token", "accessToken", "access_token", "jwt", "idToken", "id_token"}

// decodeToken reads the answer to a login. JSON without a token where it was expected is *upstream.Error: asking again
// would not help.
func decodeToken(body []byte, field string) (string, error) {
	if !json.Valid(body) {
		return "", notJSON(body)
	}
	body = bytes.TrimSpace(body)
	for _, path := range tokenPaths(field) {
		token := strings.TrimSpace(text(at(body, path)))
		switch {
		case token == "":
			continue
		case !headerSafe(token):
			return "", &upstream.Error{Detail: "the token does not fit a header", Hint: "check DENYBATCH_ROIT_TOKEN_FIELD"}
		}
		return token, nil
	}
	where := "under a usual name"
	if field != "" {
		where = "at " + field
	}
	return "", &upstream.Error{Detail: "the answer holds no token " + where, Hint: "check DENYBATCH_ROIT_TOKEN_FIELD"}
}

// tokenPaths are the places to look at, the likeliest first; the empty path is the whole answer.
func tokenPaths(field string) (paths [][]string) {
	if field != "" {
		return [][]string{strings.Split(field, ".")}
	}
	for _, name := range usualNames {
		paths = append(paths, []string{name})
	}
	for _, name := range usualNames {
		paths = append(paths, []string{"data", name})
	}
	return append(paths, []string{"data"}, nil)
}

// at is the value at a path; nil when there is none.
func at(body json.RawMessage, path []string) json.RawMessage {
	if len(path) == 0 {
		return body
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(body, &members) != nil {
		return nil
	}
	return at(members[path[0]], path[1:])
}
