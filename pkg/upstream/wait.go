package upstream

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestWait bounds Retry-After where the number upstream sent would not fit a Duration.
const longestWait = 1 << 31 * time.Second

// retryAfter is how long the headers ask to wait: seconds, or a date by the answer's own clock. Zero for none, for
// what is not understood, and for the past.
func retryAfter(h http.Header, now func() time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		return seconds2wait(seconds)
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	from := date(h)
	if from.IsZero() {
		from = now()
	}
	return min(max(until.Sub(from), 0), longestWait)
}

func seconds2wait(seconds float64) time.Duration {
	switch {
	case !(seconds > 0): // also what is not a number
		return 0
	case seconds > longestWait.Seconds():
		return longestWait
	}
	return time.Duration(seconds * float64(time.Second))
}

// date is the Date header; zero when there is none.
func date(h http.Header) time.Time {
	t, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}
