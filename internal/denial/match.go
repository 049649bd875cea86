package denial

import (
	"strings"

	"denybatch/pkg/upstream/invx"
)

// match finds the item that speaks of each row, by the document id or else the key that the item carries, never by its
// place. A row without an item, or with two that differ, gets nil.
func match(rows []*row, items []invx.Item) []*invx.Item {
	found := make([]*invx.Item, len(rows))
	if inOrder(rows, items, found) {
		return found
	}
	index := make(map[string]int, len(rows))
	for i, r := range rows {
		index[fold(r.DocID)] = i
		found[i] = nil
	}
	contradicted := map[int]bool{}
	for i := range items {
		k, ok := index[fold(named(&items[i]))]
		switch {
		case !ok:
		case found[k] == nil:
			found[k] = &items[i]
		case succeeded(found[k]) != succeeded(&items[i]):
			contradicted[k] = true
		}
	}
	for k := range contradicted {
		found[k] = nil
	}
	return found
}

// inOrder is the usual case without a map: every item names the row at its place.
func inOrder(rows []*row, items []invx.Item, found []*invx.Item) bool {
	if len(items) != len(rows) {
		return false
	}
	for i, r := range rows {
		if id := named(&items[i]); id != r.DocID && !strings.EqualFold(id, r.DocID) {
			return false
		}
		found[i] = &items[i]
	}
	return true
}

// named is the document id that an item carries, or "".
func named(item *invx.Item) string {
	if item.Document != nil && item.Document.ID != "" {
		return item.Document.ID
	}
	return item.Key
}

// succeeded reports what the contract takes for success: itemStatus "1" when it is there, and the document denied.
func succeeded(item *invx.Item) bool {
	return (item.Status == "" || item.Status == "1") && item.Document != nil && item.Document.Status == invx.StatusDenied
}

// refused reports whether an item says that its document was not denied, rather than saying nothing sensible. A bare
// document says so by its state, unless that is a fresh one, which a denial may yet follow.
func refused(item *invx.Item) bool {
	if item.Code != "" || item.Message != "" || (item.Status != "" && item.Status != "1") {
		return true
	}
	return item.Status == "" && item.Document != nil && item.Document.Status != "" && !fresh(item.Document.Status)
}

// fresh reports the states that documents begin in (contract, section 6).
func fresh(status string) bool {
	switch status {
	case invx.StatusDraft, invx.StatusCreated, invx.StatusSimpleFresh:
		return true
	}
	return false
}

// nameless are the refusals that carry no id at all, if there are just as many of them as rows without an item: then
// they are the refusals of those rows. Which is whose is a guess by order, good enough to look again, not to judge.
func nameless(found []*invx.Item, items []invx.Item) []*invx.Item {
	missing := 0
	for _, item := range found {
		if item == nil {
			missing++
		}
	}
	var left []*invx.Item
	for i := range items {
		if named(&items[i]) == "" {
			left = append(left, &items[i])
		}
	}
	if len(left) != missing {
		return nil
	}
	for _, item := range left {
		if !refused(item) {
			return nil
		}
	}
	return left
}
