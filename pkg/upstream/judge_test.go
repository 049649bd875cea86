package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	status := func(n int) error { return &Error{Op: "deny", Status: n, Code: "err-x"} }
	rules := []struct {
		name string
		err  error
		want Disposition
	}{
		{"NoErrorIsFine", nil, Fine},

		{"Refuses400", status(400), Refused},
		{"Refuses409", status(409), Refused},
		{"Refuses422", status(422), Refused},
		{"Refuses404InUpstreamsWords", status(404), Refused},
		{"RefusesInsideA200", status(200), Refused},
		{"RefusesWhatTheClientWouldNotSend", &Error{Op: "read", Detail: "not a document id"}, Refused},
		{"RefusesAnUnfamiliar4xx", status(418), Refused},

		{"SendsLessOn413", status(413), TooLarge},

		{"WaitsOn429", status(429), Throttled},
		{"WaitsOn425", status(425), Throttled},

		{"ReadsBackAfter500", status(500), Lost},
		{"ReadsBackAfter502", status(502), Lost},
		{"ReadsBackAfter503", &Error{Status: 503, RetryAfter: time.Second}, Lost},
		{"ReadsBackAfter504", status(504), Lost},
		{"ReadsBackAfter599", status(599), Lost},
		{"ReadsBackAfter408", status(408), Lost},
		{"ReadsBackAfterALostAnswer", &LostError{"deny", io.ErrUnexpectedEOF}, Lost},
		{"ReadsBackAfterADeadlineInFlight", &LostError{"deny", context.DeadlineExceeded}, Lost},
		{"ReadsBackAfterACancelInFlight", &LostError{"deny", context.Canceled}, Lost},
		{"ReadsBackAfterAnUnfamiliarError", errors.New("boom"), Lost},
		{"ReadsBackAfterAnUnmarkedNetworkError", &url.Error{Op: "Patch", Err: context.DeadlineExceeded}, Lost},
		{"ReadsBackIfAnyOfSeveralWasLost", errors.Join(&UnsentError{"a", io.EOF}, &LostError{"b", io.EOF}), Lost},

		{"AsksAgainWhenUnsent", &UnsentError{"deny", io.EOF}, Unsent},
		{"AsksAgainWhenTheTokenWasLost", &UnsentError{"deny", &LostError{"log in", io.EOF}}, Unsent},
		{"AsksAgainWhenTheLoginTimedOut", &UnsentError{"deny", context.DeadlineExceeded}, Unsent},

		{"StopsOn401", status(401), Unauthorized},
		{"StopsOnTooManySessionsWhateverTheStatus", &Error{Status: 403, Code: CodeTooManySessions}, Unauthorized},
		{"StopsOn401WithATokenCode", &Error{Status: 401, Code: CodeExpiredToken}, Unauthorized},

		{"StopsOn403", status(403), Forbidden},
		{"StopsOnAnInvalidTokenInsideA200", &Error{Status: 200, Code: CodeInvalidToken}, Forbidden},
		{"StopsOnARefusedLogin", fmt.Errorf("deny: %w", &LoginError{status(400)}), Forbidden},

		{"StopsOnARedirect", status(302), Misdirected},
		{"StopsOn304", status(304), Misdirected},
		{"StopsOnAForeign404", &Error{Status: 404, Foreign: true}, Misdirected},
		{"StopsOn405", status(405), Misdirected},
		{"StopsOn407", status(407), Misdirected},
		{"StopsOn410", status(410), Misdirected},
		{"StopsOn415", status(415), Misdirected},
		{"StopsOn501", status(501), Misdirected},
		{"StopsOn505", status(505), Misdirected},

		{"CancelledBeforeSending", fmt.Errorf("deny: not sent: %w", context.Canceled), Cancelled},
		{"DeadlineBeforeSending", context.DeadlineExceeded, Cancelled},
		{"SeveralCancelled", errors.Join(context.Canceled, context.Canceled), Cancelled},
	}
	for _, rule := range rules {
		t.Run(rule.name, func(t *testing.T) {
			for _, err := range []error{rule.err, wrapped(rule.err)} {
				got, reason := Judge(err)
				if got != rule.want {
					t.Errorf("%v is judged %v (%s), want %v", err, got, reason, rule.want)
				}
				if (reason == "") != (err == nil) {
					t.Errorf("%v is judged with the reason %q", err, reason)
				}
			}
		})
	}
}

func wrapped(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("chunk 7: %w", err)
}

func TestReasonIsShortAndTheSameForTheSameTrouble(t *testing.T) {
	for want, err := range map[string]error{
		"HTTP 400 err-incorrect-update-action":            &Error{Op: "deny 3 documents", Status: 400, Code: "err-incorrect-update-action", Detail: "action dny on state 240"},
		"HTTP 503":                                        &Error{Op: "deny", Status: 503, RequestID: "r-1"},
		"answer lost: timeout":                            &LostError{"deny", context.DeadlineExceeded},
		"answer lost: unexpected EOF":                     &LostError{"deny", fmt.Errorf("read: %w", io.ErrUnexpectedEOF)},
		"login refused: HTTP 403 err-invalid-credentials": &LoginError{&Error{Status: 403, Code: "err-invalid-credentials"}},
		"upstream not reached: HTTP 503":                  &UnsentError{"deny", &Error{Status: 503}},
	} {
		if _, got := Judge(err); got != want {
			t.Errorf("%v has the reason %q, want %q", err, got, want)
		}
	}
}

func TestErrorCarriesItsEvidence(t *testing.T) {
	err := &Error{Op: "deny 2 documents", Status: 400, Code: "err-x", Detail: "why", Hint: "what to do"}
	for _, want := range []string{"deny 2 documents", "400", "err-x", "why", "what to do"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestDispositionPrints(t *testing.T) {
	for d := Fine; d <= Cancelled; d++ {
		if strings.HasPrefix(d.String(), "disposition") {
			t.Errorf("disposition %d has no name", int(d))
		}
	}
	if got := Disposition(99).String(); got != "disposition 99" {
		t.Errorf("an unknown one prints %q", got)
	}
}

func TestRetryAfterIsFoundInsideOtherErrors(t *testing.T) {
	throttled := &Error{Status: 429, RetryAfter: 3 * time.Second}
	for _, err := range []error{throttled, wrapped(throttled), &UnsentError{"deny", throttled}} {
		if got := RetryAfter(err); got != 3*time.Second {
			t.Errorf("%v asks to wait %v", err, got)
		}
	}
	for _, err := range []error{nil, io.EOF, &LostError{"deny", io.EOF}} {
		if got := RetryAfter(err); got != 0 {
			t.Errorf("%v asks to wait %v", err, got)
		}
	}
}
