package sheet

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// maxToken bounds one tag or text.
const maxToken = 4 << 20

// until takes everything up to a mark that ends a construct; the first `from` bytes are its opening.
func (x *xmlScanner) until(from int, mark string) ([]byte, error) {
	size, err := x.find(from, mark)
	if err != nil {
		return nil, early(err)
	}
	inside := x.buf[x.at+from : x.at+size]
	x.at += size + len(mark)
	return inside, nil
}

func early(err error) error {
	if err == io.EOF {
		return errTruncated
	}
	return err
}

// begins reports whether the construct at hand begins so.
func (x *xmlScanner) begins(mark string) bool {
	head, err := x.peek(len(mark))
	return err == nil && string(head) == mark
}

// find gives the distance from x.at to the mark, looked for behind from. The error is io.EOF when there is none.
func (x *xmlScanner) find(from int, mark string) (int, error) {
	for {
		if rest := x.buf[x.at:]; len(rest) >= from {
			if i := index(rest[from:], mark); i >= 0 {
				return from + i, nil
			}
			from = max(from, len(rest)-len(mark)+1)
		}
		if err := x.fill(); err != nil {
			return 0, err
		}
	}
}

func index(s []byte, mark string) int {
	if len(mark) == 1 {
		return bytes.IndexByte(s, mark[0])
	}
	return bytes.Index(s, []byte(mark))
}

// peek gives the next n bytes without taking them.
func (x *xmlScanner) peek(n int) ([]byte, error) {
	for len(x.buf)-x.at < n {
		if err := x.fill(); err != nil {
			return nil, err
		}
	}
	return x.buf[x.at : x.at+n], nil
}

// fill reads more behind what is not yet taken.
func (x *xmlScanner) fill() error {
	if x.eof {
		return io.EOF
	}
	kept := copy(x.buf, x.buf[x.at:])
	x.buf, x.at = x.buf[:kept], 0
	if kept > maxToken {
		return fmt.Errorf("%w: a text in it is longer than 4 MiB", errMalformed)
	}
	if cap(x.buf)-kept < cap(x.buf)/2 {
		x.buf = slices.Grow(x.buf, cap(x.buf))
	}
	n, err := io.ReadAtLeast(x.src, x.buf[kept:cap(x.buf)], 1)
	x.buf = x.buf[:kept+n]
	if err == io.EOF {
		x.eof = true
	}
	if n > 0 {
		return nil
	}
	return err
}
