package upstreamtest

import (
	"sync"
	"time"
)

// store is every document, found by id without regard to case. Records hold no pointers: a million of them are cheap to
// keep and free to collect.
type store struct {
	mu      sync.Mutex
	index   map[uint64]uint32 // by foldHash: number of the first record with that hash
	blocks  [][]record
	count   uint32
	texts   texts
	codes   map[uint32]string   // refuse-open: the code to refuse with
	history map[uint32][]Denial // of documents denied more than once
	orgs    []string
	fresh   func(id []byte, hash uint64) (record, bool) // makes an unknown document; false when it does not exist
}

// record is one document. next chains records of equal hash; 0 ends the chain.
type record struct {
	id, comment           text
	lastUpdated, deniedAt int64 // ms since 1970; 0 is never
	next, asked, reads    uint32
	applied, status       uint16
	org, face             uint8
	behaviour             behaviours
	deniedBefore          bool
}

const recordsPerBlock = 4096

func newStore() *store {
	return &store{index: make(map[uint64]uint32), codes: make(map[uint32]string), history: make(map[uint32][]Denial)}
}

// at is the record with that number, counted from 1. It never moves.
func (s *store) at(n uint32) *record {
	return &s.blocks[(n-1)/recordsPerBlock][(n-1)%recordsPerBlock]
}

// find is the number of a known document; 0 when there is none.
func (s *store) find(id []byte, hash uint64) uint32 {
	n := s.index[hash]
	for n != 0 && !foldEqual(s.texts.get(s.at(n).id), id) {
		n = s.at(n).next
	}
	return n
}

// meet is find, but lets an unknown document come into being for an organisation.
func (s *store) meet(org uint8, id []byte, hash uint64) uint32 {
	if n := s.find(id, hash); n != 0 {
		return n
	}
	fresh, ok := s.fresh(id, hash)
	if !ok {
		return 0
	}
	fresh.org = org
	return s.add(fresh, id, hash)
}

// visible is meet, but hides documents of other organisations.
func (s *store) visible(org uint8, id []byte, hash uint64) uint32 {
	n := s.meet(org, id, hash)
	if n != 0 && s.at(n).org != org {
		return 0
	}
	return n
}

func (s *store) add(r record, id []byte, hash uint64) uint32 {
	if s.count%recordsPerBlock == 0 {
		s.blocks = append(s.blocks, make([]record, recordsPerBlock))
	}
	s.count++
	r.id, r.next, r.face = s.texts.put(id), s.index[hash], uint8(hash>>32)%faceCount
	*s.at(s.count) = r
	s.index[hash] = s.count
	return s.count
}

// orgNumber is the place of an organisation in orgs, which grows as needed.
func (s *store) orgNumber(org string) uint8 {
	for i, known := range s.orgs {
		if foldEqual([]byte(known), []byte(org)) {
			return uint8(i)
		}
	}
	s.orgs = append(s.orgs, org)
	return uint8(len(s.orgs) - 1)
}

// deny marks a document as denied and reports whether it was denied before, by whomever.
func (s *store) deny(n uint32, comment []byte, at time.Time, skew time.Duration) (again bool) {
	r := s.at(n)
	again = r.applied > 0 || r.deniedBefore
	if r.applied > 0 {
		s.remember(n, r)
	}
	r.status, r.comment = denied, s.texts.share(comment)
	r.deniedAt, r.lastUpdated = at.UnixMilli(), at.Add(skew).UnixMilli()
	r.applied++
	if past, ok := s.history[n]; ok {
		s.history[n] = append(past, s.lastDenial(r))
	}
	return again
}

// remember starts the history of a document that is about to be denied a second time.
func (s *store) remember(n uint32, r *record) {
	if _, ok := s.history[n]; !ok {
		s.history[n] = []Denial{s.lastDenial(r)}
	}
}

func (s *store) lastDenial(r *record) Denial {
	return Denial{At: time.UnixMilli(r.deniedAt), Comment: string(s.texts.get(r.comment))}
}

// snapshot is what an answer says of a document. It stays good without the lock.
type snapshot struct {
	id, comment []byte
	lastUpdated int64
	status      uint16
	face        uint8
}

func (s *store) snapshot(n uint32) snapshot {
	r := s.at(n)
	return snapshot{s.texts.get(r.id), s.texts.get(r.comment), r.lastUpdated, r.status, r.face}
}
