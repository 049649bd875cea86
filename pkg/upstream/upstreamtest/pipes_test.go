package upstreamtest

import (
	"errors"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestInMemoryTimeIsFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Start(t, Config{Memory: true, Latency: time.Hour, InvX: InvX{Auto: true}})
		client := s.Client()
		defer client.CloseIdleConnections()
		start := time.Now()
		patch := func() (*http.Response, error) {
			req, _ := http.NewRequest("PATCH", s.BulkURL(), strings.NewReader(denials("a", "b")))
			req.Header.Set("Authorization", "Bearer "+s.Token())
			return client.Do(req)
		}
		res, err := patch()
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if took := time.Since(start); took != time.Hour || res.StatusCode != 200 {
			t.Errorf("HTTP %d after %v, want 200 after an hour", res.StatusCode, took)
		}
		s.Stop()
		if _, err := patch(); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("while stopped: %v, want a refused connection", err)
		}
		s.Start()
		if res, err = patch(); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	})
}
