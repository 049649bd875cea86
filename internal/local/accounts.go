package local

import (
	"context"
	"errors"
	"slices"
	"sync"

	"denybatch/internal/denial"
	"denybatch/internal/inbox"
	"denybatch/pkg/upstream/invx"
)

// Accounts are the clients of InvX for the organisations that one set of credentials is for, made when they are first
// needed and kept: a login is one of ten. It may be used by several callers at once.
type Accounts struct {
	Config invx.Config // but for Org
	Orgs   []string

	mu   sync.Mutex
	open map[string]*invx.Client
}

// Get is the client for an organisation. [inbox.ErrUnknownOrg] when it is not one of ours.
func (a *Accounts) Get(_ context.Context, org string) (denial.Upstream, error) {
	if !slices.Contains(a.Orgs, org) {
		return nil, inbox.ErrUnknownOrg
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if client, ok := a.open[org]; ok {
		return client, nil
	}
	c := a.Config
	c.Org = org
	client, err := invx.New(c)
	if err != nil {
		return nil, err
	}
	if a.open == nil {
		a.open = map[string]*invx.Client{}
	}
	a.open[org] = client
	return client, nil
}

// Close logs out.
func (a *Accounts) Close(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var errs []error
	for _, client := range a.open {
		errs = append(errs, client.Close(ctx))
	}
	a.open = nil
	return errors.Join(errs...)
}
