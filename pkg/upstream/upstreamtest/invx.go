package upstreamtest

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// InvX is what the InvX half is like. The zero InvX knows DefaultOrg and DefaultToken and holds no documents.
type InvX struct {
	Orgs     []string // organisations that calls may name, the default one first; DefaultOrg when empty
	Token    string   // a token that is always good; DefaultToken when there is no Handle either
	Handle   string   // with Password, who may log in
	Password string
	Accept   AuthScheme // which token headers count; both when empty

	MaxSessions  int // sessions a user may have; 10 when zero
	SessionsUsed int // sessions that somebody else holds already

	CSV    io.Reader // documents to begin with, as AddCSV reads them; nil for none
	Auto   bool      // documents nobody added exist, and are created ones
	Bad    float64   // share of those that are cancelled instead
	Denied float64   // share of those that are denied already

	Mode            Mode     // what a bulk call does about documents that cannot be denied; Item when empty
	PartialRandom   bool     // in Partial mode a random part is applied rather than the part before the first bad document
	DenyFrom        []string // states a denial is legal in; 200, 270 and 100 when empty
	Repeat          Repeat   // what denying a denied document does; RefuseRepeat when empty
	AllowDuplicates bool     // a call may name a document twice (still a violation); otherwise it is refused

	Bare         bool       // answers hold documents without the item wrapper
	SingleObject bool       // an answer about one document has it as data, not in an array
	Errors       ErrorShape // of itemErrors; ObjectErrors when empty
	FailedKey    bool       // itemKey of a failed item is its docId; otherwise null
}

// Who may call a server whose Config does not say.
const (
	DefaultOrg   = "5b0c1f6e-3d0b-4a55-9a53-2f6f6d6e7601"
	DefaultToken = "simulated-token"
)

// Mode is what a bulk call does about documents that cannot be denied.
type Mode string

const (
	Item    Mode = "item"    // every document has its own verdict
	Refuse  Mode = "refuse"  // one of them refuses the whole call, and nothing is applied
	Partial Mode = "partial" // one of them refuses the whole call, and a part is applied all the same
)

// Repeat is what denying a denied document does.
type Repeat string

const (
	RefuseRepeat    Repeat = "refuse"    // it is refused as any other wrong state
	AcceptRepeat    Repeat = "accept"    // it succeeds and changes nothing
	OverwriteRepeat Repeat = "overwrite" // it succeeds and counts as a second denial
)

// ErrorShape is the JSON that itemErrors is made of.
type ErrorShape string

const (
	ObjectErrors ErrorShape = "object"
	ListErrors   ErrorShape = "list"
	StringErrors ErrorShape = "string"
)

// AuthScheme is which token headers count.
type AuthScheme string

const (
	AnyAuth    AuthScheme = "both"
	BearerAuth AuthScheme = "bearer"
	FlynnAuth  AuthScheme = "flynn"
)

// invx is the InvX half of a server.
type invx struct {
	server      *Server
	cfg         InvX
	store       *store
	faces       faces
	sessions    sessions
	denyFrom    map[uint16]bool
	epoch       time.Time // when the server started, on its own clock
	autoComment text
}

func newInvX(s *Server, cfg InvX) (*invx, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	x := &invx{server: s, cfg: cfg, store: newStore(), epoch: s.now(), denyFrom: make(map[uint16]bool)}
	for _, code := range cfg.DenyFrom {
		status, err := parseStatus(code)
		if err != nil {
			return nil, fmt.Errorf("states to deny from: %w", err)
		}
		x.denyFrom[status] = true
	}
	x.faces = newFaces(s.luck, x.epoch)
	x.sessions = sessions{luck: s.luck.ofText("session"), staticToken: cfg.Token, used: cfg.SessionsUsed, most: cfg.MaxSessions}
	x.store.orgs = append(x.store.orgs, cfg.Orgs...)
	x.store.fresh = x.autoRecord
	x.autoComment = x.store.texts.put([]byte("Denied by the buyer"))
	return x, nil
}

// complete fills in what was left out and refuses what means nothing.
func (c *InvX) complete() error {
	if len(c.Orgs) == 0 {
		c.Orgs = []string{DefaultOrg}
	}
	if c.Handle == "" {
		c.Token = cmp.Or(c.Token, DefaultToken)
	}
	if len(c.DenyFrom) == 0 {
		c.DenyFrom = []string{"200", "270", "100"}
	}
	c.MaxSessions = cmp.Or(c.MaxSessions, 10)
	c.Mode, c.Repeat = cmp.Or(c.Mode, Item), cmp.Or(c.Repeat, RefuseRepeat)
	c.Errors, c.Accept = cmp.Or(c.Errors, ObjectErrors), cmp.Or(c.Accept, AnyAuth)
	return cmp.Or(
		oneOf("mode", c.Mode, Item, Refuse, Partial),
		oneOf("repeat", c.Repeat, RefuseRepeat, AcceptRepeat, OverwriteRepeat),
		oneOf("errors", c.Errors, ObjectErrors, ListErrors, StringErrors),
		oneOf("auth", c.Accept, AnyAuth, BearerAuth, FlynnAuth),
		shares(c.Bad, c.Denied),
	)
}

func oneOf[T ~string](what string, got T, want ...T) error {
	var names []string
	for _, w := range want {
		if got == w {
			return nil
		}
		names = append(names, string(w))
	}
	return fmt.Errorf("%s %q: want %s", what, got, strings.Join(names, " or "))
}

func shares(bad, denied float64) error {
	if bad >= 0 && denied >= 0 && bad+denied <= 1 {
		return nil
	}
	return fmt.Errorf("shares bad %v and denied %v: want 0 to 1, together at most 1", bad, denied)
}

func (x *invx) routes(mux *http.ServeMux) {
	s := x.server
	mux.HandleFunc("PATCH /invx/apis/v1/orgs/{org}/edocuments/bulk", s.serve(Bulk, x.bulk))
	mux.HandleFunc("GET /invx/apis/v1/orgs/{org}/edocuments/{id}", s.serve(Read, x.read))
	mux.HandleFunc("POST /theodore/apis/v1/authtokens", s.serve(Login, x.login))
	mux.HandleFunc("PUT /theodore/apis/v1/authtokens", s.serve(Refresh, x.refresh))
	mux.HandleFunc("POST /theodore/apis/v1/logout", s.serve(Logout, x.logout))
}

// Org is the organisation to name in calls.
func (s *Server) Org() string { return s.invx.cfg.Orgs[0] }

// Token is the token that is always good; empty when one has to log in.
func (s *Server) Token() string { return s.invx.cfg.Token }

// DocumentURL is where one document is read.
func (s *Server) DocumentURL(docID string) string {
	return s.URL() + "/invx/apis/v1/orgs/" + s.Org() + "/edocuments/" + url.PathEscape(docID)
}

// BulkURL is where documents are denied.
func (s *Server) BulkURL() string {
	return s.URL() + "/invx/apis/v1/orgs/" + s.Org() + "/edocuments/bulk"
}
