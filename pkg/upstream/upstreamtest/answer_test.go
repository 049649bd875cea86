package upstreamtest

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

func TestAnswerShapes(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  InvX
		ids  string
		want string // what the answer holds
	}{
		{"Wrapper", InvX{}, "a", `{"status":"1","data":[{"itemStatus":"1","itemData":{"id":"a",`},
		{"SingleObject", InvX{SingleObject: true}, "a", `"data":{"itemStatus":"1","itemData":{"id":"a",`},
		{"SingleObjectOfTwo", InvX{SingleObject: true}, "a c", `"data":[{"itemStatus"`},
		{"Bare", InvX{Bare: true}, "nobody b a", `"data":[{"id":"b",`},
		{"BareSingle", InvX{Bare: true, SingleObject: true}, "a", `"data":{"id":"a",`},
		{"BareNothing", InvX{Bare: true, SingleObject: true}, "nobody", `"data":null,`},
		{"ObjectErrors", InvX{}, "b", `"itemStatus":"0","itemData":null,"itemErrors":{"message":"err-incorrect-update-action","type":"ClientError","args":{"message":"action dny on state 240.kotlin"}},"itemInfo":null,"itemKey":null`},
		{"ListErrors", InvX{Errors: ListErrors}, "b", `"itemErrors":[{"message":"err-incorrect-update-action",`},
		{"StringErrors", InvX{Errors: StringErrors}, "b", `"itemErrors":"err-incorrect-update-action: action dny on state 240.kotlin",`},
		{"FailedKey", InvX{FailedKey: true}, "nobody", `"itemKey":"nobody"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := threeDocuments(t, Config{InvX: test.cfg})
			got := deny(t, s, strings.Fields(test.ids)...)
			if !strings.Contains(got.body, test.want) || !strings.HasSuffix(got.body, `,"error":null,"info":null}`) {
				t.Errorf("got %s\nwant %s", got.body, test.want)
			}
			if !jsontext.Value(got.body).IsValid() {
				t.Errorf("this is not JSON: %s", got.body)
			}
		})
	}
}

func TestReadingShowsTheWholeDocument(t *testing.T) {
	s := threeDocuments(t, Config{})
	deny(t, s, "a")
	var got struct {
		Status string
		Data   map[string]any
	}
	read(t, s, "A").decode(t, &got)
	for name, want := range map[string]any{
		"id": "a", "status": "220", "denialComments": "wrong a", "acceptanceComments": nil, "docType": "100", "irdDocType": "POST",
	} {
		if got.Data[name] != want {
			t.Errorf("%s is %v, want %v", name, got.Data[name], want)
		}
	}
	if ewb, _ := got.Data["ewbNo"].(float64); got.Status != "1" || ewb < 1e11 || len(got.Data["irn"].(string)) != 64 {
		t.Errorf("got %+v", got)
	}
	var cancellation map[string]string
	read(t, s, "b").decode(t, &got)
	if err := json.Unmarshal([]byte(got.Data["irnResponse"].(string)), &cancellation); err != nil || cancellation["Irn"] == "" {
		t.Errorf("irnResponse of a cancelled document: %v %v", got.Data["irnResponse"], err)
	}
}

func TestReadingNobody(t *testing.T) {
	s := Start(t, Config{})
	if got := read(t, s, "nobody"); got.status != 404 || got.code(t) != "err-resource-not-found" {
		t.Errorf("%+v", got)
	}
	if truth := s.Truth("nobody"); truth.Status != "" {
		t.Errorf("truth: %+v", truth)
	}
}

func TestTextSurvives(t *testing.T) {
	s := Start(t, Config{InvX: InvX{Auto: true}})
	comment := "a \"quoted\" \\ line\nbreak, ₹ 5, \u0001, 𝛑 and </script>"
	body, _ := json.Marshal([]map[string]string{{"docId": "ä/b c", "comments": comment, "action": "dny"}})
	if got := ask(t, s, "PATCH", s.BulkURL(), string(body)).bulk(t).Data[0].ItemData; got.DenialComments != comment || got.ID != "ä/b c" {
		t.Errorf("answered %+v", got)
	}
	if got := read(t, s, "ä/b c").document(t); got.DenialComments != comment {
		t.Errorf("read %+v", got)
	}
	if got := s.Truth("ä/b c").Comment; got != comment {
		t.Errorf("truth %q", got)
	}
}
