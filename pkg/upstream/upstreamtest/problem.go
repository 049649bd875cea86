package upstreamtest

import (
	"net/http"

	"github.com/go-json-experiment/json/jsontext"
)

// problem is a refusal with the documented error body.
type problem struct {
	status    int
	code      string
	kind      string // error.type; left out when empty
	message   string // error.args.message
	parameter string // error.args.parameter-name
}

var (
	invalidToken  = &problem{status: http.StatusForbidden, code: "err-invalid-token", kind: "Authorization"}
	expiredToken  = &problem{status: http.StatusForbidden, code: "err-expired-token", kind: "Authorization"}
	invalidOrg    = &problem{status: http.StatusForbidden, code: "err-invalid-org", kind: "Authorization"}
	wrongPassword = &problem{status: http.StatusForbidden, code: "err-invalid-credentials", kind: "Authorization"}
	tooManyTokens = &problem{status: http.StatusUnauthorized, code: "err-active-tokens-limit-exceeded"}
	notFound      = &problem{status: http.StatusNotFound, code: "err-resource-not-found", kind: "ResourceNotFound", message: "no such document"}
	internalError = &problem{status: http.StatusInternalServerError, code: "err-internal", kind: "Runtime"}
)

func badParameter(name string) *problem {
	return &problem{status: http.StatusBadRequest, code: "err-issue-with-parameter", kind: "ClientError", parameter: name}
}

func (p *problem) reply() reply {
	body := append([]byte(nil), `{"error":`...)
	body = append(p.appendObject(body), '}')
	return reply{status: p.status, code: p.code, body: body}
}

// appendObject writes {"message":…,"type":…,"args":{…}}.
func (p *problem) appendObject(dst []byte) []byte {
	dst = appendString(append(dst, `{"message":`...), p.code)
	if p.kind != "" {
		dst = appendString(append(dst, `,"type":`...), p.kind)
	}
	switch {
	case p.message != "":
		dst = append(appendString(append(dst, `,"args":{"message":`...), p.message), '}')
	case p.parameter != "":
		dst = append(appendString(append(dst, `,"args":{"parameter-name":`...), p.parameter), '}')
	}
	return append(dst, '}')
}

// appendString writes a JSON string. Invalid UTF-8 becomes U+FFFD.
func appendString[T ~[]byte | ~string](dst []byte, s T) []byte {
	dst, _ = jsontext.AppendQuote(dst, s)
	return dst
}
