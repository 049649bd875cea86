package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"denybatch/internal/callback"
	"denybatch/internal/clock"
	"denybatch/internal/request"
)

// CallbackPath is where the endpoint is.
const CallbackPath = "/callback"

// Listen opens an address of this machine, and refuses every other.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("the address %q is not <host>:<port>", addr)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("the address %q is not of this machine alone: give 127.0.0.1:<port>", addr)
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
}

// longestEnd is how long callbacks under way may take when the system ends.
const longestEnd = 30 * time.Second

// listen serves the endpoint. The channel tells when that fails.
func (s *system) listen() (end func() error, broken <-chan error) {
	mux := http.NewServeMux()
	mux.Handle(CallbackPath, &callback.Handler{
		State: s.State, Clock: clock.System{}, Book: listener{s.book, s}, Log: s.Log,
		Tokens: func(context.Context, bool) ([]callback.Token, error) { return s.Tokens, nil },
	})
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: time.Minute,
		IdleTimeout: time.Minute, MaxHeaderBytes: 64 << 10,
	}
	failure := make(chan error, 1)
	go func() {
		if err := server.Serve(s.Listener); !errors.Is(err, http.ErrServerClosed) {
			failure <- fmt.Errorf("the endpoint for callbacks: %w", err)
		}
	}()
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), longestEnd)
		defer cancel()
		return server.Shutdown(ctx)
	}, failure
}

// listener is a book that tells what it hears.
type listener struct {
	request.Book
	s *system
}

// Hear implements [callback.Book].
func (l listener) Hear(ctx context.Context, id request.ID, w request.Word) (request.Record, error) {
	rec, err := l.Book.Hear(ctx, id, w)
	if err == nil {
		l.s.say("Callback: %s says %s; it is %s now.", id, w.Status, rec.State)
	}
	return rec, err
}
