package upstreamtest

import (
	"fmt"
	"sync"
	"testing"
)

func TestManyDocuments(t *testing.T) {
	s := Start(t, Config{Memory: true, InvX: InvX{Auto: true}})
	id := func(i int) string { return fmt.Sprintf("%08X-1c53-4b8e-9a51-%012x", i*7919, i) }
	const many = 30_000
	for i := range many {
		s.Truth(id(i))
	}
	for i := range many {
		if got := s.Truth(id(i)); got.DocID != id(i) || got.Status != "200" {
			t.Fatalf("document %d: %+v", i, got)
		}
	}
	n := 0
	for range s.Truths() {
		n++
	}
	if n != many {
		t.Errorf("%d documents, want %d", n, many)
	}
}

func TestEqualHashesAreToldApart(t *testing.T) {
	st := newStore()
	a, b := st.add(record{}, []byte("a"), 1), st.add(record{}, []byte("b"), 1)
	if st.find([]byte("A"), 1) != a || st.find([]byte("b"), 1) != b || st.find([]byte("c"), 1) != 0 {
		t.Error("documents of equal hash were mixed up")
	}
}

func TestLongTexts(t *testing.T) {
	var kept texts
	short := kept.put([]byte("short"))
	long := kept.put(make([]byte, 3<<blockBits))
	next := kept.put([]byte("next"))
	if string(kept.get(short)) != "short" || len(kept.get(long)) != 3<<blockBits || string(kept.get(next)) != "next" {
		t.Error("texts were mixed up")
	}
}

func TestConcurrentDenialsApplyOnce(t *testing.T) {
	s := Start(t, Config{InvX: InvX{Auto: true}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 20 {
				deny(t, s, fmt.Sprint("a", i), fmt.Sprint("b", i))
				read(t, s, fmt.Sprint("a", i))
			}
		})
	}
	wg.Wait()
	if got := s.Counters(); got.Applied != 40 || got.BulkCalls != 160 || got.DoubleDenials != 0 {
		t.Errorf("counters: %+v", got)
	}
}
