package report

import "io"

// ahead lets one goroutine make bytes while another writes them: compressing costs as much as everything else.
type ahead struct {
	full  chan []byte
	spent chan spent
	end   chan error
}

// spent is a buffer that was written, and the first error so far.
type spent struct {
	buf []byte
	err error
}

const buffers = 4

func newAhead(w io.Writer) *ahead {
	a := &ahead{make(chan []byte, buffers), make(chan spent, buffers), make(chan error, 1)}
	for range buffers - 1 {
		a.spent <- spent{buf: make([]byte, 0, flushSize+flushSize/4)}
	}
	go a.run(w)
	return a
}

func (a *ahead) run(w io.Writer) {
	var err error
	for b := range a.full {
		if err == nil {
			_, err = w.Write(b)
		}
		a.spent <- spent{b[:0], err}
	}
	a.end <- err
}

// pass takes a full buffer and gives an empty one. The error may be that of an earlier buffer.
func (a *ahead) pass(b []byte) ([]byte, error) {
	a.full <- b
	s := <-a.spent
	return s.buf, s.err
}

// close waits until everything is written. It must be called once.
func (a *ahead) close() error {
	close(a.full)
	return <-a.end
}
