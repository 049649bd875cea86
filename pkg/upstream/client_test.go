package upstream

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// wire is a server that answers with whatever bytes a test wants, and counts the requests it heard.
type wire struct {
	url   string
	heard atomic.Int32
	paths sync.Map
}

// listen serves each request on a connection by answer, until that says to close.
func listen(t *testing.T, answer func(conn net.Conn, r *http.Request) (more bool)) *wire {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{url: "http://" + l.Addr().String()}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { w.serve(conn, answer) })
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return w
}

func (w *wire) serve(conn net.Conn, answer func(net.Conn, *http.Request) bool) {
	defer conn.Close()
	br := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			return
		}
		io.Copy(io.Discard, r.Body)
		w.heard.Add(1)
		w.paths.Store(r.URL.Path, true)
		if !answer(conn, r) {
			return
		}
	}
}

// says answers every request with the same bytes and closes the connection.
func says(bytes string) func(net.Conn, *http.Request) bool {
	return func(conn net.Conn, _ *http.Request) bool {
		io.WriteString(conn, bytes)
		return false
	}
}

// reset ends a connection so that the other side sees a reset instead of an end.
func reset(conn net.Conn) {
	conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

func patch(url string) Request {
	return Request{Op: "deny", Method: http.MethodPatch, URL: url + "/bulk", Body: []byte(`[1]`)}
}

func isJSON(reply Reply) error {
	if len(reply.Body) == 0 || reply.Body[0] != '{' {
		return fmt.Errorf("not JSON: %q", reply.Body)
	}
	return nil
}

// client is one with its own connections, which end with the test.
func client(t *testing.T, s Service) *Client {
	if s.HTTP == nil {
		s.HTTP = HTTP()
	}
	t.Cleanup(s.HTTP.CloseIdleConnections)
	return New(s)
}

const whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(net.Conn, *http.Request) bool
		want   Disposition
	}{
		{"Whole", says(whole), Fine},
		{"WholeWithoutLength", says("HTTP/1.1 200 OK\r\n\r\n{}"), Fine},
		{"WholeInChunks", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"), Fine},
		{"Multistatus", says("HTTP/1.1 207 Multi\r\nContent-Length: 2\r\n\r\n{}"), Fine},
		{"Empty", says("HTTP/1.1 204 No Content\r\n\r\n"), Lost},
		{"Foreign", says("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"), Lost},
		{"CutOff", says("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{"), Lost},
		{"CutOffInAChunk", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"), Lost},
		{"CutOffBetweenChunks", says("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"), Lost},
		{"CutOffInTheHeader", says("HTTP/1.1 200 OK\r\nContent-Le"), Lost},
		{"NotHTTP", says("SSH-2.0-OpenSSH_9.6\r\n"), Lost},
		{"ClosedWithoutAWord", says(""), Lost},
		{"ResetWithoutAWord", func(conn net.Conn, _ *http.Request) bool { reset(conn); return false }, Lost},
		{"ResetInTheBody", func(conn net.Conn, _ *http.Request) bool {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{")
			time.Sleep(20 * time.Millisecond)
			reset(conn)
			return false
		}, Lost},
		{"A404CutOff", says("HTTP/1.1 404 Not Found\r\nContent-Length: 20\r\n\r\n{"), Lost},
		{"A413CutOff", says("HTTP/1.1 413 Too Large\r\nContent-Length: 20\r\n\r\n{"), TooLarge},
		{"A404FromSomebodyElse", says("HTTP/1.1 404 Not Found\r\n\r\n<h1>nginx</h1>"), Misdirected},
		{"A503", says("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), Lost},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := listen(t, c.answer)
			err := client(t, Service{}).Do(t.Context(), patch(w.url), isJSON)
			if got, reason := Judge(err); got != c.want {
				t.Errorf("judged %v (%s), want %v: %v", got, reason, c.want, err)
			}
			if n := w.heard.Load(); n != 1 {
				t.Errorf("%d requests on the wire", n)
			}
		})
	}
}

func TestNotReached(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	l.Close()
	plain := listen(t, says("HTTP/1.0 400 plain HTTP\r\n\r\n"))
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	tls.Config.ErrorLog = nil
	defer tls.Close()
	for name, url := range map[string]string{
		"ConnectionRefused":   "http://" + closed,
		"NameUnknown":         "http://no-such-host.invalid",
		"NoTLSThere":          strings.Replace(plain.url, "http:", "https:", 1),
		"CertificateUnknown":  tls.URL,
		"AddressMakesNoSense": "http://[::1]:99999",
	} {
		for _, req := range []Request{patch(url), {Op: "read", Method: http.MethodGet, URL: url}} {
			t.Run(name+req.Method, func(t *testing.T) {
				err := client(t, Service{}).Do(t.Context(), req, isJSON)
				if got, _ := Judge(err); got != Unsent {
					t.Errorf("judged %v, want unsent: %v", got, err)
				}
			})
		}
	}
}

func TestTimeouts(t *testing.T) {
	silent := func(conn net.Conn, _ *http.Request) bool {
		conn.Read(make([]byte, 1)) // until the client gives up
		return false
	}
	slow := func(conn net.Conn, r *http.Request) bool {
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{")
		return silent(conn, r)
	}
	for name, answer := range map[string]func(net.Conn, *http.Request) bool{"BeforeTheHeader": silent, "InTheBody": slow} {
		for _, method := range []string{http.MethodPatch, http.MethodGet} {
			req := func(url string) Request {
				r := patch(url)
				if method == http.MethodGet {
					r.Method, r.Body = method, nil
				}
				return r
			}
			t.Run(name+"/TheClients/"+method, func(t *testing.T) {
				t.Parallel()
				h := HTTP()
				h.Timeout = 100 * time.Millisecond
				w := listen(t, answer)
				wantLost(t, client(t, Service{HTTP: h}).Do(t.Context(), req(w.url), isJSON), "answer lost: timeout")
			})
			t.Run(name+"/TheCallers/"+method, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				w := listen(t, answer)
				wantLost(t, client(t, Service{}).Do(ctx, req(w.url), isJSON), "answer lost: timeout")
			})
			t.Run(name+"/CancelledInFlight/"+method, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(100*time.Millisecond, cancel)
				w := listen(t, answer)
				wantLost(t, client(t, Service{}).Do(ctx, req(w.url), isJSON), "answer lost: context canceled")
			})
		}
	}
	t.Run("BeforeItWasSent", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		w := listen(t, says(whole))
		err := client(t, Service{}).Do(ctx, patch(w.url), isJSON)
		if got, _ := Judge(err); got != Cancelled || w.heard.Load() != 0 {
			t.Errorf("judged %v with %d requests: %v", got, w.heard.Load(), err)
		}
	})
	t.Run("WhileConnecting", func(t *testing.T) {
		h := HTTP()
		h.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err := client(t, Service{HTTP: h}).Do(ctx, patch("http://127.0.0.1:9"), isJSON)
		if got, _ := Judge(err); got != Cancelled {
			t.Errorf("the caller's deadline is judged %v: %v", got, err)
		}
		h.Timeout = 20 * time.Millisecond
		err = client(t, Service{HTTP: h}).Do(t.Context(), patch("http://127.0.0.1:9"), isJSON)
		if got, _ := Judge(err); got != Unsent {
			t.Errorf("the client's timeout is judged %v: %v", got, err)
		}
	})
}

