package roit

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"denybatch/pkg/upstream"
)

// Config says how to reach ROIT and as whom. Either Token or TokenURL with TokenBody must be given.
type Config struct {
	URL        string          // where /ibs-core-entrypoint is found: absolute, http or https, without query; no default
	Token      upstream.Secret // a ready token; or
	TokenURL   string          // where tokens are granted: absolute, http or https, without query, and
	TokenBody  upstream.Secret // the JSON object to post there
	TokenField string          // where in the answer the token stands, such as data.token; empty: the usual names are tried
	AuthPrefix string          // stands before the token in Authorization, such as Bearer; empty: the raw token
	HTTP       *http.Client    // nil: [upstream.HTTP]

	// Fresh reads the credential anew: TokenBody if there is a TokenURL, else Token. It is asked once after a token or
	// TokenBody was refused with 401 or 403, for it may have been rotated, and at first if there is none. Nil: it cannot.
	Fresh func(ctx context.Context) (upstream.Secret, error)
}

// New makes a client, or reports everything that is wrong with its configuration. It sends nothing.
func New(cfg Config) (*Client, error) {
	if err := errors.Join(cfg.Missing(), cfg.Wrong()); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	v := new(veil)
	return &Client{
		base: cfg.URL + requestsPath,
		veil: v,
		roit: upstream.New(upstream.Service{
			HTTP:      cfg.HTTP,
			Tokens:    cfg.tokens(v),
			Authorize: cfg.authorize,
			Explain:   v.explain(cfg.tokenHint()),
			Renews:    tokenRefused,
			Hide:      v.hide,
		}),
	}, nil
}

func (cfg Config) withDefaults() Config {
	cfg.URL = strings.TrimRight(strings.TrimSuffix(strings.TrimRight(cfg.URL, "/"), requestsPath), "/")
	cfg.AuthPrefix = strings.TrimSpace(cfg.AuthPrefix)
	if cfg.HTTP == nil {
		cfg.HTTP = upstream.HTTP()
	}
	return cfg
}

// Missing names what must be set and is not.
func (cfg Config) Missing() error {
	var missing []error
	if cfg.URL == "" {
		missing = append(missing, errors.New("DENYBATCH_ROIT_URL is not set: give "+Homologation+" (homologation) or "+Production+" (production)"))
	}
	switch {
	case cfg.Fresh != nil:
	case cfg.TokenURL != "" && cfg.TokenBody.Empty():
		missing = append(missing, errors.New("DENYBATCH_ROIT_TOKEN_BODY is not set: give the JSON object that DENYBATCH_ROIT_TOKEN_URL expects"))
	case cfg.TokenURL == "" && cfg.Token.Empty():
		missing = append(missing, errors.New("DENYBATCH_ROIT_TOKEN is not set: give a token, or DENYBATCH_ROIT_TOKEN_URL and DENYBATCH_ROIT_TOKEN_BODY"))
	}
	return errors.Join(missing...)
}

// Wrong names everything that is set and cannot be right. It never repeats a secret, nor a URL, which may hold one.
func (cfg Config) Wrong() error {
	var faults []error
	fault := func(wrong bool, what string) {
		if wrong {
			faults = append(faults, errors.New(what))
		}
	}
	url, tokenURL := urlFault(cfg.URL), urlFault(cfg.TokenURL)
	fault(url != "", "DENYBATCH_ROIT_URL "+url)
	fault(tokenURL != "", "DENYBATCH_ROIT_TOKEN_URL "+tokenURL)
	fault(!headerSafe(cfg.Token.Reveal()), "DENYBATCH_ROIT_TOKEN must be visible ASCII without spaces or line ends; a word such as Bearer belongs into DENYBATCH_ROIT_AUTH_PREFIX")
	fault(!headerSafe(strings.TrimSpace(cfg.AuthPrefix)), "DENYBATCH_ROIT_AUTH_PREFIX must be one word of visible ASCII, such as Bearer")
	fault(!cfg.TokenBody.Empty() && !isObject(cfg.TokenBody.Reveal()), "DENYBATCH_ROIT_TOKEN_BODY must be a JSON object")
	fault(!cfg.Token.Empty() && cfg.TokenURL != "", "DENYBATCH_ROIT_TOKEN and DENYBATCH_ROIT_TOKEN_URL are both set, so it is not clear which to use")
	fault(!cfg.TokenBody.Empty() && cfg.TokenURL == "", "DENYBATCH_ROIT_TOKEN_BODY is set, but there is no DENYBATCH_ROIT_TOKEN_URL to post it to")
	fault(!fieldSafe(cfg.TokenField), "DENYBATCH_ROIT_TOKEN_FIELD must be names with dots between them, such as data.token")
	return errors.Join(faults...)
}

// urlFault is what is wrong with a URL; empty for nothing, also when there is none.
func urlFault(raw string) string {
	u, err := url.Parse(raw)
	switch {
	case raw == "":
		return ""
	case err != nil:
		return "cannot be parsed as a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		return "must begin with https:// or http://"
	case u.Hostname() == "":
		return "names no host"
	case u.User != nil:
		return "must not hold a user name or password"
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(raw, "#"):
		return "must not have a query or fragment"
	}
	return ""
}

// headerSafe reports whether text can be sent in a header as one word: visible ASCII only.
func headerSafe(text string) bool {
	for _, c := range []byte(text) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

func fieldSafe(path string) bool {
	return path == "" || headerSafe(path) && !strings.Contains("."+path+".", "..")
}

func isObject(text string) bool {
	return json.Valid([]byte(text)) && strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{")
}

// authorize writes a token as ROIT wants it: raw, unless configured otherwise (section 2).
func (cfg Config) authorize(h http.Header, token string) {
	if cfg.AuthPrefix != "" {
		token = cfg.AuthPrefix + " " + token
	}
	h.Set("Authorization", token)
}

// tokenHint is what a person can look at when ROIT refuses the token.
func (cfg Config) tokenHint() string {
	if cfg.TokenURL != "" {
		return "check the rights of the user in DENYBATCH_ROIT_TOKEN_BODY, and DENYBATCH_ROIT_AUTH_PREFIX"
	}
	return "check DENYBATCH_ROIT_TOKEN, which lasts 8 hours, and DENYBATCH_ROIT_AUTH_PREFIX"
}
