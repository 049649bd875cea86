package callback

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"

	"denybatch/internal/request"
	"denybatch/pkg/upstream/roit"
)

// hearing is a word of ROIT about a request.
type hearing struct {
	id   request.ID
	word request.Word
}

const (
	maxItems  = 500
	maxFaults = 10 // named in an answer
	maxStatus = 64
)

// parse finds the words in a body. Its error names what is wrong with it, by field and type and never by value; there may be
// words all the same.
//
// ROIT documents no body (contracts/roit.md, section 5), so these are understood: its EntityStatusModel, bare or as the data of
// its envelope; what its data integration says about a process, likewise; and lists of these, up to 500 in all.
func parse(body []byte, heard time.Time) ([]hearing, error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if err := checkJSON(body); err != nil {
		return nil, err
	}
	r := reader{heard: heard.UTC()}
	if whole := jsontext.Value(body); whole.Kind() == '[' {
		r.list("", whole, r.letter)
	} else {
		r.letter("", whole)
	}
	if r.items > maxItems {
		return nil, misread(fmt.Sprintf("The body speaks of more than %d requests.", maxItems))
	}
	return r.words, r.problem()
}

// reader collects words and faults.
type reader struct {
	heard  time.Time
	items  int
	words  []hearing
	faults []string
}

// fault notes what is wrong at a place, such as "data[3].status" and "must be a string".
func (r *reader) fault(path, what string) {
	if path == "" {
		path = "the body"
	}
	r.faults = append(r.faults, path+" "+what)
}

func (r *reader) problem() error {
	if len(r.faults) == 0 {
		return nil
	}
	named := r.faults[:min(len(r.faults), maxFaults)]
	text := "Not understood: " + strings.Join(named, "; ")
	if more := len(r.faults) - len(named); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	if len(r.words) > 0 {
		text += ". The rest is recorded"
	}
	return misread(text + ".")
}

// list reads each element of a list.
func (r *reader) list(path string, v jsontext.Value, read func(path string, v jsontext.Value)) {
	all := elements(v)
	if len(all) == 0 {
		r.fault(path, "is an empty list")
	}
	for i, one := range all {
		if r.items > maxItems {
			return
		}
		read(fmt.Sprintf("%s[%d]", path, i), one)
	}
}

// letter reads a model, or an envelope around one or several.
func (r *reader) letter(path string, v jsontext.Value) {
	f, ok := r.object(path, v)
	if !ok {
		return
	}
	data, enclosed := f.members["data"]
	if !enclosed || f.complete() {
		r.model(f, nil)
		return
	}
	item := func(path string, v jsontext.Value) {
		if inner, ok := r.object(path, v); ok {
			r.model(inner, &f)
		}
	}
	if path = f.path("data"); data.Kind() == '[' {
		r.list(path, data, item)
	} else {
		item(path, data)
	}
}

func (r *reader) object(path string, v jsontext.Value) (fields, bool) {
	if v.Kind() != '{' {
		r.items++
		r.fault(path, "must be an object, not "+kindName(v))
		return fields{}, false
	}
	return fields{where: path, value: v, members: members(v)}, true
}

// model reads what is said about one request. The envelope is nil when there is none.
func (r *reader) model(f fields, envelope *fields) {
	r.items++
	faults := len(r.faults)
	h := hearing{word: request.Word{Heard: r.heard, Message: f.message()}}
	if envelope != nil && h.word.Message == "" {
		h.word.Message = envelope.message()
	}
	if f.isProcess() {
		r.process(f, &h)
	} else {
		h.id = request.ID{Integration: r.text(f, "integrationId"), Request: r.text(f, "requestId")}
		h.word.Status = r.status(f, "status")
	}
	if len(r.faults) > faults {
		return
	}
	if err := h.id.Check(); err != nil {
		r.faults = append(r.faults, strings.TrimPrefix(f.where+": ", ": ")+err.Error())
		return
	}
	h.date(f, envelope)
	r.words = append(r.words, h)
}

// process reads what the data integration says. It knows its processes by an id of its own, unless it also names a request.
func (r *reader) process(f fields, h *hearing) {
	if f.has("requestId") && f.has("integrationId") {
		h.id = request.ID{Integration: r.text(f, "integrationId"), Request: r.text(f, "requestId")}
		if s := status(f.string("status")); roit.Status(s).Known() {
			h.word.Status = s // of the request itself, which a process of it says less about
			return
		}
	} else {
		h.id = request.ID{Integration: request.DataIntegration, Request: r.text(f, "processUniqueId")}
	}
	said := r.status(f, "processStatus")
	h.word.Status = processStatus(said)
	h.word.Message = strings.TrimSuffix(said+": "+h.word.Message, ": ")
}

// processStatus says in a request's terms how a process stands. A status that is not documented stays what it is: it may be
// the end as well as the middle.
func processStatus(said string) string {
	switch said {
	case "FINISHED":
		return string(roit.Done)
	case "FAILED":
		return string(roit.Failed)
	case "PENDING", "START", "PROCESSING", "AUDIT", "CONSOLIDATION":
		return string(roit.Processing)
	}
	return said
}

// status is a member that says how something stands.
func (r *reader) status(f fields, name string) string {
	faults := len(r.faults)
	said := status(r.text(f, name))
	if said == "" && len(r.faults) == faults {
		r.fault(f.path(name), "is empty")
	}
	return said
}

// status is one line of bounded length. The documented ones are written in capitals.
func status(said string) string {
	said = strings.Join(strings.Fields(strings.ToValidUTF8(said, "")), " ")
	if capitals := strings.ToUpper(said); roit.Status(capitals).Known() || processStatus(capitals) != capitals {
		return capitals
	}
	if len(said) > maxStatus {
		said = strings.ToValidUTF8(said[:maxStatus], "")
	}
	return strings.TrimSpace(strings.Map(visible, said))
}

// visible drops what a line cannot show.
func visible(r rune) rune {
	if !unicode.IsPrint(r) {
		return -1
	}
	return r
}
