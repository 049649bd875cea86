package invx

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"denybatch/pkg/upstream"
)

// AuthScheme says in which headers the token goes (section 3): which one InvX wants is not documented.
type AuthScheme string

const (
	Both   AuthScheme = "both"
	Bearer AuthScheme = "bearer" // Authorization: Bearer <token>
	Flynn  AuthScheme = "flynn"  // X-FLYNN-N-USER-TOKEN and X-FLYNN-N-ORG-ID
)

// Config says how to reach InvX and as whom. Either Token or Handle and Password must be given.
type Config struct {
	URL         string           // where /invx/apis/v1 is found: absolute, http or https, without query
	Org         string           // organisation id
	Auth        AuthScheme       // empty: Both
	Token       upstream.Secret  // a ready token, which is never renewed; or
	Handle      string           // e-mail address or mobile number, and
	Password    upstream.Secret  // its password
	TheodoreURL string           // the login service; empty: /theodore/apis/v1 beside URL
	HTTP        *http.Client     // nil: [upstream.HTTP]
	Now         func() time.Time // nil: time.Now
}

// Client speaks to InvX for one organisation. It is safe for concurrent use.
type Client struct {
	invx      *upstream.Client
	tokens    *upstream.Tokens
	session   *session // nil with a ready token
	documents string   // URL of the organisation's documents
}

const (
	invxPath     = "/invx/apis/v1"
	theodorePath = "/theodore/apis/v1"
	closeTimeout = 5 * time.Second
)

// New makes a client, or reports everything that is wrong with its configuration. It sends nothing.
func New(cfg Config) (*Client, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Client{documents: cfg.documents()}
	if cfg.Token.Empty() {
		c.session = &session{
			theodore: upstream.New(upstream.Service{HTTP: cfg.HTTP, Explain: explain}),
			base:     cfg.TheodoreURL,
			handle:   cfg.Handle,
			password: cfg.Password,
			now:      cfg.Now,
		}
		c.tokens = upstream.NewTokens(c.session.next, cfg.Now)
	} else {
		c.tokens = upstream.StaticToken(cfg.Token)
	}
	c.invx = upstream.New(upstream.Service{HTTP: cfg.HTTP, Tokens: c.tokens, Authorize: cfg.authorize, Explain: explain})
	return c, nil
}

func (cfg Config) withDefaults() Config {
	cfg.URL = strings.TrimSuffix(strings.TrimRight(cfg.URL, "/"), invxPath)
	cfg.TheodoreURL = strings.TrimRight(cfg.TheodoreURL, "/")
	if cfg.TheodoreURL == "" {
		cfg.TheodoreURL = cfg.URL + theodorePath
	}
	if cfg.Auth == "" {
		cfg.Auth = Both
	}
	if cfg.HTTP == nil {
		cfg.HTTP = upstream.HTTP()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return cfg
}

// documents is the URL of the organisation's PostWorkflow documents (section 4.1).
func (cfg Config) documents() string {
	return cfg.URL + invxPath + "/orgs/" + url.PathEscape(cfg.Org) + "/edocuments"
}

func (cfg Config) validate() error {
	var faults []error
	fault := func(wrong bool, what string) {
		if wrong {
			faults = append(faults, errors.New(what))
		}
	}
	if err := checkURL(cfg.URL); err != nil {
		faults = append(faults, fmt.Errorf("InvX URL: %w", err))
	} else if err := checkURL(cfg.TheodoreURL); err != nil {
		faults = append(faults, fmt.Errorf("theodore URL: %w", err))
	}
	fault(cfg.Org == "", "InvX organisation: missing")
	fault(cfg.Org != "" && !headerSafe(cfg.Org), "InvX organisation: must be visible ASCII without spaces")
	fault(cfg.Org == "." || cfg.Org == "..", "InvX organisation: is not an id")
	fault(cfg.Auth != Both && cfg.Auth != Bearer && cfg.Auth != Flynn, fmt.Sprintf("InvX auth scheme: %q is not both, bearer or flynn", string(cfg.Auth)))
	login := cfg.Handle != "" || !cfg.Password.Empty()
	fault(!login && cfg.Token.Empty(), "InvX credentials: neither a token nor a handle and password")
	fault(login && !cfg.Token.Empty(), "InvX credentials: both a token and a login, so it is not clear which to use")
	fault(login && cfg.Handle == "", "InvX handle: missing beside the password")
	fault(login && cfg.Password.Empty(), "InvX password: missing beside the handle")
	fault(!headerSafe(cfg.Token.Reveal()), "InvX token: must be visible ASCII without spaces or line ends")
	return errors.Join(faults...)
}

// checkURL never repeats the URL, for it may hold a password.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return errors.New("missing")
	case err != nil:
		return errors.New("cannot be parsed")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("must begin with https:// or http://")
	case u.Hostname() == "":
		return errors.New("names no host")
	case u.User != nil:
		return errors.New("must not hold a user name or password")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(raw, "#"):
		return errors.New("must not have a query or fragment")
	}
	return nil
}