func wantLost(t *testing.T, err error, reason string) {
	t.Helper()
	if got, why := Judge(err); got != Lost || why != reason {
		t.Errorf("judged %v (%s), want lost (%s): %v", got, why, reason, err)
	}
}

// TestOnTheWireAtMostOnce: the server closes a kept-alive connection at every moment at which it can.
func TestOnTheWireAtMostOnce(t *testing.T) {
	t.Run("ClosedWhileIdle", func(t *testing.T) {
		w := listen(t, says(whole)) // keep-alive is promised and broken
		c := client(t, Service{})
		for i := range 200 {
			err := c.Do(t.Context(), patch(w.url), isJSON)
			d, _ := Judge(err)
			if d != Fine && d != Lost && d != Unsent {
				t.Fatalf("judged %v: %v", d, err)
			}
			if n := int(w.heard.Load()); n > i+1 {
				t.Fatalf("%d requests on the wire for %d calls", n, i+1)
			} else if d == Unsent && n == i+1 {
				t.Fatalf("judged unsent, yet it was heard: %v", err)
			} else if d != Fine {
				w.heard.Store(int32(i + 1)) // as if heard, so that the count goes on
			}
		}
	})
	t.Run("ClosedAfterReading", func(t *testing.T) {
		first := true
		w := listen(t, func(conn net.Conn, r *http.Request) bool {
			if first {
				first = false
				io.WriteString(conn, whole)
				return true
			}
			return false
		})
		c := client(t, Service{})
		if err := c.Do(t.Context(), patch(w.url), isJSON); err != nil {
			t.Fatal(err)
		}
		err := c.Do(t.Context(), patch(w.url), isJSON) // on the same connection: net/http would send a GET again
		if got, _ := Judge(err); got != Lost || w.heard.Load() != 2 {
			t.Errorf("judged %v, %d requests for two calls: %v", got, w.heard.Load(), err)
		}
	})
}

