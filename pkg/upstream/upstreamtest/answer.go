package upstreamtest

import "slices"

// rearrange lets faults drop, add and shuffle what a bulk answer holds.
func rearrange(results []result, fx *effects) []result {
	results = slices.DeleteFunc(results, func(r result) bool { return r.hidden })
	for i := range min(fx.missing, len(results)) {
		at := fx.luck.ofText("missing").of(uint64(i)).below(len(results))
		results = slices.Delete(results, at, at+1)
	}
	for i := range fx.extra {
		results = append(results, foreignResult(fx.luck.ofText("extra").of(uint64(i))))
	}
	if fx.shuffle {
		fx.luck.ofText("shuffle").shuffle(len(results), func(i, j int) { results[i], results[j] = results[j], results[i] })
	}
	return results
}

// foreignResult is a success of a document that nobody asked for.
func foreignResult(luck chance) result {
	face := uint8(luck.of(1).below(faceCount))
	document := snapshot{id: []byte(luck.uuid()), comment: []byte("Not yours"), status: denied, lastUpdated: 1_700_000_000_000, face: face}
	return result{document: document, known: true}
}

// appendAnswer writes a bulk answer (section 5.1 of the contract).
func (x *invx) appendAnswer(dst []byte, results []result) []byte {
	single := x.cfg.SingleObject && len(results) == 1
	dst = append(dst, `{"status":"1","data":`...)
	if !single {
		dst = append(dst, '[')
	}
	start := len(dst)
	for i := range results {
		if x.cfg.Bare && !results[i].known {
			continue // there is no document to show
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = x.appendItem(dst, &results[i])
	}
	if single && len(dst) == start {
		dst = append(dst, "null"...)
	}
	if !single {
		dst = append(dst, ']')
	}
	return append(dst, `,"error":null,"info":null}`...)
}

func (x *invx) appendItem(dst []byte, r *result) []byte {
	switch {
	case x.cfg.Bare:
		return x.faces.appendDocument(dst, &r.document)
	case r.refusal != nil:
		return x.appendFailure(dst, r)
	}
	dst = x.faces.appendDocument(append(dst, `{"itemStatus":"1","itemData":`...), &r.document)
	return append(dst, `,"itemErrors":null,"itemInfo":null,"itemKey":null}`...)
}

func (x *invx) appendFailure(dst []byte, r *result) []byte {
	dst = append(dst, `{"itemStatus":"0","itemData":null,"itemErrors":`...)
	switch x.cfg.Errors {
	case ListErrors:
		dst = append(r.refusal.appendObject(append(dst, '[')), ']')
	case StringErrors:
		dst = appendString(dst, r.refusal.code+": "+r.refusal.message)
	default:
		dst = r.refusal.appendObject(dst)
	}
	dst = append(dst, `,"itemInfo":null,"itemKey":`...)
	if x.cfg.FailedKey {
		return append(appendString(dst, r.document.id), '}')
	}
	return append(dst, "null}"...)
}
