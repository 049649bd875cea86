package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"denybatch/internal/denial"
	"denybatch/internal/inbox"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/invx"
)

// secrets gives the value behind an ARN. With fresh it asks again rather than remember.
type secrets interface {
	Get(ctx context.Context, arn string, fresh bool) (string, error)
}

// accounts are the clients of InvX, one for each organisation, made when they are first needed and kept: a login is one
// of ten.
type accounts struct {
	cfg     config
	secrets secrets

	mu   sync.Mutex
	open map[string]*account
}

// Get is the client for an organisation. [inbox.ErrUnknownOrg] when there are no credentials for it.
func (a *accounts) Get(ctx context.Context, org string) (denial.Upstream, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if known, ok := a.open[org]; ok {
		return known, nil
	}
	client, err := a.connect(ctx, org, false)
	if err != nil {
		return nil, err
	}
	one := &account{client: client, connect: func(ctx context.Context) (*invx.Client, error) { return a.connect(ctx, org, true) }}
	if a.open == nil {
		a.open = map[string]*account{}
	}
	a.open[org] = one
	return one, nil
}

func (a *accounts) connect(ctx context.Context, org string, fresh bool) (*invx.Client, error) {
	c := a.cfg.Config
	c.Org = org
	cred, err := a.credential(ctx, org, fresh)
	if err != nil {
		return nil, err
	}
	c.Token, c.Handle, c.Password = upstream.NewSecret(cred.Token), cred.Handle, upstream.NewSecret(cred.Password)
	return invx.New(c)
}

// credential finds the organisation's own, or else the one set if the organisation may use it.
func (a *accounts) credential(ctx context.Context, org string, fresh bool) (credential, error) {
	text, err := a.reveal(ctx, a.cfg.credentials, a.cfg.credentialsARN, fresh)
	if err != nil {
		return credential{}, err
	}
	if text != "" {
		by, err := parseCredentials(text)
		if err != nil {
			return credential{}, fmt.Errorf("the credentials: %w", err)
		}
		if c, ok := by[org]; ok {
			return c, nil
		}
	}
	if !slices.Contains(a.cfg.orgs, org) {
		return credential{}, inbox.ErrUnknownOrg
	}
	token, err := a.reveal(ctx, a.cfg.Token.Reveal(), a.cfg.TokenARN, fresh)
	if err != nil || token != "" {
		return credential{Token: token}, err
	}
	password, err := a.reveal(ctx, a.cfg.Password.Reveal(), a.cfg.PasswordARN, fresh)
	return credential{Handle: a.cfg.Handle, Password: password}, err
}

// reveal is value, or what stands behind arn.
func (a *accounts) reveal(ctx context.Context, value, arn string, fresh bool) (string, error) {
	if value != "" || arn == "" {
		return value, nil
	}
	secret, err := a.secrets.Get(ctx, arn, fresh)
	return strings.TrimSpace(secret), err // a line end is easily pasted along
}

// account is one organisation's client. When upstream refuses its credentials they are read anew, once for each time that
// they change: somebody may have rotated them.
type account struct {
	connect func(ctx context.Context) (*invx.Client, error)

	mu     sync.Mutex
	client *invx.Client
	tried  bool // new credentials were tried, and nothing has worked since
}

// DenyBulk implements [denial.Upstream].
func (a *account) DenyBulk(ctx context.Context, d []invx.Denial) (invx.Answer, error) {
	return call(ctx, a, func(c *invx.Client) (invx.Answer, error) { return c.DenyBulk(ctx, d) })
}

// Get implements [denial.Upstream].
func (a *account) Get(ctx context.Context, docID string) (invx.Reading, error) {
	return call(ctx, a, func(c *invx.Client) (invx.Reading, error) { return c.Get(ctx, docID) })
}

func call[T any](ctx context.Context, a *account, do func(*invx.Client) (T, error)) (T, error) {
	client := a.current()
	reply, err := do(client)
	switch d, _ := upstream.Judge(err); d {
	case upstream.Fine, upstream.Refused:
		a.worked()
	case upstream.Forbidden:
		if next := a.renewed(ctx, client); next != nil {
			return do(next)
		}
	}
	return reply, err
}

func (a *account) current() *invx.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.client
}

func (a *account) worked() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tried = false
}

// renewed is a client with credentials read anew after refused was refused, or nil when that has been tried.
func (a *account) renewed(ctx context.Context, refused *invx.Client) *invx.Client {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.client != refused {
		return a.client // somebody else was faster
	}
	if a.tried {
		return nil
	}
	a.tried = true
	next, err := a.connect(ctx)
	if err != nil {
		return nil
	}
	a.client = next
	return next
}