func TestConnectionsAreReused(t *testing.T) {
	var conns atomic.Int32
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		if r.URL.Path == "/refused" {
			w.WriteHeader(400)
			io.WriteString(w, strings.Repeat("x", maxRefusal+1000))
			return
		}
		io.WriteString(w, "{"+strings.Repeat(" ", 100_000)+"}")
	}))
	srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	c := client(t, Service{})
	for range 5 {
		if err := c.Do(t.Context(), patch(srv.URL), isJSON); err != nil {
			t.Fatal(err)
		}
		c.Do(t.Context(), Request{Op: "x", Method: "GET", URL: srv.URL + "/refused"}, isJSON)
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections for ten calls in a row", n)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		w := listen(t, says(fmt.Sprintf("HTTP/1.1 %d Moved\r\nLocation: /elsewhere?secret\r\nContent-Length: 0\r\n\r\n", status)))
		err := client(t, Service{}).Do(t.Context(), patch(w.url), isJSON)
		if got, _ := Judge(err); got != Misdirected || !strings.Contains(err.Error(), "points to /elsewhere") {
			t.Errorf("%d is judged %v: %v", status, got, err)
		}
		if _, followed := w.paths.Load("/elsewhere"); followed || w.heard.Load() != 1 {
			t.Errorf("%d was followed", status)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	endless := func(status string) func(net.Conn, *http.Request) bool {
		return func(conn net.Conn, _ *http.Request) bool {
			io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Type: text/plain\r\n\r\n")
			block := []byte(strings.Repeat("x", 1<<20))
			for {
				if _, err := conn.Write(block); err != nil {
					return false
				}
			}
		}
	}
	err := client(t, Service{}).Do(t.Context(), patch(listen(t, endless("200 OK")).url), isJSON)
	if got, _ := Judge(err); got != Lost || !strings.Contains(err.Error(), "32 MiB") {
		t.Errorf("an endless answer is judged %v: %v", got, err)
	}
	err = client(t, Service{}).Do(t.Context(), patch(listen(t, endless("400 Bad")).url), isJSON)
	if got, _ := Judge(err); got != Refused || len(err.Error()) > 1000 {
		t.Errorf("an endless refusal is judged %v: %v", got, err)
	}
	huge := "HTTP/1.1 200 OK\r\nContent-Length: 9000000000000000000\r\n\r\n{}"
	err = client(t, Service{}).Do(t.Context(), patch(listen(t, says(huge)).url), isJSON)
	if got, _ := Judge(err); got != Lost {
		t.Errorf("a boast of size is judged %v: %v", got, err)
	}
}

func TestErrorEvidence(t *testing.T) {
	w := listen(t, says("HTTP/1.1 429 Slow\r\nRetry-After: 9\r\nX-Request-Id: r-17\r\n\r\n<html><head><title>Slow\ndown</title></head></html>"))
	err := client(t, Service{}).Do(t.Context(), patch(w.url), isJSON)
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	if want := (Error{Op: "deny", Status: 429, Detail: "Slow down", Foreign: true, RequestID: "r-17", RetryAfter: 9 * time.Second}); *e != want {
		t.Errorf("got %+v, want %+v", *e, want)
	}
}

func TestARefusalInsideASuccess(t *testing.T) {
	w := listen(t, says("HTTP/1.1 200 OK\r\nX-Request-Id: r-17\r\nContent-Length: 2\r\n\r\n{}"))
	err := client(t, Service{}).Do(t.Context(), patch(w.url), func(Reply) error { return &Error{Code: "err-x"} })
	if want := "deny: HTTP 200 err-x"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if e, _ := errors.AsType[*Error](err); e.RequestID != "r-17" {
		t.Errorf("the request id is %q", e.RequestID)
	}
}

func TestNoTokenMeansNotSent(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want Disposition
	}{
		{"LoginLost", &LostError{"log in", io.EOF}, Unsent},
		{"LoginUnsent", &UnsentError{"log in", io.EOF}, Unsent},
		{"LoginThrottled", &Error{Status: 429}, Unsent},
		{"LoginFailed", &Error{Status: 500}, Unsent},
		{"LoginTimedOut", context.DeadlineExceeded, Unsent},
		{"LoginRefused", &LoginError{&Error{Status: 400}}, Forbidden},
		{"LoginRefusedUnmarked", &Error{Status: 400}, Forbidden},
		{"TooManySessions", &Error{Status: 401}, Unauthorized},
		{"NoLoginThere", &Error{Status: 404, Foreign: true}, Misdirected},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := listen(t, says(whole))
			tokens := NewTokens(func(context.Context, Grant) (Grant, error) { return Grant{}, c.err }, time.Now)
			err := client(t, Service{Tokens: tokens}).Do(t.Context(), patch(w.url), isJSON)
			if got, _ := Judge(err); got != c.want || w.heard.Load() != 0 || !errors.Is(err, c.err) {
				t.Errorf("judged %v with %d requests: %v", got, w.heard.Load(), err)
			}
		})
	}
}

