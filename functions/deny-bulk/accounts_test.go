package main

import (
	"context"
	"errors"
	"testing"

	"denybatch/internal/inbox"
	"denybatch/internal/settings"
	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/invx"
	"denybatch/pkg/upstream/upstreamtest"
)

// vault is Secrets Manager: what it remembers, and what it would say now.
type vault struct {
	known, now string
	reads      int
}

func (v *vault) Get(_ context.Context, _ string, fresh bool) (string, error) {
	if fresh || v.known == "" {
		v.known = v.now
		v.reads++
	}
	return v.known, nil
}

func newAccounts(sim *upstreamtest.Server, v *vault) *accounts {
	cfg := config{orgs: []string{sim.Org()}}
	cfg.InvX = settings.InvX{Config: invx.Config{URL: sim.URL()}, TokenARN: "arn:token"}
	return &accounts{cfg: cfg, secrets: v}
}

// A secret that was rotated while the function was warm is read anew once upstream refuses the old one, and once only.
func TestRotatedSecret(t *testing.T) {
	sim := upstreamtest.Start(t, upstreamtest.Config{InvX: upstreamtest.InvX{Auto: true}})
	v := &vault{known: "the-old-token", now: sim.Token()}
	up, err := newAccounts(sim, v).Get(t.Context(), sim.Org())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := up.Get(t.Context(), "0d0c1f6e-0000-4000-8000-000000000001"); err != nil {
			t.Error(err)
		}
	}
	if v.reads != 1 {
		t.Errorf("the secret was read %d times", v.reads)
	}
}

func TestWrongSecretIsNotReadInALoop(t *testing.T) {
	sim := upstreamtest.Start(t, upstreamtest.Config{})
	v := &vault{known: "the-old-token", now: "wrong-too"}
	up, err := newAccounts(sim, v).Get(t.Context(), sim.Org())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_, err := up.DenyBulk(t.Context(), []invx.Denial{{DocID: "d", Comment: "c"}})
		if d, _ := upstream.Judge(err); d != upstream.Forbidden {
			t.Errorf("%v", err)
		}
	}
	if v.reads != 1 {
		t.Errorf("the secret was read %d times", v.reads)
	}
}

// Each organisation has its own credentials, or shares the one set if it is named for that; others have none.
func TestCredentialsByOrganisation(t *testing.T) {
	a := &accounts{cfg: config{orgs: []string{"b"}, credentials: `{"a":{"handle":"h@a","password":"p"}}`}}
	a.cfg.Token = upstream.NewSecret("shared")
	for org, want := range map[string]credential{"a": {Handle: "h@a", Password: "p"}, "b": {Token: "shared"}} {
		if got, err := a.credential(t.Context(), org, false); err != nil || got != want {
			t.Errorf("%s: %v, %v", org, got, err)
		}
	}
	if _, err := a.Get(t.Context(), "c"); !errors.Is(err, inbox.ErrUnknownOrg) {
		t.Errorf("%v", err)
	}
}
