package upstream

import (
	"io"
	"sync"
	"sync/atomic"
	"testing"
)

func TestParcelLeavesOnce(t *testing.T) {
	t.Run("ASecondCopyTakesOverWhileNothingWasRead", func(t *testing.T) {
		p := &parcel{data: []byte("body")}
		first, _ := p.open()
		second, err := p.open()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(second); string(got) != "body" || err != nil {
			t.Errorf("the second copy gave %q, %v", got, err)
		}
		if got, err := io.ReadAll(first); len(got) > 0 || err == nil {
			t.Errorf("the first copy gave %q too, %v", got, err)
		}
		if p.seal() {
			t.Error("it was read, yet says that it was untouched")
		}
	})
	t.Run("NoCopyAfterReading", func(t *testing.T) {
		p := &parcel{data: []byte("body")}
		first, _ := p.open()
		first.Read(make([]byte, 1))
		if _, err := p.open(); err == nil {
			t.Error("a second copy was opened")
		}
	})
	t.Run("NothingAfterSealing", func(t *testing.T) {
		p := &parcel{data: []byte("body")}
		first, _ := p.open()
		if !p.seal() {
			t.Error("nobody read it, yet it says so")
		}
		if n, err := first.Read(make([]byte, 9)); n > 0 || err == nil {
			t.Errorf("%d bytes left after sealing, %v", n, err)
		}
		if _, err := p.open(); err == nil {
			t.Error("a copy was opened after sealing")
		}
	})
	t.Run("UntouchedOrReadButNeverBoth", func(t *testing.T) {
		for range 200 {
			p := &parcel{data: []byte("body")}
			copies := [2]io.ReadCloser{}
			copies[0], _ = p.open()
			copies[1], _ = p.open()
			var left atomic.Int32
			var wg sync.WaitGroup
			for _, c := range copies {
				wg.Go(func() {
					if n, _ := c.Read(make([]byte, 9)); n > 0 {
						left.Add(1)
					}
				})
			}
			untouched := p.seal()
			wg.Wait()
			if n := left.Load(); n > 1 || untouched && n > 0 {
				t.Fatalf("%d copies gave bytes, untouched is %v", n, untouched)
			}
		}
	})
}
