package callback

import (
	"encoding/json"
	"net/http"
)

// problem is an answer that refuses a call (RFC 9457). Its detail is for the caller, and so tells nothing of us.
type problem struct {
	status int
	detail string
	header map[string]string // beyond what every answer has
}

func (p *problem) Error() string { return p.detail }

var (
	wrongMethod = &problem{status: http.StatusMethodNotAllowed, detail: "A callback is sent with POST.", header: map[string]string{"Allow": http.MethodPost}}
	noEntry     = &problem{status: http.StatusUnauthorized, detail: "The token is missing, wrong or expired.",
		header: map[string]string{"WWW-Authenticate": `Bearer realm="callback"`}}
	tooLong     = &problem{status: http.StatusRequestEntityTooLarge, detail: "The body is longer than 256 KiB."}
	notWhole    = &problem{status: http.StatusBadRequest, detail: "The body did not arrive whole."}
	notBase64   = &problem{status: http.StatusBadRequest, detail: "The body is said to be base64, and is not."}
	notJSONType = &problem{status: http.StatusUnsupportedMediaType, detail: "The body must be JSON: Content-Type application/json, in UTF-8, without a Content-Encoding."}
	unavailable = &problem{status: http.StatusServiceUnavailable, detail: "The callback could not be recorded. Send it again.",
		header: map[string]string{"Retry-After": "30"}}
)

// misread is the problem of a body that is not understood.
func misread(what string) *problem { return &problem{status: http.StatusBadRequest, detail: what} }

func (p *problem) response() Response {
	return respond(p.status, "application/problem+json", p.header, map[string]any{
		"type": "about:blank", "title": http.StatusText(p.status), "status": p.status, "detail": p.detail,
	})
}

// accepted answers a call in which so many words were recorded.
func accepted(words int) Response {
	return respond(http.StatusAccepted, "application/json", nil, map[string]any{"status": "accepted", "recorded": words})
}

func respond(status int, media string, more map[string]string, content map[string]any) Response {
	header := map[string]string{"Content-Type": media, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
	for name, value := range more {
		header[name] = value
	}
	body, _ := json.Marshal(content) // strings and numbers
	return Response{Status: status, Header: header, Body: append(body, '\n')}
}
