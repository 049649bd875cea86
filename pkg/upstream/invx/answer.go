package invx

import (
	"errors"
	"fmt"
	"strings"

	"denybatch/pkg/upstream"
)

// envelope is what stands around every answer (section 5.1).
type envelope struct {
	status string
	faults []fault
	items  []Item // data, whatever its form: a list, one item, one document
	filled bool   // data was there
}

// decode reads the body of a success. It fails with *upstream.Error when upstream refused inside it.
func decode(body []byte) ([]Item, error) {
	var e envelope
	if err := read(body, func(r *reader) { e = r.envelope() }); err != nil {
		return nil, err
	}
	switch {
	case len(e.faults) > 0 && (e.status == "0" || len(e.items) == 0):
		return nil, refusal(e.faults)
	case e.status == "0" && len(e.items) == 0:
		return nil, &upstream.Error{Detail: `status "0" without an error`}
	case !e.filled:
		return nil, errShape
	}
	return e.items, nil
}

// decodeOne reads the answer that should hold one document. Another document than the one asked for says nothing of it.
func decodeOne(body []byte, docID string) (Document, error) {
	items, err := decode(body)
	switch {
	case err != nil:
		return Document{}, err
	case len(items) != 1:
		return Document{}, fmt.Errorf("%d documents came instead of one", len(items))
	}
	item := items[0]
	switch {
	case item.Document == nil && item.Code+item.Message != "":
		return Document{}, &upstream.Error{Code: item.Code, Detail: item.Message}
	case item.Document == nil:
		return Document{}, errors.New("the answer holds no document")
	case !strings.EqualFold(item.Document.ID, docID):
		return Document{}, fmt.Errorf("document %q came instead", item.Document.ID)
	}
	return *item.Document, nil
}

func (r *reader) envelope() (e envelope) {
	switch r.kind() {
	case '[':
		e.items, e.filled = r.data()
		return e
	case '{':
	default:
		r.skip()
		r.fail(errShape)
		return e
	}
	r.object(func(name []byte) {
		switch string(name) {
		case "status":
			e.status = r.flag()
		case "data":
			e.items, e.filled = r.data()
		case "error":
			e.faults = faultsIn(r.raw())
		default:
			r.skip()
		}
	})
	return e
}

// data reads a list of items, or one; nulls among them are items of which nothing is said.
func (r *reader) data() (items []Item, filled bool) {
	switch r.kind() {
	case '[':
		items = make([]Item, 0, 50)
		r.elements(func() { items = append(items, r.item()) })
		return items, true
	case '{':
		return []Item{r.item()}, true
	case 'n':
		r.skip()
		return nil, false
	}
	r.skip()
	r.fail(errShape)
	return nil, false
}

// item reads a wrapper or a bare document: they are told apart by the wrapper's names.
func (r *reader) item() (item Item) {
	if r.kind() != '{' {
		r.null()
		return item
	}
	var bare Document
	wrapped := false
	bare.Raw = r.object(func(name []byte) {
		switch string(name) {
		case "itemStatus":
			item.Status, wrapped = r.flag(), true
		case "itemKey":
			item.Key, wrapped = r.text(), true
		case "itemData":
			item.Document, wrapped = r.document(), true
		case "itemErrors":
			item.Errors, wrapped = r.raw(), true
		case "itemInfo":
			r.skip()
			wrapped = true
		default:
			r.field(&bare, name)
		}
	})
	if !wrapped {
		return Item{Document: &bare}
	}
	item.explain()
	return item
}

// explain says in words what itemErrors holds.
func (item *Item) explain() {
	if string(item.Errors) == "null" {
		item.Errors = nil
	}
	if len(item.Errors) > 0 {
		item.Code, item.Message = summary(faultsIn(item.Errors))
	}
}

// document reads itemData; nil when it is not an object.
func (r *reader) document() *Document {
	if r.kind() != '{' {
		r.skip()
		return nil
	}
	doc := new(Document)
	doc.Raw = r.object(func(name []byte) { r.field(doc, name) })
	return doc
}

// field reads one member of a document.
func (r *reader) field(doc *Document, name []byte) {
	switch string(name) {
	case "id":
		doc.ID = r.text()
	case "status":
		doc.Status = r.text()
	case "denialComments":
		doc.DenialComments = r.text()
	case "lastUpdated":
		doc.LastUpdated = r.moment()
	default:
		r.skip()
	}
}

// null reads what may stand in place of an object: nothing else than null.
func (r *reader) null() {
	is := r.kind() == 'n'
	r.skip()
	if !is {
		r.fail(errShape)
	}
}
