package upstream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// mint grants tokens named t1, t2 …, each good for ten minutes and to be renewed after eight, and takes a second to do so.
type mint struct {
	calls int
	last  []string
	err   error
}

func (m *mint) fetch(ctx context.Context, last Grant) (Grant, error) {
	m.calls++
	m.last = append(m.last, last.Token.Reveal())
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return Grant{}, &LostError{"log in", ctx.Err()}
	}
	if m.err != nil {
		return Grant{}, m.err
	}
	now := time.Now()
	return Grant{NewSecret(fmt.Sprintf("t%d", m.calls)), now.Add(8 * time.Minute), now.Add(10 * time.Minute)}, nil
}

func get(t *testing.T, tokens *Tokens) Token {
	t.Helper()
	token, err := tokens.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func wantToken(t *testing.T, tokens *Tokens, want string) {
	t.Helper()
	if got := get(t, tokens).Reveal(); got != want {
		t.Errorf("token %s, want %s", got, want)
	}
}

func story(t *testing.T, tell func(*testing.T, *mint, *Tokens)) {
	synctest.Test(t, func(t *testing.T) {
		m := new(mint)
		tell(t, m, NewTokens(m.fetch, time.Now))
		synctest.Wait()
	})
}

func TestTokens(t *testing.T) {
	t.Run("EveryoneSharesOne", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { wantToken(t, tokens, "t1") })
			}
			wg.Wait()
			if m.calls != 1 {
				t.Errorf("%d fetches for eight callers", m.calls)
			}
		})
	})
	t.Run("RenewedAheadOfTimeWhileCallersGoOn", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			wantToken(t, tokens, "t1")
			time.Sleep(8*time.Minute - time.Nanosecond)
			wantToken(t, tokens, "t1")
			if m.calls != 1 {
				t.Errorf("renewed too early")
			}
			time.Sleep(time.Nanosecond)
			began := time.Now()
			for range 8 {
				wantToken(t, tokens, "t1")
			}
			if waited := time.Since(began); waited > 0 {
				t.Errorf("callers waited %v for a renewal that was not urgent", waited)
			}
			time.Sleep(2 * time.Second)
			wantToken(t, tokens, "t2")
			if m.calls != 2 || m.last[1] != "t1" {
				t.Errorf("%d fetches, given %v", m.calls, m.last)
			}
		})
	})
	t.Run("WaitedForOnceItEnded", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			wantToken(t, tokens, "t1")
			time.Sleep(11 * time.Minute)
			wantToken(t, tokens, "t2")
		})
	})
	t.Run("AFailedRenewalPausesWhileTheTokenLasts", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			wantToken(t, tokens, "t1")
			m.err = &LostError{"refresh", errors.New("down")}
			time.Sleep(8 * time.Minute)
			for range 60 {
				wantToken(t, tokens, "t1")
				time.Sleep(time.Second)
			}
			if m.calls != 3 {
				t.Errorf("%d fetches in a minute of failures, want 3 with the first login", m.calls)
			}
			m.err = nil
			time.Sleep(renewalPause)
			get(t, tokens)
			time.Sleep(2 * time.Second)
			wantToken(t, tokens, "t4")
		})
	})
	t.Run("RefusedCredentialsAreNotRepeatedForAWhile", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			m.err = &LoginError{&Error{Status: 403}}
			for range 5 {
				if _, err := tokens.Get(t.Context()); !errors.Is(err, m.err) {
					t.Errorf("got %v", err)
				}
			}
			if m.calls != 1 {
				t.Errorf("%d logins with refused credentials", m.calls)
			}
			time.Sleep(renewalPause)
			m.err = nil
			wantToken(t, tokens, "t2")
		})
	})
	t.Run("ALostLoginIsRepeatedWhenAskedAgain", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			m.err = &LostError{"log in", errors.New("down")}
			if _, err := tokens.Get(t.Context()); err == nil {
				t.Error("got a token")
			}
			m.err = nil
			wantToken(t, tokens, "t2")
		})
	})
	t.Run("EightRefusalsAreOneRenewal", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			refused := get(t, tokens)
			var wg sync.WaitGroup
			for i := range 8 {
				wg.Go(func() {
					time.Sleep(time.Duration(i) * 300 * time.Millisecond) // some while it is renewed, some after
					if token, err := tokens.Replace(t.Context(), refused); err != nil || token.Reveal() != "t2" {
						t.Errorf("got %s, %v", token.Reveal(), err)
					}
				})
			}
			wg.Wait()
			if m.calls != 2 {
				t.Errorf("%d fetches", m.calls)
			}
		})
	})
	t.Run("AReplacementThatIsRefusedTooIsTheEnd", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			second, _ := tokens.Replace(t.Context(), get(t, tokens))
			for range 5 {
				if _, err := tokens.Replace(t.Context(), second); !errors.Is(err, ErrNoOtherToken) {
					t.Errorf("got %v", err)
				}
			}
			if m.calls != 2 {
				t.Errorf("%d fetches", m.calls)
			}
			time.Sleep(suspectPeriod)
			if third, err := tokens.Replace(t.Context(), second); err != nil || third.Reveal() != "t3" {
				t.Errorf("a minute later: %v, %v", third.Reveal(), err)
			}
		})
	})
	t.Run("AReplacementThatOnceWorkedIsReplacedAgain", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			second, _ := tokens.Replace(t.Context(), get(t, tokens))
			tokens.heard(second, nil)
			if third, err := tokens.Replace(t.Context(), second); err != nil || third.Reveal() != "t3" {
				t.Errorf("got %v, %v", third.Reveal(), err)
			}
		})
	})
	t.Run("WhenThereIsNoOtherItIsNotLookedForAgainAtOnce", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			first := get(t, tokens)
			m.err = ErrNoOtherToken
			for range 5 {
				if _, err := tokens.Replace(t.Context(), first); !errors.Is(err, ErrNoOtherToken) {
					t.Errorf("got %v", err)
				}
				wantToken(t, tokens, "t1")
			}
			if m.calls != 2 {
				t.Errorf("%d fetches", m.calls)
			}
			m.err = nil
			time.Sleep(renewalPause)
			if second, err := tokens.Replace(t.Context(), first); err != nil || second.Reveal() != "t3" {
				t.Errorf("half a minute later: %v, %v", second.Reveal(), err)
			}
		})
	})
	t.Run("ACallerWhoGoesAwayDoesNotTakeTheFetchAlong", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			if _, err := tokens.Get(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			wantToken(t, tokens, "t1")
			if m.calls != 1 {
				t.Errorf("%d fetches", m.calls)
			}
		})
	})
	t.Run("AStaticOneIsNeverRenewed", func(t *testing.T) {
		tokens := StaticToken(NewSecret("s"))
		wantToken(t, tokens, "s")
		if _, err := tokens.Replace(t.Context(), get(t, tokens)); !errors.Is(err, ErrNoOtherToken) {
			t.Errorf("got %v", err)
		}
		if !tokens.Take(t.Context()).Empty() {
			t.Error("a token that nobody logged in for was given away")
		}
	})
	t.Run("TakingWaitsForTheRenewalUnderWay", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			wantToken(t, tokens, "t1")
			time.Sleep(9 * time.Minute)
			wantToken(t, tokens, "t1")
			if got := tokens.Take(t.Context()).Reveal(); got != "t2" {
				t.Errorf("took %s and left the renewed one behind", got)
			}
		})
	})
	t.Run("OneThatWasTakenIsNotUsedAgain", func(t *testing.T) {
		story(t, func(t *testing.T, m *mint, tokens *Tokens) {
			if !tokens.Take(t.Context()).Empty() {
				t.Error("there was nothing to take")
			}
			wantToken(t, tokens, "t1")
			if got := tokens.Take(t.Context()).Reveal(); got != "t1" {
				t.Errorf("took %s", got)
			}
			wantToken(t, tokens, "t2")
			if m.last[1] != "" {
				t.Errorf("the taken token %s was offered for renewal", m.last[1])
			}
		})
	})
}
