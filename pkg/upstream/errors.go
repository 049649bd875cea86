// Package upstream is what the clients of both upstream services share: one HTTP seam with bounded bodies, tokens that
// renew themselves once, errors that carry their evidence, and one policy that says what an error means.
package upstream

import (
	"fmt"
	"time"
)

// Error is an answer in which upstream refused a request.
type Error struct {
	Op         string        // what was asked, such as "deny 50 documents"
	Status     int           // HTTP status; zero when the client itself refused to send
	Code       string        // upstream's own code (error.message, such as "err-incorrect-update-action"); empty when the body carried none
	Type       string        // upstream's own error.type, such as "ClientError"
	Detail     string        // upstream's words for a person (error.args.message, or the first words of a foreign body)
	Hint       string        // what a person can do about it; empty when nothing is known
	Foreign    bool          // the body was not in upstream's agreed shape: somebody else may have answered
	RequestID  string        // what their support asks for first; empty when no header carried one
	RetryAfter time.Duration // how long upstream asks to wait; zero when it does not say
}

func (e *Error) Error() string {
	s := e.Op + ": refused"
	if e.Status != 0 {
		s = fmt.Sprintf("%s: HTTP %d", e.Op, e.Status)
	}
	if e.Code != "" {
		s += " " + e.Code
	}
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	if e.Hint != "" {
		s += ": " + e.Hint
	}
	return s
}

// LostError means that a request may have been carried out, but its answer did not come back whole: a timeout, a reset,
// a body that is cut off or is not the agreed JSON.
type LostError struct {
	Op  string
	Err error
}

func (e *LostError) Error() string { return e.Op + ": the answer was lost: " + e.Err.Error() }
func (e *LostError) Unwrap() error { return e.Err }

// UnsentError means that a request never reached upstream: name not resolved, connection refused, TLS refused, or no
// token to be had for now.
type UnsentError struct {
	Op  string
	Err error
}

func (e *UnsentError) Error() string { return e.Op + ": upstream was not reached: " + e.Err.Error() }
func (e *UnsentError) Unwrap() error { return e.Err }

// LoginError means that upstream refused the credentials, or the login as it was put. Asking again with the same ones
// is useless: somebody has to look at the configuration.
type LoginError struct{ Err error }

func (e *LoginError) Error() string { return "login refused: " + e.Err.Error() }
func (e *LoginError) Unwrap() error { return e.Err }
