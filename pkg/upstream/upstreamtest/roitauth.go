package upstreamtest

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
)

// Documented: the token is a JWT, lives 8 hours and stands in Authorization. The path that makes it, the bodies of question
// and answer, the prefix and what befalls an expired one are options.

// token is what a request authenticates with; empty when it does not do so in the agreed form.
func (x *roit) token(r *http.Request) string {
	token := r.Header.Get("Authorization")
	if len(r.Header.Values("Authorization")) > 1 {
		return ""
	}
	if x.cfg.AuthPrefix == "" {
		return token
	}
	token, ok := strings.CutPrefix(token, x.cfg.AuthPrefix+" ")
	if !ok {
		return ""
	}
	return token
}

// admit lets a call pass that no fault befalls, whose token is good and whose body lacks nothing. A fault comes first, as it
// would from a gateway.
func (x *roit) admit(c *call, lacks string) (reply, bool) {
	token := x.token(c.r)
	calls, refusal := x.tokens.use(token, x.server.now())
	c.about.tokenCalls, c.about.items = calls, 1
	if rep, ok := x.server.interfere(c); ok {
		if c.effects.instead.id == expire {
			x.tokens.kill(token)
			rep = x.unauthorized("expired-token")
		}
		return rep, false
	}
	switch {
	case refusal == expiredToken:
		return x.unauthorized("expired-token"), false
	case refusal != nil:
		return x.unauthorized("invalid-token"), false
	case lacks != "":
		return x.offend(c, lacks), false
	}
	return reply{}, true
}

// makeToken gives a token to whoever sends the agreed members.
func (x *roit) makeToken(c *call) reply {
	var body map[string]any
	lacks, here := x.take(c, &body)
	if !here {
		return reply{}
	}
	if rep, ok := x.server.interfere(c); ok {
		return rep
	}
	if lacks != "" || body == nil {
		return x.offend(c, cmp.Or(lacks, "a body that is not a JSON object"))
	}
	if !x.trusts(body) {
		return x.unauthorized("invalid-credentials")
	}
	token, _ := x.tokens.open(x.cfg.TokenLife, x.server.now())
	return x.jsonReply(http.StatusOK, nested(strings.Split(x.cfg.TokenField, "."), token))
}

func (x *roit) trusts(body map[string]any) bool {
	for name, want := range x.cfg.TokenBody {
		if body[name] != want {
			return false
		}
	}
	return len(x.cfg.TokenBody) > 0
}

// nested is an object in which a text stands at the end of a path.
func nested(path []string, text string) any {
	if len(path) == 0 {
		return text
	}
	return map[string]any{path[0]: nested(path[1:], text)}
}

// writeToken makes a token of the form of a JWT. Nothing here checks its signature: a token is good when it was given out.
func (x *roit) writeToken(serial uint64, of *session) string {
	luck := x.luck.ofText("jwt").of(serial)
	issued := of.expires.Add(-of.length)
	claims := fmt.Sprintf(`{"sub":"simulated","jti":%q,"iat":%d,"exp":%d}`, luck.uuid(), issued.Unix(), of.expires.Unix())
	signature := fmt.Appendf(nil, "%016x%016x", uint64(luck.of(1)), uint64(luck.of(2)))
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(claims)) + "." + encode(signature)
}

// unauthorized refuses a token. The form of the body is not documented.
func (x *roit) unauthorized(code string) reply { return x.refuse(x.cfg.Unauthorized, code) }

// offend refuses a request that breaks the protocol, and notes it.
func (x *roit) offend(c *call, what string) reply {
	x.server.violation(c.r, what)
	return x.refuse(http.StatusBadRequest, "invalid-body")
}

// refuse answers in the documented envelope, without data. That it is used for refusals is a guess.
func (x *roit) refuse(status int, code string) reply {
	rep := x.jsonReply(status, envelope{Timestamp: x.server.now().UnixMilli(), Status: "error", Message: code})
	rep.code = code
	return rep
}

func (x *roit) jsonReply(status int, v any) reply {
	body, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return htmlPage(http.StatusInternalServerError)
	}
	return reply{status: status, body: body}
}