// authorize writes a token into the headers of the scheme.
func (cfg Config) authorize(h http.Header, token string) {
	if cfg.Auth != Flynn {
		h.Set("Authorization", "Bearer "+token)
	}
	if cfg.Auth != Bearer {
		h.Set("X-FLYNN-N-USER-TOKEN", token)
		h.Set("X-FLYNN-N-ORG-ID", cfg.Org)
	}
}

// DenyBulk asks for documents to be denied, in one call that goes out at most once (and once more with another token
// if the first was refused). The answer holds what upstream said, which need not be one item for each denial. An error
// means that nothing is known about any of them; [upstream.Judge] says whether they can have been denied.
func (c *Client) DenyBulk(ctx context.Context, denials []Denial) (answer Answer, err error) {
	if len(denials) == 0 {
		return answer, nil
	}
	buf := bodies.Get().(*[]byte)
	defer bodies.Put(buf)
	*buf = appendDenials((*buf)[:0], denials)
	req := upstream.Request{
		Op:     fmt.Sprintf("deny %d documents", len(denials)),
		Method: http.MethodPatch,
		URL:    c.documents + "/bulk",
		Body:   *buf,
	}
	err = c.do(ctx, req, func(reply upstream.Reply) error {
		items, err := decode(reply.Body)
		answer = Answer{Items: items, Date: reply.Date()}
		return err
	})
	if err != nil {
		return Answer{}, err
	}
	return answer, nil
}

// Get reads one document. That there is none by that id is an error for which [NotFound] is true.
func (c *Client) Get(ctx context.Context, docID string) (reading Reading, err error) {
	op := "read document " + docID
	if strings.Trim(docID, ".") == "" {
		return reading, &upstream.Error{Op: op, Detail: "not a document id"}
	}
	req := upstream.Request{Op: op, Method: http.MethodGet, URL: c.documents + "/" + url.PathEscape(docID)}
	err = c.do(ctx, req, func(reply upstream.Reply) error {
		doc, err := decodeOne(reply.Body, docID)
		reading = Reading{Document: doc, Date: reply.Date()}
		return err
	})
	if err != nil {
		return Reading{}, err
	}
	return reading, nil
}

// do asks InvX, and explains what only InvX means by an answer.
func (c *Client) do(ctx context.Context, req upstream.Request, read func(upstream.Reply) error) error {
	return explainSessions(c.invx.Do(ctx, req, read))
}

const codeNotFound = "err-resource-not-found"

// NotFound reports whether upstream said that there is no such document.
func NotFound(err error) bool {
	e, ok := errors.AsType[*upstream.Error](err)
	return ok && !e.Foreign && (e.Status == http.StatusNotFound || e.Code == codeNotFound)
}

// Login makes sure that there is a token, so that wrong credentials show before the first document.
func (c *Client) Login(ctx context.Context) error {
	_, err := c.tokens.Get(ctx)
	return err
}

// Close logs out if this client logged in, which frees one of the user's ten sessions. It tries so for a few seconds
// even when its context has ended.
func (c *Client) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if token := c.tokens.Take(ctx); !token.Empty() {
		return c.session.logout(ctx, token)
	}
	return nil
}
