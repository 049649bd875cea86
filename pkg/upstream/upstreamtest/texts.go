package upstreamtest

import "bytes"

// texts holds strings end to end in large blocks, so that a million of them cost their own bytes and nothing to collect.
// What was put in never moves or changes: a slice that get has given stays good without a lock.
type texts struct {
	blocks [][]byte
	recent [recentTexts]text // by hash: what may come again, such as one comment for a whole file
}

// text is the place of one string; the zero text is empty.
type text struct{ at, n uint32 }

const (
	blockBits   = 20
	recentTexts = 1024
)

func (t *texts) put(b []byte) text {
	if len(b) == 0 {
		return text{}
	}
	last := len(t.blocks) - 1
	if last < 0 || cap(t.blocks[last])-len(t.blocks[last]) < len(b) {
		t.blocks = append(t.blocks, make([]byte, 0, max(len(b), 1<<blockBits)))
		last++
	}
	at := len(t.blocks[last])
	t.blocks[last] = append(t.blocks[last], b...)
	return text{at: uint32(last<<blockBits | at), n: uint32(len(b))}
}

// share is put for strings that are likely to come again.
func (t *texts) share(b []byte) text {
	recent := &t.recent[foldHash(b)%recentTexts]
	if !bytes.Equal(t.get(*recent), b) {
		*recent = t.put(b)
	}
	return *recent
}

func (t *texts) get(x text) []byte {
	if x.n == 0 {
		return nil
	}
	at := x.at & (1<<blockBits - 1)
	return t.blocks[x.at>>blockBits][at : at+x.n : at+x.n]
}
