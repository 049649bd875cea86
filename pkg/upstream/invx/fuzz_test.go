package invx

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"denybatch/pkg/upstream"
)

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"status":"1","data":[{"itemStatus":"1","itemData":` + denied + `,"itemErrors":null,"itemInfo":null,"itemKey":null}],"error":null}`))
	f.Add([]byte(`[{"itemErrors":[{"message":"err-a","args":{"message":"m"}},"x",[1]]},null]`))
	f.Add([]byte(`{"st\u0061tus":0,"error":{"message":{}},"data":{"id":1e9,"lastUpdated":"5"}}`))
	f.Add([]byte("\ufeff{\"data\":[{\"id\":\"\xff\\\\\\\"\"}]}"))
	f.Add([]byte(`{"data":[]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := decode(body)
		_, refused := errors.AsType[*upstream.Error](err)
		valid := json.Valid([]byte(strings.TrimPrefix(string(body), "\ufeff")))
		if (err == nil || refused) && !valid {
			t.Errorf("%q is not JSON, yet it was read", body)
		}
		for _, item := range items {
			if item.Errors != nil && !json.Valid(item.Errors) {
				t.Errorf("the errors %q are not JSON", item.Errors)
			}
			if item.Document == nil {
				continue
			}
			checkDocument(t, *item.Document)
		}
		decodeOne(body, "d1")
	})
}

// checkDocument compares what was read of a document with what encoding/json reads of its raw text.
func checkDocument(t *testing.T, doc Document) {
	var std map[string]any
	if err := json.Unmarshal(doc.Raw, &std); err != nil {
		if !strings.Contains(err.Error(), "cannot unmarshal number") { // one that no float64 holds
			t.Errorf("the document %q is not an object: %v", doc.Raw, err)
		}
		return
	}
	for name, got := range map[string]string{"id": doc.ID, "status": doc.Status, "denialComments": doc.DenialComments} {
		if want, ok := std[name].(string); ok && utf8.Valid(doc.Raw) && got != want {
			t.Errorf("%s of %q was read as %q, want %q", name, doc.Raw, got, want)
		}
	}
}

func FuzzErrorBody(f *testing.F) {
	f.Add(400, []byte(`{"error":{"message":"err-incorrect-update-action","type":"ClientError","args":{"message":"m"}}}`))
	f.Add(404, []byte(`{"timestamp":1,"status":404,"error":"Not Found"}`))
	f.Add(500, []byte(`{"error":[["a"],{"message":1e999},{"args":[null]}],"x":"cut`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := &upstream.Error{Op: "deny", Status: status}
		explain(body, e)
		if !e.Foreign && e.Code == "" && e.Detail == "" && e.Type == "" {
			t.Errorf("%q is taken for upstream's, yet nothing was found in it", body)
		}
		_ = e.Error()
	})
}

func FuzzToken(f *testing.F) {
	f.Add([]byte(`{"data":{"token":"a.b.c","expiry":1678192312345}}`))
	f.Add([]byte(`{"data":{"token":"a b","expiry":"soon"},"error":"x"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		token, _, err := decodeToken(body)
		if err == nil && (token.Empty() || !headerSafe(token.Reveal())) {
			t.Errorf("%q gives the token %q", body, token.Reveal())
		}
	})
}
