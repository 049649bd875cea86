package denial

import (
	"hash/maphash"
	"strings"
)

// seen remembers on which row each document stands and with which comment, in 16 bytes a document: 80 bits of a keyed
// hash of the id, 24 bits of row, 24 bits of a hash of the comment. Among a million documents two different ids meet by
// chance once in 10^12 files, and nobody can provoke it, because the key is new in every process.
type seen struct {
	seed1, seed2 maphash.Seed
	shards       [256]shard
}

// maxRow is the greatest row number that seen can hold.
const maxRow = 1<<24 - 1

// shard is an open-addressed table. Many small ones grow one at a time, so that growing never doubles the whole.
type shard struct {
	slots []slot
	used  int
}

type slot struct{ hash, rest uint64 } // rest: 16 bits of hash, 24 of row, 24 of comment; never 0, as rows count from 1

func newSeen() *seen { return &seen{seed1: maphash.MakeSeed(), seed2: maphash.MakeSeed()} }

// add notes that docID stands on row with comment; it may be told so in every pass over the rows. If docID stood on an
// earlier row, that one is returned, and whether the comment was the same there.
func (s *seen) add(docID, comment string, row int) (earlier int, sameComment bool) {
	id := fold(docID)
	h := maphash.String(s.seed1, id)
	want := slot{h, maphash.String(s.seed2, id)<<48 | uint64(row)<<24 | maphash.String(s.seed1, comment)>>40}
	sh := &s.shards[h>>56]
	found := sh.insert(want)
	if earlier = int(found.rest >> 24 & maxRow); earlier >= row {
		return 0, false
	}
	return earlier, earlier != 0 && found.rest<<40 == want.rest<<40
}

// insert puts s into the shard, or returns the slot that stands there for the same document.
func (t *shard) insert(s slot) slot {
	if t.used*8 >= len(t.slots)*7 {
		t.grow()
	}
	for i := s.hash % uint64(len(t.slots)); ; i = (i + 1) % uint64(len(t.slots)) {
		switch there := t.slots[i]; {
		case there.rest == 0:
			t.slots[i] = s
			t.used++
			return slot{}
		case there.hash == s.hash && there.rest>>48 == s.rest>>48:
			return there
		}
	}
}

func (t *shard) grow() {
	old := t.slots
	t.slots, t.used = make([]slot, max(16, len(old)*3/2)), 0
	for _, s := range old {
		if s.rest != 0 {
			t.insert(s)
		}
	}
}

// fold makes document ids comparable without regard to case.
func fold(docID string) string { return strings.ToLower(docID) }
