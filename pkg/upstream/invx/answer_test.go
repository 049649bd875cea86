package invx

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"denybatch/pkg/upstream"
)

// denied is the document in most of the answers below, and what it is read as.
const denied = `{"id":"d1","status":"220","denialComments":"why","lastUpdated":1678192312345,"amount":12.5,"ewbNo":123456789012,"irnResponse":"{\"Irn\":\"x\"}","annotations":[{"annotation":"a"}]}`

func deniedDocument() *Document {
	return &Document{"d1", "220", "why", time.UnixMilli(1678192312345).UTC(), json.RawMessage(denied)}
}

func TestBulkAnswersOfEveryShape(t *testing.T) {
	wrapped := Item{Status: "1", Document: deniedDocument()}
	for _, c := range []struct {
		name, body string
		want       []Item
	}{
		{"AsDocumented", `{"status":"1","data":[{"itemStatus":"1","itemData":` + denied + `,"itemErrors":null,"itemInfo":null,"itemKey":null}],"error":null,"info":null}`, []Item{wrapped}},
		{"BareDocuments", `{"status":"1","data":[` + denied + `],"error":null,"info":null}`, []Item{{Document: deniedDocument()}}},
		{"OneWrapper", `{"status":"1","data":{"itemStatus":"1","itemData":` + denied + `}}`, []Item{wrapped}},
		{"OneBareDocument", `{"status":"1","data":` + denied + `}`, []Item{{Document: deniedDocument()}}},
		{"BareList", `[{"itemStatus":"1","itemData":` + denied + `}]`, []Item{wrapped}},
		{"NumbersForStatus", `{"status":1,"data":[{"itemStatus":1,"itemData":{"id":"d1","status":220}}]}`, []Item{{Status: "1", Document: &Document{ID: "d1", Status: "220", Raw: json.RawMessage(`{"id":"d1","status":220}`)}}}},
		{"TruthsForStatus", `{"status":true,"data":[{"itemStatus":true},{"itemStatus":false}]}`, []Item{{Status: "1"}, {Status: "0"}}},
		{"NoStatus", `{"data":[{"itemStatus":"1","itemData":` + denied + `}]}`, []Item{wrapped}},
		{"UnknownFields", `{"alert":{"a":[1,{"b":null}]},"status":"1","data":[{"new":[],"itemStatus":"1","itemData":` + denied + `}],"additionalInfo":{}}`, []Item{wrapped}},
		{"DataFirst", `{"data":[{"itemData":` + denied + `,"itemStatus":"1"}],"error":null,"status":"1"}`, []Item{wrapped}},
		{"Spread", "\ufeff \r\n{ \"status\" : \"1\" ,\n\t\"data\" : [ { \"itemStatus\" : \"1\" , \"itemData\" : " + denied + " } ] }\n", []Item{wrapped}},
		{"EscapedNames", `{"st\u0061tus":"1","d\u0061ta":[{"item\u0053tatus":"1"}]}`, []Item{{Status: "1"}}},
		{"NoItems", `{"status":"1","data":[],"error":null,"info":null}`, []Item{}},
		{"Nulls", `{"status":"1","data":[null,{"itemStatus":null,"itemData":null,"itemErrors":null,"itemKey":null},{"itemData":{"id":null,"status":null,"denialComments":null,"lastUpdated":null}}]}`,
			[]Item{{}, {}, {Document: &Document{Raw: json.RawMessage(`{"id":null,"status":null,"denialComments":null,"lastUpdated":null}`)}}}},
		{"EmptyItem", `{"data":[{}]}`, []Item{{Document: &Document{Raw: json.RawMessage(`{}`)}}}},
		{"Key", `{"data":[{"itemStatus":"0","itemKey":"d1"},{"itemStatus":"0","itemKey":17}]}`, []Item{{Status: "0", Key: "d1"}, {Status: "0", Key: "17"}}},
		{"OddTypes", `{"data":[{"itemStatus":{},"itemData":"x","itemKey":[1]},{"itemData":{"id":["d1"],"status":{},"denialComments":7}}]}`,
			[]Item{{}, {Document: &Document{DenialComments: "7", Raw: json.RawMessage(`{"id":["d1"],"status":{},"denialComments":7}`)}}}},
		{"FailedWithItems", `{"status":"0","data":[{"itemStatus":"1","itemData":` + denied + `}],"error":null}`, []Item{wrapped}},
		{"SucceededWithAnError", `{"status":"1","data":[{"itemStatus":"1","itemData":` + denied + `}],"error":{"message":"err-x"}}`, []Item{wrapped}},
		{"ErrorWithNothingInIt", `{"status":"1","data":[{"itemStatus":"1","itemData":` + denied + `}],"error":{}}`, []Item{wrapped}},
		{"NamesTwice", `{"status":"0","status":"1","data":null,"data":[{"itemStatus":"0","itemStatus":"1"}]}`, []Item{{Status: "1"}}},
		{"BrokenText", "{\"data\":[{\"itemKey\":\"a\xffb\"},{\"itemKey\":\"\\ud800\"}]}", []Item{{Key: "a\ufffdb"}, {Key: "\ufffd"}}},
		{"EscapedText", `{"data":[{"itemKey":"\"a\\\u00fc\n\ud83d\ude00"}]}`, []Item{{Key: "\"a\\ü\n😀"}}},
		{"HugeNumbers", `{"data":[{"itemKey":1e999999,"itemData":{"lastUpdated":1e999999,"amount":-1e-999999}}]}`,
			[]Item{{Key: "1e999999", Document: &Document{Raw: json.RawMessage(`{"lastUpdated":1e999999,"amount":-1e-999999}`)}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, mux := setup(t)
			mux.HandleFunc(bulkRoute, replies(200, c.body))
			answer, err := client.DenyBulk(t.Context(), []Denial{{"d1", "why"}})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(answer.Items, c.want) {
				t.Errorf("got  %s\nwant %s", show(answer.Items), show(c.want))
			}
		})
	}
}

func show(v any) string {
	b, _ := json.MarshalIndent(v, "", " ")
	return string(b)
}

func TestItemErrorsOfEveryShape(t *testing.T) {
	for _, c := range []struct{ name, errors, code, message string }{
		{"Null", `null`, "", ""},
		{"Object", `{"message":"err-incorrect-update-action","type":"ClientError","args":{"message":"action dny on state 240.kotlin"}}`, "err-incorrect-update-action", "action dny on state 240.kotlin"},
		{"List", `[{"message":"err-a","args":{"message":"first"}},{"message":"err-b","args":{"message":"second"}}]`, "err-a", "first; err-b second"},
		{"ListOfStrings", `["err-a","something is wrong"]`, "err-a", "something is wrong"},
		{"String", `"err-a"`, "err-a", "err-a"},
		{"Sentence", `"Document is not yours"`, "", "Document is not yours"},
		{"Number", `17`, "17", "17"},
		{"CodeOnly", `{"message":"err-a"}`, "err-a", "err-a"},
		{"SentenceInMessage", `{"message":"not yours","args":null}`, "", "not yours"},
		{"OtherArgs", `{"message":"err-issue-with-parameter","args":{"parameter-name":"docId","n":3,"none":null}}`, "err-issue-with-parameter", "n: 3, parameter-name: docId"},
		{"ArgsIsAString", `{"message":"err-a","args":"docId"}`, "err-a", "docId"},
		{"ArgsIsAList", `{"message":"err-a","args":["docId",1]}`, "err-a", `["docId",1]`},
		{"MessageIsAnObject", `{"message":{"x":1}}`, `{"x":1}`, `{"x":1}`},
		{"Empty", `{}`, "", ""},
		{"EmptyList", `[]`, "", ""},
		{"EmptyString", `""`, "", ""},
		{"Nested", `[[[{"message":"err-a"}]],null]`, "err-a", "err-a"},
		{"False", `false`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, mux := setup(t)
			mux.HandleFunc(bulkRoute, replies(200, `{"status":"1","data":[{"itemStatus":"0","itemErrors": `+c.errors+` }]}`))
			answer, err := client.DenyBulk(t.Context(), []Denial{{"d1", "why"}})
			if err != nil {
				t.Fatal(err)
			}
			want := Item{Status: "0", Code: c.code, Message: c.message, Errors: json.RawMessage(c.errors)}
			if c.errors == "null" {
				want.Errors = nil
			}
			if got := answer.Items[0]; !reflect.DeepEqual(got, want) {
				t.Errorf("got  %s\nwant %s", show(got), show(want))
			}
		})
	}
}

