package s3

import "testing"

// A writer never holds more than a part, and does not copy what it holds with every write.
func TestGrowIsBounded(t *testing.T) {
	for _, step := range []int{1, 100, 32 << 10, partSize} {
		var b []byte
		grown := 0
		for len(b)+step <= partSize {
			next := grow(b, step)
			if cap(next) != cap(b) {
				grown++
			}
			b = next[:len(b)+step]
		}
		if cap(b) > partSize || grown > 24 {
			t.Errorf("in steps of %d: room for %d bytes after growing %d times", step, cap(b), grown)
		}
	}
}
