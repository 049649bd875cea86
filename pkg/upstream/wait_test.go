package upstream

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const date = "Sun, 01 Mar 2026 11:00:00 GMT" // upstream's clock is an hour behind
	for _, c := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", "", 0},
		{"0", "", 0},
		{"7", "", 7 * time.Second},
		{" 120 ", "", 2 * time.Minute},
		{"1.5", "", 1500 * time.Millisecond},
		{"-5", "", 0},
		{"NaN", "", 0},
		{"Inf", "", longestWait},
		{"99999999999999999999", "", longestWait},
		{"soon", "", 0},
		{"Sun, 01 Mar 2026 12:00:30 GMT", "", 30 * time.Second},
		{"Sun, 01 Mar 2026 11:00:30 GMT", date, 30 * time.Second},
		{"Sunday, 01-Mar-26 11:00:30 GMT", date, 30 * time.Second},
		{"Sun Mar  1 11:00:30 2026", date, 30 * time.Second},
		{"Sun, 01 Mar 2026 10:00:00 GMT", date, 0},
		{"Sun, 01 Mar 2026 12:00:30 GMT", "yesterday", 30 * time.Second},
		{"Fri, 31 Dec 9999 23:59:59 GMT", date, longestWait},
	} {
		h := http.Header{}
		h.Set("Retry-After", c.value)
		if c.date != "" {
			h.Set("Date", c.date)
		}
		if got := retryAfter(h, func() time.Time { return now }); got != c.want {
			t.Errorf("Retry-After %q with Date %q is %v, want %v", c.value, c.date, got, c.want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "7", "1e400", "-0", "0x1p-2", "Sun, 01 Mar 2026 12:00:30 GMT", "Mon, 01 Jan 0001 00:00:00 GMT"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, value, date string) {
		h := http.Header{"Retry-After": {value}, "Date": {date}}
		if got := retryAfter(h, time.Now); got < 0 || got > longestWait {
			t.Errorf("Retry-After %q with Date %q is %v", value, date, got)
		}
	})
}
