package upstreamtest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"testing"
)

// sink is an answer nobody reads.
type sink struct {
	header http.Header
	status int
	n      int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(p []byte) (int, error) { s.n += len(p); return len(p), nil }

// BenchmarkBulkCall is what a call of 50 new documents costs apart from the network.
func BenchmarkBulkCall(b *testing.B) {
	s := Start(b, Config{Memory: true, InvX: InvX{Auto: true}})
	var answer sink
	docs := 0
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		body := numbered(docs, 50)
		b.StartTimer()
		answer = sink{header: http.Header{}}
		s.mux.ServeHTTP(&answer, body)
		docs += 50
	}
	if answer.status != 200 {
		b.Fatalf("HTTP %d", answer.status)
	}
	b.ReportMetric(float64(answer.n)/50, "bytes/doc")
	b.ReportMetric(float64(docs)/b.Elapsed().Seconds(), "docs/s")
}

// BenchmarkMemory is what the server keeps of a document that was denied with a comment of its own.
func BenchmarkMemory(b *testing.B) {
	s := Start(b, Config{Memory: true, InvX: InvX{Auto: true}})
	const docs = 200_000
	before := heap()
	for b.Loop() {
		for at := 0; at < docs; at += 500 {
			s.mux.ServeHTTP(&sink{header: http.Header{}}, numbered(at, 500))
		}
	}
	if s.Truth(docID(docs-1)).Applied != 1 {
		b.Fatal("the last document was not denied")
	}
	b.ReportMetric(float64(heap()-before)/docs, "bytes/doc")
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func docID(i int) string { return fmt.Sprintf("%08x-1c53-4b8e-9a51-%012x", uint32(i)*2654435761, i) }

func numbered(from, n int) *http.Request {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `,{"docId":%q,"comments":"Not our purchase order %d","action":"dny"}`, docID(from+i), from+i)
	}
	b.WriteByte(']')
	b.Bytes()[0] = '['
	req, err := http.NewRequest("PATCH", "http://upstream.test/invx/apis/v1/orgs/"+DefaultOrg+"/edocuments/bulk", io.NopCloser(&b))
	if err != nil {
		panic(err)
	}
	req.ContentLength = int64(b.Len())
	req.Header.Set("Authorization", "Bearer "+DefaultToken)
	return req
}
