// Package inbox turns a file that somebody dropped into the exchange bucket into a batch and its report, whatever
// becomes of it on the way. It is what deny-bulk does with one object; events, queues and clouds are its callers'.
package inbox

import (
	"path"
	"strings"
)

// Kind is what a file in the inbox asks for.
type Kind string

// The kinds of orders that deny-bulk takes (design, section 2).
const (
	Deny  Kind = "deny"  // deny the rows
	Check Kind = "check" // the same, but nothing is sent
)

// Order is what the key of an object says: inbox/<kind>/<org>/<name>.
type Order struct {
	Kind Kind
	Org  string
	Name string // of the file, with its ending; may hold slashes
}

// ParseKey reads a key. The second result is false for one that is no order, such as the key of a folder.
func ParseKey(key string) (Order, bool) {
	parts := strings.SplitN(key, "/", 4)
	if len(parts) != 4 || parts[0] != "inbox" || parts[2] == "" || parts[3] == "" || strings.HasSuffix(parts[3], "/") {
		return Order{}, false
	}
	switch kind := Kind(parts[1]); kind {
	case Deny, Check:
		return Order{kind, parts[2], parts[3]}, true
	}
	return Order{}, false
}

// Reports is below which key the batch's reports stand.
func (o Order) Reports(batch string) string {
	name := strings.TrimSuffix(o.Name, path.Ext(o.Name))
	if name == "" || strings.HasSuffix(name, "/") {
		name = o.Name
	}
	return "reports/" + string(o.Kind) + "/" + o.Org + "/" + name + "/" + batch + "/"
}