func TestLastUpdated(t *testing.T) {
	when := time.Date(2023, 3, 7, 12, 31, 52, 0, time.UTC)
	for given, want := range map[string]time.Time{
		`1678192312000`:          when,
		`"1678192312000"`:        when,
		`1678192312`:             when,
		`"1678192312"`:           when,
		`1.678192312e12`:         when,
		`"2023-03-07T12:31:52Z"`: when,
		`null`:                   {},
		`0`:                      {},
		`-5`:                     {},
		`""`:                     {},
		`"yesterday"`:            {},
		`1e40`:                   {},
		`{}`:                     {},
		`true`:                   {},
	} {
		items, err := decode([]byte(`{"data":[{"lastUpdated":` + given + `}]}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := items[0].Document.LastUpdated; !got.Equal(want) || got.IsZero() != want.IsZero() {
			t.Errorf("%s is read as %v, want %v", given, got, want)
		}
	}
}

func TestAnswersThatSayNothingAreLost(t *testing.T) {
	for name, body := range map[string]string{
		"Empty":              ``,
		"Blank":              " \r\n",
		"CutOff":             `{"status":"1","data":[{"itemStatus":"1","itemData":{"id":"d1","status":"22`,
		"CutOffAfterAnItem":  `{"status":"1","data":[{"itemStatus":"1"}`,
		"CutOffAtTheEnd":     `{"status":"1","data":[{"itemStatus":"1"}]`,
		"HTML":               `<!DOCTYPE html><html><body>Please sign in</body></html>`,
		"Text":               `OK`,
		"TrailingGarbage":    `{"status":"1","data":[]}x`,
		"TwoAnswers":         `{"status":"1","data":[]}{"status":"1","data":[]}`,
		"String":             `"done"`,
		"Number":             `1`,
		"Null":               `null`,
		"OtherObject":        `{"message":"hello"}`,
		"EmptyObject":        `{}`,
		"NoData":             `{"status":"1","data":null,"error":null,"info":null}`,
		"DataIsAString":      `{"status":"1","data":"done"}`,
		"DataIsANumber":      `{"status":"1","data":50}`,
		"ListOfNumbers":      `{"status":"1","data":[1,2]}`,
		"ListOfLists":        `{"status":"1","data":[[]]}`,
		"SingleQuotes":       `{'status':'1','data':[]}`,
		"TrailingComma":      `{"status":"1","data":[],}`,
		"NaN":                `{"status":"1","data":[{"amount":NaN}]}`,
		"BareDocument":       denied,
		"NestedBeyondReason": strings.Repeat(`[`, 1_000_000),
	} {
		t.Run(name, func(t *testing.T) {
			client, mux := setup(t)
			mux.HandleFunc(bulkRoute, replies(200, body))
			mux.HandleFunc(readRoute, replies(200, body))
			_, err := client.DenyBulk(t.Context(), []Denial{{"d1", "why"}})
			wantLost(t, err)
			_, err = client.Get(t.Context(), "d1")
			wantLost(t, err)
		})
	}
}

func wantLost(t *testing.T, err error) {
	t.Helper()
	if _, ok := err.(*upstream.LostError); !ok {
		t.Errorf("got %T: %v, want a LostError", err, err)
	}
}

func TestGetAnswersOfEveryShape(t *testing.T) {
	for name, body := range map[string]string{
		"AsDocumented":   `{"status":"1","data":` + denied + `,"error":null,"info":null}`,
		"Wrapper":        `{"status":"1","data":{"itemStatus":"1","itemData":` + denied + `}}`,
		"ListOfOne":      `{"status":"1","data":[` + denied + `]}`,
		"ListOfAWrapper": `[{"itemStatus":"1","itemData":` + denied + `}]`,
	} {
		t.Run(name, func(t *testing.T) {
			client, mux := setup(t)
			mux.HandleFunc(readRoute, replies(200, body))
			reading, err := client.Get(t.Context(), "D1")
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(reading.Document, *deniedDocument()) {
				t.Errorf("read %s", show(reading.Document))
			}
		})
	}
	for name, body := range map[string]string{
		"AnotherDocument": `{"data":{"id":"d2","status":"220"}}`,
		"NoID":            `{"data":{"status":"220"}}`,
		"NoDocument":      `{"data":{"itemStatus":"1","itemData":null}}`,
		"Nobody":          `{"data":[]}`,
		"Several":         `{"data":[` + denied + `,` + denied + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			client, mux := setup(t)
			mux.HandleFunc(readRoute, replies(200, body))
			_, err := client.Get(t.Context(), "d1")
			wantLost(t, err)
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		body   string
		want   upstream.Error
		judged upstream.Disposition
	}{
		{"AsDocumented", 400, `{"error":{"message":"err-incorrect-update-action","type":"ClientError","args":{"message":"action dny on state 240.kotlin"}}}`,
			upstream.Error{Code: "err-incorrect-update-action", Type: "ClientError", Detail: "action dny on state 240.kotlin"}, upstream.Refused},
		{"WithEnvelope", 400, `{"status":"0","data":null,"error":{"message":"err-a","type":null,"args":null},"alert":null}`, upstream.Error{Code: "err-a"}, upstream.Refused},
		{"InsideASuccess", 200, `{"status":"0","data":null,"error":{"message":"err-a"}}`, upstream.Error{Code: "err-a"}, upstream.Refused},
		{"InsideASuccessAsANumber", 200, `{"status":0,"error":"err-a"}`, upstream.Error{Code: "err-a"}, upstream.Refused},
		{"InsideASuccessWithoutStatus", 200, `{"error":{"message":"err-a"}}`, upstream.Error{Code: "err-a"}, upstream.Refused},
		{"InsideASuccessThoughItHasItems", 200, `{"status":"0","data":[{"itemStatus":"1"}],"error":{"message":"err-a"}}`, upstream.Error{Code: "err-a"}, upstream.Refused},
		{"InsideASuccessWithoutAnError", 200, `{"status":"0","data":null,"error":null}`, upstream.Error{Detail: `status "0" without an error`}, upstream.Refused},
		{"List", 422, `{"error":[{"message":"err-a","type":"T"},{"message":"err-b"}]}`, upstream.Error{Code: "err-a", Type: "T", Detail: "err-b"}, upstream.Refused},
		{"String", 400, `{"error":"err-a"}`, upstream.Error{Code: "err-a"}, upstream.Refused},
		{"Sentence", 409, `{"error":"already being changed"}`, upstream.Error{Detail: "already being changed"}, upstream.Refused},
		{"NotJSON", 400, `<html><h1>Bad Request</h1></html>`, upstream.Error{Detail: "Bad Request", Foreign: true}, upstream.Refused},
		{"Empty", 400, ``, upstream.Error{Foreign: true}, upstream.Refused},
		{"NullError", 400, `{"error":null}`, upstream.Error{Detail: `{"error":null}`, Foreign: true}, upstream.Refused},
		{"CutOffBehindTheError", 400, `{"error":{"message":"err-a"},"trace":"xxx`, upstream.Error{Code: "err-a"}, upstream.Refused},
		{"CutOffInTheError", 400, `{"error":{"message":"err-a`, upstream.Error{Detail: `{"error":{"message":"err-a`, Foreign: true}, upstream.Refused},
		{"TooLarge", 413, `Request Entity Too Large`, upstream.Error{Detail: "Request Entity Too Large", Foreign: true}, upstream.TooLarge},
		{"ServerError", 500, `{"error":{"message":"err-x","type":"Runtime"}}`, upstream.Error{Code: "err-x", Type: "Runtime"}, upstream.Lost},
		{"TooManySessions", 401, `{"error":{"message":"err-active-tokens-limit-exceeded"}}`, upstream.Error{Code: "err-active-tokens-limit-exceeded", Hint: sessionsHint}, upstream.Unauthorized},
		{"PerhapsTooManySessions", 401, `{"error":{"message":"err-x"}}`, upstream.Error{Code: "err-x", Hint: "most likely " + sessionsHint}, upstream.Unauthorized},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, mux := setup(t)
			asked := 0
			mux.HandleFunc(bulkRoute, func(w http.ResponseWriter, r *http.Request) {
				asked++
				replies(c.status, c.body)(w, r)
			})
			_, err := client.DenyBulk(t.Context(), []Denial{{"d1", "why"}, {"d2", "why"}})
			got, ok := err.(*upstream.Error)
			if !ok {
				t.Fatalf("got %T: %v", err, err)
			}
			c.want.Op, c.want.Status = "deny 2 documents", c.status
			if *got != c.want {
				t.Errorf("got  %+v\nwant %+v", *got, c.want)
			}
			if d, _ := upstream.Judge(err); d != c.judged || asked != 1 {
				t.Errorf("judged %v after %d requests, want %v", d, asked, c.judged)
			}
		})
	}
}

func TestCompressedAnswer(t *testing.T) {
	client, mux := setup(t)
	mux.HandleFunc(bulkRoute, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "gzip" {
			t.Error("no compression was asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		io.WriteString(z, `{"data":[`+denied+`]}`)
	})
	answer, err := client.DenyBulk(t.Context(), []Denial{{"d1", "why"}})
	if err != nil || len(answer.Items) != 1 {
		t.Errorf("got %v, %v", answer, err)
	}
}

func TestDecodeCopiesNoBody(t *testing.T) {
	body := []byte(`{"data":[` + denied + `]}`)
	items, err := decode(body)
	if err != nil {
		t.Fatal(err)
	}
	raw := items[0].Document.Raw
	if &raw[0] != &body[len(`{"data":[`)] || cap(raw) != len(raw) {
		t.Error("Raw is not the part of the body itself, or could be appended into what follows")
	}
}
