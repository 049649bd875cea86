package upstreamtest

import (
	"fmt"
	"strconv"
	"time"
)

// faces are what documents look like apart from their id and state, encoded once. Documents share them, so that
// answering formats nothing.
type faces [faceCount]face

const (
	faceCount = 64
	faceUser  = "8d6a2f70-1c53-4b8e-9a51-b8d3c5f0a101"
	faceBuyer = "f2b47c19-6f0e-4d7c-8a34-0c5a9e27d202"
)

// face is the fixed parts of a document in the order of its JSON.
type face struct {
	details      []byte // from docNumber to amount
	creation     []byte // createdByUserId and createdOn
	registration []byte // from annotations to ewbNo
	irnResponse  []byte // of a cancelled document: JSON inside a string
}

func newFaces(luck chance, epoch time.Time) (all faces) {
	for i := range all {
		all[i] = newFace(luck.ofText("face").of(uint64(i)), epoch)
	}
	return all
}

func newFace(luck chance, epoch time.Time) face {
	day := epoch.AddDate(0, -2, -luck.of(1).below(28))
	irn := fmt.Sprintf("%016x%016x%016x%016x", uint64(luck.of(2)), uint64(luck.of(3)), uint64(luck.of(4)), uint64(luck.of(5)))
	irnResponse := fmt.Sprintf(`{"Irn":%q,"CancelDate":%q}`, irn, epoch.AddDate(0, -1, 0).Format(time.DateTime))
	return face{
		details: fmt.Appendf(nil,
			`,"docNumber":"INV/%06d","docType":"100","docDate":%q,"sellerGstin":"29AAACS%04dF1Z5","buyerGstin":"27AABCB%04dK1ZP","irdDocType":"POST","amount":%d.%02d`,
			luck.of(6).below(1e6), day.Format("02/01/2006"), luck.of(7).below(1e4), luck.of(8).below(1e4), 100+luck.of(9).below(1e6), luck.of(10).below(100)),
		creation: fmt.Appendf(nil, `,"createdByUserId":%q,"createdOn":%d`, faceUser, day.UnixMilli()),
		registration: fmt.Appendf(nil, `,"annotations":[],"irn":%q,"registeredOn":%d,"ewbNo":%d`,
			irn, day.Add(time.Minute).UnixMilli(), 100_000_000_000+luck.of(11).below(1e11)),
		irnResponse: appendString(nil, irnResponse),
	}
}

// appendDocument writes a document (section 5.2 of the contract). Of the fields that may be left out, those that only a
// cancelled document fills are.
func (f *faces) appendDocument(dst []byte, d *snapshot) []byte {
	look := &f[d.face]
	dst = appendString(append(dst, `{"id":`...), d.id)
	dst = append(dst, look.details...)
	dst = d.appendComment(append(dst, `,"acceptanceComments":`...), accepted)
	dst = d.appendComment(append(dst, `,"denialComments":`...), denied)
	dst = d.appendComment(append(dst, `,"disputeComments":`...), disputed)
	dst = strconv.AppendUint(append(dst, `,"status":"`...), uint64(d.status), 10)
	dst = append(append(dst, '"'), look.creation...)
	dst = d.appendUpdate(dst)
	dst = append(dst, look.registration...)
	if d.status == cancelled {
		dst = d.appendComment(append(dst, `,"cancellationReason":"3","cancellationComments":`...), cancelled)
		dst = append(append(dst, `,"irnResponse":`...), look.irnResponse...)
	}
	return append(dst, '}')
}

// appendComment writes the document's comment if it belongs to that status.
func (d *snapshot) appendComment(dst []byte, status uint16) []byte {
	if d.status != status || len(d.comment) == 0 {
		return append(dst, "null"...)
	}
	return appendString(dst, d.comment)
}

func (d *snapshot) appendUpdate(dst []byte) []byte {
	if d.lastUpdated == 0 {
		return append(dst, `,"lastUpdatedByUserId":null,"lastUpdated":null`...)
	}
	return strconv.AppendInt(append(dst, `,"lastUpdatedByUserId":"`+faceBuyer+`","lastUpdated":`...), d.lastUpdated, 10)
}
