// Package upstreamtest is the upstream services as one local HTTP server with real state: Vayana InvX with its login
// service theodore, and ROIT with its callbacks. What it answers can be told to go wrong in every way we know of, always the
// same for the same seed, and it keeps the truth about every document and request, so that tests can hold verdicts against
// what happened. It plays what contracts/vayana-invx.md and contracts/roit.md document; what is not documented there is an
// option here.
package upstreamtest

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a server is like. The zero Config is a well-behaved upstream without documents.
type Config struct {
	Addr    string        // loopback address to listen on; any free port when empty
	Memory  bool          // no port: only Client reaches the server, over pipes that a synctest bubble can own
	Seed    uint64        // all random choices follow from it and from the calls
	Faults  string        // what goes wrong; see FaultHelp
	Latency time.Duration // every answer takes at least this long, counted from the arrival of its request
	Skew    time.Duration // how far upstream's clock is ahead in Date headers and lastUpdated; negative is behind
	Keep    int           // how many calls the log keeps; 10,000 when zero
	OnCall  func(Call)    // hears of every call before its answer goes out; may be called from many goroutines at once
	InvX    InvX
	ROIT    ROIT
}

// Server is a running upstream. Its methods may be called from many goroutines at once.
type Server struct {
	cfg    Config
	mux    *http.ServeMux
	luck   chance
	faults atomic.Pointer[Faults]
	book   book
	invx   *invx
	roit   *roit

	mu       sync.Mutex // guards what follows
	addr     string
	listener *http.Server // nil while stopped
	pipes    *pipes       // where connections arrive in memory; nil unless Config.Memory
	closed   bool
}

// TB is what Start needs of a test.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Start runs a server for the length of a test.
func Start(t TB, cfg Config) *Server {
	t.Helper()
	s, err := New(cfg)
	if err != nil {
		t.Fatalf("upstreamtest: %v", err)
	}
	t.Cleanup(s.Close)
	return s
}

// New runs a server until Close.
func New(cfg Config) (*Server, error) {
	cfg.Addr = cmp.Or(cfg.Addr, "127.0.0.1:0")
	if err := loopbackOnly(cfg.Addr); err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, mux: http.NewServeMux(), luck: chance(0).of(cfg.Seed), addr: cfg.Addr}
	s.book.keep = cmp.Or(cfg.Keep, 10_000)
	if err := s.SetFaults(cfg.Faults); err != nil {
		return nil, err
	}
	if err := s.prepare(); err != nil {
		return nil, err
	}
	s.invx.routes(s.mux)
	s.roit.routes(s.mux)
	s.controlRoutes(s.mux)
	s.mux.HandleFunc("/", s.unknownRoute)
	return s, s.Start()
}

// prepare makes both halves and what they hold to begin with.
func (s *Server) prepare() (err error) {
	if s.invx, err = newInvX(s, s.cfg.InvX); err != nil {
		return err
	}
	if s.roit, err = newROIT(s, s.cfg.ROIT); err != nil {
		return err
	}
	if file := s.cfg.InvX.CSV; file != nil {
		if _, err := s.AddCSV(file); err != nil {
			return err
		}
	}
	if file := s.cfg.ROIT.CSV; file != nil {
		_, err = s.AddRequestsCSV(file)
	}
	return err
}

func loopbackOnly(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address %q: want host:port, such as 127.0.0.1:8080", addr)
	}
	if host == "localhost" || isLoopback(host) {
		return nil
	}
	return fmt.Errorf("address %q: the simulator listens on this machine only, such as on 127.0.0.1:8080", addr)
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// SetFaults changes what goes wrong from the next call on. Call numbers go on counting.
func (s *Server) SetFaults(spec string) error {
	faults, err := ParseFaults(spec)
	if err != nil {
		return err
	}
	s.faults.Store(&faults)
	return nil
}

// URL is the server's base URL, such as http://127.0.0.1:40123. It stays the same over Stop and Start.
func (s *Server) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return "http://" + s.addr
}

// Start listens again, on the same port, after a Stop. State, sessions and call numbers are as they were.
func (s *Server) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return errors.New("upstreamtest: the server was closed")
	case s.listener != nil:
		return nil
	}
	port, err := s.listen()
	if err != nil {
		return err
	}
	s.listener = &http.Server{Handler: s.mux, ErrorLog: log.New(io.Discard, "", 0)}
	go s.listener.Serve(port)
	return nil
}

func (s *Server) listen() (net.Listener, error) {
	if s.cfg.Memory {
		s.pipes, s.addr = newPipes(), "upstream.test"
		return s.pipes, nil
	}
	port, err := net.Listen("tcp", s.addr)
	if err == nil {
		s.addr = port.Addr().String()
	}
	return port, err
}

// Client reaches the server, however it listens. It follows no proxy settings and shares no connections with other clients.
func (s *Server) Client() *http.Client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	if s.cfg.Memory {
		transport.DialContext = s.dialPipe
	}
	return &http.Client{Transport: transport}
}

// Stop closes the port and every connection: from now on connections are refused.
func (s *Server) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		s.listener.Close()
		s.listener = nil
	}
}

// Close stops the server for good. Callbacks that are due no longer come, and those under way are broken off.
func (s *Server) Close() {
	s.Stop()
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.roit.errands.end()
	s.roit.caller.hangUp()
}

// outage stops the server for a while. It does not wait.
func (s *Server) outage(length time.Duration) {
	s.Stop()
	time.AfterFunc(length, func() { s.Start() })
}

// now is the time on upstream's clock.
func (s *Server) now() time.Time { return time.Now().Add(s.cfg.Skew) }
