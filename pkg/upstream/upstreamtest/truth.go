package upstreamtest

import (
	"iter"
	"strconv"
	"time"
)

// Truth is what really happened to a document, whatever the answers said.
type Truth struct {
	DocID        string // in the stored spelling
	Org          string
	Status       string    // 3-digit code; empty for a document that does not exist
	Applied      int       // how often a denial was applied to it here; 2 is a double denial
	Asked        int       // how often a bulk call asked to deny it
	Reads        int       // how often it was read
	DeniedAt     time.Time // when it was last denied here, in true time; zero when never
	Comment      string    // its present comment
	LastUpdated  time.Time // as answers tell it; zero when never
	DeniedBefore bool      // it was denied before anybody asked here
	Denials      []Denial  // every denial applied here, oldest first
}

// Denial is one denial that was applied.
type Denial struct {
	At      time.Time
	Comment string
}

// Truth tells what really happened to a document. Without Auto, a document nobody added has an empty Status.
func (s *Server) Truth(docID string) Truth {
	st := s.invx.store
	st.mu.Lock()
	defer st.mu.Unlock()
	n := st.meet(0, []byte(docID), foldHash([]byte(docID)))
	if n == 0 {
		return Truth{DocID: docID}
	}
	return st.truth(n)
}

// Truths yields every document that was added or asked for, in the order in which they came. It may run beside calls.
func (s *Server) Truths() iter.Seq[Truth] {
	return func(yield func(Truth) bool) {
		for n := uint32(1); ; n++ {
			truth, ok := s.invx.store.truthAt(n)
			if !ok || !yield(truth) {
				return
			}
		}
	}
}

func (s *store) truthAt(n uint32) (Truth, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n > s.count {
		return Truth{}, false
	}
	return s.truth(n), true
}

func (s *store) truth(n uint32) Truth {
	r := s.at(n)
	t := Truth{
		DocID: string(s.texts.get(r.id)), Org: s.orgs[r.org], Status: strconv.Itoa(int(r.status)),
		Applied: int(r.applied), Asked: int(r.asked), Reads: int(r.reads),
		Comment: string(s.texts.get(r.comment)), DeniedBefore: r.deniedBefore,
	}
	if r.lastUpdated != 0 {
		t.LastUpdated = time.UnixMilli(r.lastUpdated)
	}
	if r.applied > 0 {
		t.DeniedAt = time.UnixMilli(r.deniedAt)
		t.Denials = s.denials(n, r)
	}
	return t
}

func (s *store) denials(n uint32, r *record) []Denial {
	if past, ok := s.history[n]; ok {
		return append([]Denial(nil), past...)
	}
	return []Denial{s.lastDenial(r)}
}