func TestAServiceSaysWhatAnotherTokenHelpsWith(t *testing.T) {
	const refused = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n"
	either := func(e *Error) bool { return e.Status == 401 || e.Status == 403 }
	for _, c := range []struct {
		name   string
		renews func(*Error) bool
		second error // of the fetch after the first
		heard  int32
		want   Disposition
		says   string
	}{
		{"NotUnlessItSaysSo", nil, nil, 1, Unauthorized, ""},
		{"Once", either, nil, 2, Unauthorized, ""},
		{"NoneToBeHad", either, ErrNoOtherToken, 1, Unauthorized, ""},
		{"NoneToBeHadForAReason", either, fmt.Errorf("%w: the store is down", ErrNoOtherToken), 1, Unauthorized, "the store is down"},
		{"NoneForNow", either, &LostError{"log in", io.EOF}, 1, Unsent, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := listen(t, says(refused))
			fetches := 0
			tokens := NewTokens(func(context.Context, Grant) (Grant, error) {
				if fetches++; fetches > 1 && c.second != nil {
					return Grant{}, c.second
				}
				return Grant{Token: NewSecret(fmt.Sprint(fetches))}, nil
			}, time.Now)
			err := client(t, Service{Tokens: tokens, Renews: c.renews}).Do(t.Context(), patch(w.url), isJSON)
			if got, _ := Judge(err); got != c.want || w.heard.Load() != c.heard || !strings.Contains(err.Error(), c.says) {
				t.Errorf("judged %v with %d requests: %v", got, w.heard.Load(), err)
			}
		})
	}
}

func TestForeignWordsAreHidden(t *testing.T) {
	hide := func(said string) string { return strings.ReplaceAll(said, "hunter2", "***") }
	for answer, want := range map[string]string{
		"HTTP/1.1 400 Bad\r\n\r\n<p>" + strings.Repeat("x", 155) + "hunter2</p>": strings.Repeat("x", 155) + "***",
		"HTTP/1.1 302 Found\r\nLocation: /hunter2?x\r\n\r\n":                     "points to /***",
	} {
		err := client(t, Service{Hide: hide}).Do(t.Context(), patch(listen(t, says(answer)).url), isJSON)
		if e, ok := errors.AsType[*Error](err); !ok || e.Detail != want {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestFirstWords(t *testing.T) {
	for body, want := range map[string]string{
		"": "",
		"<html>\r\n<head><title>502 Bad Gateway</title></head><body>\n<h1>nginx</h1>": "502 Bad Gateway nginx",
		"\x00\xff plain\ttext":   "plain text",
		"<unclosed":              "",
		strings.Repeat("ä", 500): strings.Repeat("ä", 80) + "…",
	} {
		if got := firstWords([]byte(body)); got != want {
			t.Errorf("the first words of %q are %q, want %q", body, got, want)
		}
	}
}
