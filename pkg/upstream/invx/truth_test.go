package invx_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"denybatch/pkg/upstream"
	"denybatch/pkg/upstream/invx"
	"denybatch/pkg/upstream/upstreamtest"
)

// TestWhatIsSaidIsTrue holds every verdict of Judge against what the simulator really did: a call that is said not to
// have been carried out was not, one that is said to be fine denied what it says, and none went out twice.
func TestWhatIsSaidIsTrue(t *testing.T) {
	for fault, want := range map[string]upstream.Disposition{
		"":                    upstream.Fine,
		"429:retry-after=1":   upstream.Throttled,
		"500":                 upstream.Lost,
		"500:after":           upstream.Lost,
		"502":                 upstream.Lost,
		"503:retry-after=2":   upstream.Lost,
		"413:items=1":         upstream.TooLarge,
		"drop":                upstream.Lost,
		"lost":                upstream.Lost,
		"reset":               upstream.Lost,
		"cut":                 upstream.Lost,
		"truncated":           upstream.Lost,
		"foreign":             upstream.Lost,
		"html":                upstream.Lost,
		"slow:delay=1m":       upstream.Lost, // longer than the calls wait
		"expire@3;5":          upstream.Fine,
		"shuffle,missing,5xx": upstream.Lost,
		"shuffle,missing":     upstream.Fine,
		"login.500":           upstream.Unsent,
		"login.html":          upstream.Unsent,
		"login.lost":          upstream.Unsent,
	} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			server := upstreamtest.Start(t, upstreamtest.Config{Faults: fault, InvX: upstreamtest.InvX{Auto: true, Handle: handle, Password: password}})
			c := newClient(t, server)
			for call := range 6 {
				ids := []string{fmt.Sprintf("%08d-0000-4000-8000-00000000000a", call), fmt.Sprintf("%08d-0000-4000-8000-00000000000b", call)}
				ctx, cancel := context.WithTimeout(t.Context(), patience(fault))
				answer, err := c.DenyBulk(ctx, []invx.Denial{{DocID: ids[0], Comment: "why"}, {DocID: ids[1], Comment: "why"}})
				cancel()
				d, _ := upstream.Judge(err)
				if d != want {
					t.Errorf("call %d is judged %v, want %v: %v", call, d, want, err)
				}
				compare(t, server, answer, d, ids)
			}
			for _, v := range server.Violations() {
				t.Errorf("the simulator minds: %s", v)
			}
		})
	}
}

// patience is how long a call waits under a fault.
func patience(fault string) time.Duration {
	if strings.HasPrefix(fault, "slow") {
		return 300 * time.Millisecond
	}
	return 20 * time.Second
}

// compare holds what was said of one call's documents against the truth.
func compare(t *testing.T, server *upstreamtest.Server, answer invx.Answer, d upstream.Disposition, ids []string) {
	t.Helper()
	for _, id := range ids {
		truth := server.Truth(id)
		if truth.Asked > 1 || truth.Applied > 1 {
			t.Errorf("%s was asked for %d times and denied %d times in one call", id, truth.Asked, truth.Applied)
		}
		if d != upstream.Fine && d != upstream.Lost && truth.Applied > 0 {
			t.Errorf("%s is denied, yet the call is judged %v", id, d)
		}
	}
	for _, item := range answer.Items {
		truth := server.Truth(item.Document.ID)
		if item.Document.Status != truth.Status || item.Document.DenialComments != truth.Comment {
			t.Errorf("the answer says %+v, the truth is %+v", item, truth)
		}
	}
}

// The user of the tests, whom the simulator lets in.
const handle, password = "user@example.com", "password"

// newClient is a client that logs in.
func newClient(t *testing.T, server *upstreamtest.Server) *invx.Client {
	c, err := invx.New(invx.Config{
		URL:      server.URL(),
		Org:      server.Org(),
		Handle:   handle,
		Password: upstream.NewSecret(password),
		HTTP:     server.Client(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
