package upstream

import (
	"errors"
	"io"
	"sync"
)

// parcel is a request body that leaves at most once, and knows whether it has. The transport may open it again when a
// kept-alive connection turned out to be dead, but only the first copy that is read from ever gives bytes; so whatever
// the transport does, a request whose parcel was never touched was never carried out, and no request goes out twice.
type parcel struct {
	mu     sync.Mutex
	data   []byte
	reader *parcelReader // whom the bytes belong to; nil while nobody has read
	sealed bool
}

var errParcelSpent = errors.New("the request body has already been sent")

// open gives a copy to send. It fails when another copy has been read from.
func (p *parcel) open() (io.ReadCloser, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sealed || p.reader != nil {
		return nil, errParcelSpent
	}
	return &parcelReader{parcel: p}, nil
}

// seal ends all reading, so that the bytes may be used for something else, and reports whether there was none.
func (p *parcel) seal() (untouched bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sealed, p.data = true, nil
	return p.reader == nil
}

type parcelReader struct {
	parcel *parcel
	off    int
}

func (r *parcelReader) Read(b []byte) (int, error) {
	p := r.parcel
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reader == nil && !p.sealed {
		p.reader = r
	}
	if p.sealed || p.reader != r {
		return 0, errParcelSpent
	}
	if r.off == len(p.data) {
		return 0, io.EOF
	}
	n := copy(b, p.data[r.off:])
	r.off += n
	return n, nil
}

func (*parcelReader) Close() error { return nil }
