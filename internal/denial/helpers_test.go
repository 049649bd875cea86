package denial_test

import (
	"testing"
	"time"
)

func duration(t testing.TB, s string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// pause lets as much time pass as lies between two commands typed one after the other.
func pause(t testing.TB) {
	t.Helper()
	time.Sleep(300 * time.Millisecond)
}
