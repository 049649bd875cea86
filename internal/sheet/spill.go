package sheet

import (
	"errors"
	"os"
)

const (
	spillAt  = 16 << 20 // bytes kept in memory before they move to a file
	pageSize = 4 << 10
	pages    = 1 << 10 // pages of the file kept at hand
)

// spill is a growing run of bytes: the first of it in memory, the rest in a temporary file that nobody else sees.
// Reading is mostly in order, so pages are read once.
type spill struct {
	size   int64
	chunks [][]byte // what is in memory, 1 MiB each
	file   *os.File
	tail   []byte // what is not yet written to the file
	cached []page
}

type page struct {
	number int64 // counted from 1, so that none is an empty page
	bytes  []byte
}

const chunkSize = 1 << 20

func (s *spill) write(p []byte) error {
	s.size += int64(len(p))
	for len(p) > 0 && s.file == nil {
		if s.full() {
			if err := s.grow(); err != nil {
				return err
			}
			continue
		}
		last := &s.chunks[len(s.chunks)-1]
		n := min(len(p), chunkSize-len(*last))
		*last = append(*last, p[:n]...)
		p = p[n:]
	}
	s.tail = append(s.tail, p...)
	if len(s.tail) >= chunkSize {
		return s.flush()
	}
	return nil
}

func (s *spill) full() bool {
	return len(s.chunks) == 0 || len(s.chunks[len(s.chunks)-1]) == chunkSize
}

// grow makes room in memory, or opens the file when memory is used up. Where no file can be made, memory has to do.
func (s *spill) grow() error {
	if len(s.chunks)*chunkSize >= spillAt {
		file, err := os.CreateTemp("", "denybatch-*")
		if err == nil {
			os.Remove(file.Name()) // where that fails, close does it
			s.file = file
			return nil
		}
	}
	s.chunks = append(s.chunks, make([]byte, 0, chunkSize))
	return nil
}

// flush writes the tail to the file.
func (s *spill) flush() error {
	if len(s.tail) == 0 {
		return nil
	}
	_, err := s.file.Write(s.tail)
	s.tail = s.tail[:0]
	return err
}

// read adds n bytes from offset at to out.
func (s *spill) read(out []byte, at int64, n int) ([]byte, error) {
	memory := int64(len(s.chunks)) * chunkSize
	for n > 0 {
		var from []byte
		if at < memory {
			from = s.chunks[at/chunkSize][at%chunkSize:]
		} else {
			p, err := s.page((at - memory) / pageSize)
			if err != nil {
				return out, err
			}
			from = p[(at-memory)%pageSize:]
		}
		took := min(n, len(from))
		out = append(out, from[:took]...)
		at, n = at+int64(took), n-took
	}
	return out, nil
}

// page gives a page of the file, from memory when it was read lately.
func (s *spill) page(number int64) ([]byte, error) {
	if s.cached == nil {
		s.cached = make([]page, pages)
	}
	p := &s.cached[number%pages]
	if p.number == number+1 {
		return p.bytes, nil
	}
	if p.bytes == nil {
		p.bytes = make([]byte, pageSize)
	}
	n, err := s.file.ReadAt(p.bytes[:pageSize], number*pageSize)
	if n == 0 {
		return nil, err
	}
	p.number, p.bytes = number+1, p.bytes[:n]
	return p.bytes, nil
}

func (s *spill) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if gone := os.Remove(s.file.Name()); gone != nil && !errors.Is(gone, os.ErrNotExist) {
		err = errors.Join(err, gone)
	}
	return err
}
