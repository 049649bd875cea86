package callback

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"denybatch/internal/request"
)

var heard = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// said is the time that ROIT gives in these tests.
var said = time.Date(2026, 7, 1, 11, 59, 58, 123e6, time.UTC)

const (
	entity  = `{"requestId":"r1","integrationId":"i1","status":"ERROR","message":"no supplier","retryAfter":0}`
	process = `{"processUniqueId":"p1","processStatus":"FINISHED","createdAt":"2026-07-01T10:00:00Z"}`
)

// one is what is expected of a word.
type one struct {
	integration, request, status, message string
	stamped                               bool
}

func TestShapes(t *testing.T) {
	erred := one{"i1", "r1", "ERROR", "no supplier", false}
	finished := one{request.DataIntegration, "p1", "DONE", "FINISHED", false}
	stamped := func(o one) one {
		o.stamped = true
		return o
	}
	stamp := fmt.Sprintf(`"timestamp":%d`, said.UnixMilli())
	for _, c := range []struct {
		name, body string
		want       []one
	}{
		{"bare", entity, []one{erred}},
		{"enclosed", `{` + stamp + `,"status":"success","message":"","data":` + entity + `}`, []one{stamped(erred)}},
		{"list", `[` + entity + `,` + process + `]`, []one{erred, finished}},
		{"list enclosed", `{` + stamp + `,"data":[` + entity + `,` + process + `]}`, []one{stamped(erred), stamped(finished)}},
		{"list of envelopes", `[{` + stamp + `,"data":` + entity + `},{"data":[` + process + `]}]`, []one{stamped(erred), finished}},
		{"process", process, []one{finished}},
		{"process enclosed", `{"status_code":200,"message":"it is over","data":` + process + `}`, []one{{request.DataIntegration, "p1", "DONE", "FINISHED: it is over", false}}},
		{"process failed", `{"status":"success","data":{"processUniqueId":"p1","processStatus":"FAILED","message":"no file"}}`,
			[]one{{request.DataIntegration, "p1", "ERROR", "FAILED: no file", false}}},
		{"process audited", `{"processUniqueId":"p1","processStatus":"AUDIT"}`, []one{{request.DataIntegration, "p1", "PROCESSING", "AUDIT", false}}},
		{"process of a kind that nobody documents", `{"processUniqueId":"p1","processStatus":"CANCELLED"}`, []one{{request.DataIntegration, "p1", "CANCELLED", "CANCELLED", false}}},
		{"process of a request", `{"processUniqueId":"p1","processStatus":"FINISHED","requestId":"r1","integrationId":"i1"}`, []one{{"i1", "r1", "DONE", "FINISHED", false}}},
		{"process of a request that failed", `{"processUniqueId":"p1","processStatus":"FINISHED","requestId":"r1","integrationId":"i1","status":"ERROR"}`,
			[]one{{"i1", "r1", "ERROR", "", false}}},
		{"process of a call that succeeded", `{"processUniqueId":"p1","processStatus":"FAILED","requestId":"r1","integrationId":"i1","status":"success"}`,
			[]one{{"i1", "r1", "ERROR", "FAILED", false}}},
		{"process with half a request", `{"processUniqueId":"p1","processStatus":"FAILED","requestId":"r1"}`, []one{{request.DataIntegration, "p1", "ERROR", "FAILED", false}}},
		{"request that names a process", `{"processUniqueId":"p1","requestId":"r1","integrationId":"i1","status":"DONE"}`, []one{{"i1", "r1", "DONE", "", false}}},
		{"its own stamp", `{` + stamp + `,"requestId":"r1","integrationId":"i1","status":"DONE"}`, []one{{"i1", "r1", "DONE", "", true}}},
		{"updated at", `{"updatedAt":"2026-07-01T11:59:58.123Z","processUniqueId":"p1","processStatus":"START"}`, []one{{request.DataIntegration, "p1", "PROCESSING", "START", true}}},
		{"model with data of its own", `{"requestId":"r1","integrationId":"i1","status":"DONE","data":{"requestId":"r2"}}`, []one{{"i1", "r1", "DONE", "", false}}},
		{"envelope with a trace id", `{"requestId":"trace","status":"success","data":` + entity + `}`, []one{erred}},
		{"unknown status", `{"requestId":"r1","integrationId":"i1","status":" Teil-\n gebucht\u0007 ","message":null}`, []one{{"i1", "r1", "Teil- gebucht", "", false}}},
		{"status in small letters", `{"requestId":"r1","integrationId":"i1","status":" done "}`, []one{{"i1", "r1", "DONE", "", false}}},
		{"long status", `{"requestId":"r1","integrationId":"i1","status":"` + strings.Repeat("ü", 40) + `x"}`, []one{{"i1", "r1", strings.Repeat("ü", 32), "", false}}},
		{"message of another form", `{"requestId":"r1","integrationId":"i1","status":"DONE","message": {"pt": "ok"}}`, []one{{"i1", "r1", "DONE", `{"pt": "ok"}`, false}}},
		{"huge numbers", `{"requestId":"r1","integrationId":"i1","status":"DONE","timestamp":1e999999,"entryReference":` + strings.Repeat("9", 10_000) + `}`, []one{{"i1", "r1", "DONE", "", false}}},
		{"more than is documented", `{"requestId":"r1","integrationId":"i1","status":"DONE","toString":[{"status":1}],"":"","RequestId":5}`, []one{{"i1", "r1", "DONE", "", false}}},
		{"byte order mark", "\ufeff " + entity, []one{erred}},
	} {
		t.Run(c.name, func(t *testing.T) {
			words, err := parse([]byte(c.body), heard)
			if err != nil {
				t.Fatal(err)
			}
			var got []one
			for _, h := range words {
				got = append(got, one{h.id.Integration, h.id.Request, h.word.Status, h.word.Message, h.word.Stamped})
				if !h.word.Heard.Equal(heard) || len(h.word.Mark) != 32 || h.word.Stamped && !h.word.Said.Equal(said) {
					t.Errorf("the word is %+v", h.word)
				}
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// The mark is the same for the same word however it is written, and another one for anything else.
func TestMarks(t *testing.T) {
	mark := func(body string) string {
		words, err := parse([]byte(body), heard)
		if err != nil || len(words) == 0 {
			t.Fatalf("%s: %v", body, err)
		}
		return words[0].word.Mark
	}
	first := mark(`{"timestamp":1782907198123,"data":{"requestId":"r1","integrationId":"i1","status":"ERROR","n":12345678901234567890}}`)
	for _, same := range []string{
		`{ "data" : {"status":"ERROR", "n":12345678901234567890, "integrationId":"\u00691","requestId":"r1"}, "timestamp":1782907198123, "message":"ok"}`,
		`[{"timestamp":1782907198123,"data":[{"requestId":"r1","integrationId":"i1","status":"ERROR","n":12345678901234567890},{"requestId":"r2","integrationId":"i1","status":"DONE"}]}]`,
	} {
		if mark(same) != first {
			t.Errorf("%s has another mark", same)
		}
	}
	for _, other := range []string{
		`{"timestamp":1782907198124,"data":{"requestId":"r1","integrationId":"i1","status":"ERROR","n":12345678901234567890}}`,
		`{"timestamp":1782907198123,"data":{"requestId":"r1","integrationId":"i1","status":"ERROR","n":12345678901234567891}}`,
		`{"timestamp":1782907198123,"data":{"requestId":"r1","integrationId":"i1","status":"ERROR","n":"12345678901234567890"}}`,
		`{"data":{"requestId":"r1","integrationId":"i1","status":"ERROR","n":12345678901234567890}}`,
	} {
		if mark(other) == first {
			t.Errorf("%s has the same mark", other)
		}
	}
}

func TestMoments(t *testing.T) {
	seconds := said.Truncate(time.Second)
	for _, c := range []struct {
		text string
		want time.Time
	}{
		{`1782907198`, seconds}, {`1782907198.123`, said}, {`1782907198123`, said}, {`1782907198123000`, said}, {`1782907198123000000`, said},
		{`"1782907198123"`, said}, {`1.782907198123e12`, said}, {`"2026-07-01T11:59:58.123Z"`, said}, {`"2026-07-01T08:59:58.123-03:00"`, said},
		{`0`, time.Time{}}, {`-1782907198123`, time.Time{}}, {`5`, time.Time{}}, {`9e18`, time.Time{}}, {`1e400`, time.Time{}}, {`-1e400`, time.Time{}},
		{`"NaN"`, time.Time{}}, {`"Inf"`, time.Time{}}, {`"soon"`, time.Time{}}, {`""`, time.Time{}}, {`null`, time.Time{}}, {`true`, time.Time{}},
		{`{}`, time.Time{}}, {`[1782907198123]`, time.Time{}}, {``, time.Time{}}, {`4102444800000`, time.Time{}}, {`"2099-01-01T00:00:00Z"`, time.Time{}},
	} {
		if got := moment([]byte(c.text), heard); !got.Equal(c.want) {
			t.Errorf("%s is %s, want %s", c.text, got, c.want)
		}
	}
}
