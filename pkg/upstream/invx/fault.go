package invx

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"denybatch/pkg/upstream"
)

// fault is one error as upstream words it (section 5.1): message is the code, args.message the words.
type fault struct {
	code, kind, detail string
}

// maxFaults bounds what is said of one error or one item.
const maxFaults = 16

// faultsIn reads what stands in error or itemErrors: an object, a list, a string, or something else again.
func faultsIn(raw json.RawMessage) []fault {
	return faultsOf(parse(raw), nil)
}

func faultsOf(v any, found []fault) []fault {
	if len(found) == maxFaults {
		return found
	}
	switch v := v.(type) {
	case map[string]any:
		if f := faultOf(v); f != (fault{}) {
			found = append(found, f)
		}
	case []any:
		for _, each := range v {
			found = faultsOf(each, found)
		}
	case string, json.Number:
		if code, detail := codeOrWords(words(v)); code+detail != "" {
			found = append(found, fault{code: code, detail: detail})
		}
	}
	return found
}

func faultOf(members map[string]any) fault {
	code, detail := codeOrWords(words(members["message"]))
	if args := argsOf(members["args"]); args != "" {
		detail = strings.TrimSpace(detail + " " + args)
	}
	return fault{code, words(members["type"]), detail}
}

// codeOrWords tells a code from a sentence: a code is one word.
func codeOrWords(message string) (code, detail string) {
	if strings.ContainsAny(message, " \t\r\n") {
		return "", message
	}
	return message, ""
}

// argsOf is what args says for a person: its message, or else everything in it.
func argsOf(args any) string {
	members, ok := args.(map[string]any)
	if !ok {
		return words(args)
	}
	if message := words(members["message"]); message != "" {
		return message
	}
	var all []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if value := words(members[name]); value != "" {
			all = append(all, name+": "+value)
		}
	}
	return strings.Join(all, ", ")
}

// words is a value as text; empty for null, and the JSON itself for a list or an object.
func words(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// parse reads JSON of unknown shape; nil when it is none.
func parse(raw json.RawMessage) (v any) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// summary is the first code and everybody's words.
func summary(faults []fault) (code, message string) {
	var all []string
	for i, f := range faults {
		if code == "" {
			code = f.code
		}
		switch {
		case i == 0 || f.code == "":
			all = append(all, f.detail)
		default:
			all = append(all, strings.TrimSpace(f.code+" "+f.detail))
		}
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	if len(all) == 0 {
		return code, code
	}
	return code, strings.Join(all, "; ")
}

// refusal is the error that upstream's own faults make.
func refusal(faults []fault) *upstream.Error {
	e := new(upstream.Error)
	e.Code, e.Detail = summary(faults)
	if e.Detail == e.Code {
		e.Detail = ""
	}
	for _, f := range faults {
		if e.Type == "" {
			e.Type = f.kind
		}
	}
	return e
}

// explain fills in what the body of a refusal says. A body without an error in it is foreign, and so is one whose
// error is only the name of the status: web frameworks answer so for addresses they do not know.
func explain(body []byte, e *upstream.Error) {
	var faults []fault
	read(body, func(r *reader) { // a body that is cut off has still said what came before
		if r.kind() != '{' {
			return
		}
		r.object(func(name []byte) {
			if string(name) != "error" {
				r.skip()
				return
			}
			if raw := r.raw(); r.err == nil {
				faults = faultsIn(raw)
			}
		})
	})
	said := refusal(faults)
	e.Code, e.Type, e.Detail = said.Code, said.Type, said.Detail
	e.Foreign = len(faults) == 0 || said.Code+said.Detail == http.StatusText(e.Status)
}
