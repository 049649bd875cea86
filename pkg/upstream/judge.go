package upstream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Disposition is what an error means for the request that met it.
type Disposition int

const (
	Fine         Disposition = iota // no error
	Refused                         // refused as it stands; of a call with many rows, nothing is known about any one of them
	TooLarge                        // send less at once
	Throttled                       // not carried out: ask again later
	Lost                            // may have been carried out: read back
	Unsent                          // surely not carried out, upstream was not reached: ask again later
	Unauthorized                    // HTTP 401, at InvX too many sessions and at ROIT a token that is refused: stop
	Forbidden                       // refused also with a new token, or no token to be had with these credentials: stop
	Misdirected                     // the address is wrong, or the API is another one: stop
	Cancelled                       // our own context ended before anything was sent
)

var dispositions = [...]string{"fine", "refused", "too large", "throttled", "lost", "unsent", "unauthorized", "forbidden", "misdirected", "cancelled"}

func (d Disposition) String() string {
	if d < 0 || int(d) >= len(dispositions) {
		return fmt.Sprintf("disposition %d", int(d))
	}
	return dispositions[d]
}

// Judge says what an error means, and why in a few words. It trusts the outermost mark: an answer that was lost while
// a token was being renewed leaves the request itself unsent. An error that nobody marked is Lost, the only meaning
// that is safe whatever happened.
func Judge(err error) (d Disposition, reason string) {
	switch e := err.(type) {
	case nil:
		return Fine, ""
	case *Error:
		return e.judge()
	case *LoginError:
		return Forbidden, "login refused: " + innermostReason(e.Err)
	case *UnsentError:
		return Unsent, "upstream not reached: " + innermostReason(e.Err)
	case *LostError:
		return Lost, "answer lost: " + innermostReason(e.Err)
	case *url.Error, *net.OpError:
		return Lost, "answer lost: " + innermostReason(err)
	case interface{ Unwrap() []error }:
		return judgeAll(e.Unwrap())
	}
	if err == context.Canceled || err == context.DeadlineExceeded {
		return Cancelled, "stopped before it was sent"
	}
	if inner := errors.Unwrap(err); inner != nil {
		return Judge(inner)
	}
	return Lost, "unfamiliar error: " + err.Error()
}

// judgeAll judges errors that were joined: Lost if any is, for then something may have been carried out.
func judgeAll(errs []error) (d Disposition, reason string) {
	for _, err := range errs {
		switch each, why := Judge(err); {
		case each == Lost:
			return each, why
		case d == Fine:
			d, reason = each, why
		}
	}
	return d, reason
}

func (e *Error) judge() (Disposition, string) {
	reason := fmt.Sprintf("HTTP %d", e.Status)
	if e.Code != "" {
		reason += " " + e.Code
	}
	switch {
	case e.Code == CodeTooManySessions:
		return Unauthorized, reason
	case e.TokenRefused():
		return Forbidden, reason
	case e.Status == http.StatusNotFound && e.Foreign:
		return Misdirected, reason + " from something else than upstream"
	}
	return judgeStatus(e.Status), reason
}

// judgeStatus judges the HTTP status of a refusal. The success statuses are here because upstream can refuse with
// status "0" inside a 200.
func judgeStatus(status int) Disposition {
	switch status {
	case http.StatusUnauthorized:
		return Unauthorized
	case http.StatusPaymentRequired, http.StatusForbidden:
		return Forbidden
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	case http.StatusTooManyRequests, http.StatusTooEarly:
		return Throttled
	case http.StatusRequestTimeout:
		return Lost
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusProxyAuthRequired, http.StatusGone,
		http.StatusLengthRequired, http.StatusRequestURITooLong, http.StatusUnsupportedMediaType,
		http.StatusMisdirectedRequest, http.StatusUpgradeRequired, http.StatusRequestHeaderFieldsTooLarge,
		http.StatusNotImplemented, http.StatusHTTPVersionNotSupported:
		return Misdirected
	}
	switch {
	case status >= 500:
		return Lost
	case status >= 300 && status < 400:
		return Misdirected
	}
	return Refused
}

// Codes by which upstream says what a status leaves open.
const (
	CodeTooManySessions = "err-active-tokens-limit-exceeded"
	CodeExpiredToken    = "err-expired-token"
	CodeInvalidToken    = "err-invalid-token"
)

// TokenRefused reports whether another token may help, unless the [Service] knows better. After a 401 it never does: at
// InvX that means that there are too many already.
func (e *Error) TokenRefused() bool {
	if e.Status == http.StatusUnauthorized {
		return false
	}
	return e.Status == http.StatusForbidden || e.Code == CodeExpiredToken || e.Code == CodeInvalidToken
}

// RetryAfter is how long upstream asked to wait, zero when it did not say.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// innermostReason is a phrase for what lies at the bottom of an error: the part that is the same for every request
// that met the same trouble.
func innermostReason(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		_, reason := e.judge()
		return reason
	}
	if errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
		return "timeout"
	}
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return err.Error()
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && e.Timeout()
}
