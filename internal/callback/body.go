package callback

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
)

// maxBody is how long a body may be, as it was sent.
const maxBody = 256 << 10

// read returns the body of a call. Unless it is too long or not whole, it is worth keeping even if it cannot be understood.
func read(r Request) ([]byte, error) {
	limit := maxBody
	if r.Base64 {
		limit = base64.StdEncoding.EncodedLen(maxBody)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(limit)+1))
	var long *http.MaxBytesError // whoever serves us may have a limit too
	switch {
	case len(body) > limit, errors.As(err, &long):
		return nil, tooLong
	case err != nil:
		return nil, notWhole
	}
	if r.Base64 {
		if body, err = decode(body); err != nil {
			return body, err
		}
	}
	return body, checkMedia(r.Header)
}

// decode undoes base64. What is none is returned as it is.
func decode(text []byte) ([]byte, error) {
	body, err := base64.StdEncoding.AppendDecode(nil, text)
	switch {
	case err != nil:
		return text, notBase64
	case len(body) > maxBody:
		return nil, tooLong
	}
	return body, nil
}

// checkMedia reports a body that is declared to be something else than JSON. One that is not declared at all may be JSON:
// ROIT does not document what it sends, the caller has shown the token, and the parser will tell.
func checkMedia(header http.Header) error {
	if coding := header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return notJSONType
	}
	declared := header.Get("Content-Type")
	if declared == "" {
		return nil
	}
	media, parameters, err := mime.ParseMediaType(declared)
	charset, given := parameters["charset"]
	if err != nil || !isJSON(media) || given && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return notJSONType
	}
	return nil
}

func isJSON(media string) bool {
	kind, ok := strings.CutPrefix(media, "application/")
	return media == "text/json" || ok && (kind == "json" || strings.HasSuffix(kind, "+json"))
}
