package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"
)

// What a body may measure at most: an answer, an answer that refuses, and what is read of the latter only to keep
// the connection.
const (
	maxAnswer  = 32 << 20
	maxRefusal = 64 << 10
	maxDrain   = 256 << 10
)

// Client sends requests to one upstream service. It is the only place where a status becomes an error, where a token
// is renewed because it was refused, and where it is decided whether a request can have been carried out. It asks the
// transport itself, so that redirects are never followed, and never sends a request with a body twice, except once
// more after its token was refused. It is safe for concurrent use.
type Client struct {
	transport http.RoundTripper
	timeout   time.Duration // of one request, from dialling to the last byte of its answer; zero for none
	tokens    *Tokens
	authorize func(h http.Header, token string)
	explain   func(body []byte, e *Error)
	renews    func(*Error) bool
	hide      func(string) string
}

// Service is what a Client has to know of the service it speaks to.
type Service struct {
	HTTP      *http.Client                      // its transport and timeout are used; nil: [HTTP]
	Tokens    *Tokens                           // nil: requests go without a token
	Authorize func(h http.Header, token string) // writes the token's headers; unused without Tokens
	Explain   func(body []byte, e *Error)       // fills in what the body of a refusal says; nil: nothing
	Renews    func(*Error) bool                 // whether another token may help after a refusal; nil: [Error.TokenRefused]
	Hide      func(string) string               // takes secrets out of what a foreign refusal says; nil: nothing
}

// New makes a Client.
func New(s Service) *Client {
	h := s.HTTP
	if h == nil {
		h = HTTP()
	}
	transport := h.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	if s.Explain == nil {
		s.Explain = func(_ []byte, e *Error) { e.Foreign = true }
	}
	if s.Renews == nil {
		s.Renews = (*Error).TokenRefused
	}
	if s.Hide == nil {
		s.Hide = func(said string) string { return said }
	}
	return &Client{
		transport: transport,
		timeout:   h.Timeout,
		tokens:    s.Tokens,
		authorize: s.Authorize,
		explain:   s.Explain,
		renews:    s.Renews,
		hide:      s.Hide,
	}
}

// HTTP is an http.Client fit for many concurrent calls to one host. It asks no proxy, and speaks HTTP/1.1 so that a
// broken connection loses one answer and not all of them. Idle connections are dropped before a usual server drops
// them, because a request that meets a closing connection is lost.
func HTTP() *http.Client {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Client{
		Timeout: 60 * time.Second,
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: 10 * time.Second,
			MaxIdleConns:        256,
			MaxIdleConnsPerHost: 128,
			IdleConnTimeout:     45 * time.Second,
			ReadBufferSize:      32 << 10,
			WriteBufferSize:     32 << 10,
			Protocols:           &protocols,
		},
	}
}

// Request is one call. Its Body is free for another use when Do returns.
type Request struct {
	Op     string // what is asked, for errors
	Method string
	URL    string
	Header http.Header // beyond the usual ones; nil for none
	Body   []byte      // JSON; nil for none
}

// Reply is an answer with a success status and a whole body, which belongs to whoever reads it.
type Reply struct {
	Status int
	Header http.Header
	Body   []byte
}

// Date is upstream's clock when it answered; zero when it did not say.
func (r Reply) Date() time.Time { return date(r.Header) }

// Do sends a request and has its reply read. An error of read means that the reply is not what was agreed, unless it
// is an *Error: then upstream refused inside a success.
func (c *Client) Do(ctx context.Context, req Request, read func(Reply) error) error {
	if c.tokens == nil {
		return c.send(ctx, req, Token{}, read)
	}
	token, err := c.tokens.Get(ctx)
	if err != nil {
		return notSent(ctx, req.Op, err)
	}
	err = c.send(ctx, req, token, read)
	if !c.tokenRefused(err) {
		c.tokens.heard(token, err)
		return err
	}
	fresh, renewal := c.tokens.Replace(ctx, token)
	switch {
	case renewal == ErrNoOtherToken:
		return err
	case errors.Is(renewal, ErrNoOtherToken):
		return fmt.Errorf("%w; %v", err, renewal) // the refusal is what counts, and why it stays is worth knowing
	case renewal != nil:
		return notSent(ctx, req.Op, renewal)
	}
	err = c.send(ctx, req, fresh, read)
	if !c.tokenRefused(err) {
		c.tokens.heard(fresh, err)
	}
	return err
}

func (c *Client) tokenRefused(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && c.renews(e)
}

// notSent marks the error of a request that stayed here because no token was to be had.
func notSent(ctx context.Context, op string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: not sent: %w", op, ctx.Err())
	}
	switch d, _ := Judge(err); d {
	case Unauthorized, Forbidden, Misdirected:
		return fmt.Errorf("%s: %w", op, err)
	case Refused, TooLarge:
		return fmt.Errorf("%s: %w", op, &LoginError{err})
	}
	return &UnsentError{op, err}
}

// send puts one request on the wire, at most once.
func (c *Client) send(caller context.Context, req Request, token Token, read func(Reply) error) error {
	ctx, cancel := c.limit(caller)
	defer cancel()
	wire, sealed, err := c.wire(ctx, req, token)
	if err != nil {
		return &UnsentError{req.Op, err}
	}
	defer sealed()
	resp, err := c.transport.RoundTrip(wire)
	if err == nil {
		if resp.Body == nil {
			resp.Body = http.NoBody
		}
		defer resp.Body.Close()
		return c.hear(req.Op, resp, read)
	}
	switch untouched := sealed(); {
	case !untouched:
		return &LostError{req.Op, err}
	case caller.Err() != nil:
		return fmt.Errorf("%s: not sent: %w", req.Op, caller.Err())
	}
	return &UnsentError{req.Op, err}
}

func (c *Client) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.timeout > 0 {
		return context.WithTimeout(ctx, c.timeout)
	}
	return ctx, func() {}
}

// wire makes the HTTP request, and a function that ends the sending and reports whether none of it can have arrived.
func (c *Client) wire(ctx context.Context, req Request, token Token) (_ *http.Request, sealed func() (untouched bool), err error) {
	if req.Body == nil {
		var connected atomic.Bool
		ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
		sealed = func() bool { return !connected.Load() }
	}
	wire, err := http.NewRequestWithContext(ctx, req.Method, req.URL, nil)
	if err != nil {
		return nil, nil, err
	}
	for name, values := range req.Header {
		wire.Header[name] = values
	}
	wire.Header.Set("Accept", "application/json")
	wire.Header.Set("User-Agent", "denybatch")
	if c.tokens != nil && c.authorize != nil {
		c.authorize(wire.Header, token.Reveal())
	}
	if req.Body != nil {
		p := &parcel{data: req.Body}
		wire.Header.Set("Content-Type", "application/json")
		wire.ContentLength = int64(len(req.Body))
		wire.GetBody = p.open
		wire.Body, _ = p.open()
		sealed = p.seal
	}
	return wire, sealed, nil
}

// hear turns a response into a read reply or an error.
func (c *Client) hear(op string, resp *http.Response, read func(Reply) error) error {
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return c.refusal(op, resp)
	}
	body, err := readAll(resp.Body, resp.ContentLength, maxAnswer)
	if err != nil {
		return &LostError{op, err}
	}
	err = read(Reply{resp.StatusCode, resp.Header, body})
	if e, ok := errors.AsType[*Error](err); ok {
		e.Op, e.Status = op, resp.StatusCode
		e.addHeaders(resp.Header)
		return e
	}
	if err != nil {
		return &LostError{op, err}
	}
	return nil
}

// refusal is the error that a status means, with what the body says of it. The status alone says enough when the
// body is cut off, except that a 404 may come from upstream or from somebody who knows nothing of it.
func (c *Client) refusal(op string, resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err != nil && resp.StatusCode == http.StatusNotFound {
		return &LostError{op, err}
	}
	io.CopyN(io.Discard, resp.Body, maxDrain)
	e := &Error{Op: op, Status: resp.StatusCode}
	e.addHeaders(resp.Header)
	c.explain(body, e)
	if target, _, _ := strings.Cut(resp.Header.Get("Location"), "?"); target != "" && e.Detail == "" {
		e.Detail = "points to " + c.hide(target)
	}
	if e.Code == "" && e.Detail == "" {
		e.Detail = firstWords([]byte(c.hide(string(body))))
	}
	return e
}

func (e *Error) addHeaders(h http.Header) {
	e.RequestID = requestID(h)
	e.RetryAfter = retryAfter(h, time.Now)
}

// requestID is the name by which upstream, or whoever stands before it, knows a request.
func requestID(h http.Header) string {
	for _, name := range []string{"X-Request-Id", "X-Correlation-Id", "X-Amzn-Requestid", "X-Amzn-Trace-Id", "X-Amz-Cf-Id", "Cf-Ray"} {
		if id := h.Get(name); id != "" {
			return id
		}
	}
	return ""
}

// readAll reads a body that may measure at most limit. The announced size saves copying and is otherwise not believed.
func readAll(r io.Reader, announced int64, limit int) ([]byte, error) {
	buf := make([]byte, 0, min(max(announced, 0), 1<<20)+512)
	for {
		n, err := r.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > limit:
			return nil, fmt.Errorf("the answer is longer than %d MiB", limit>>20)
		case err == io.EOF:
			return buf, nil
		case err != nil:
			return nil, err
		case len(buf) == cap(buf):
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// firstWords is the beginning of a foreign body as a person can read it: no markup, no line ends.
func firstWords(body []byte) string {
	const enough = 160
	var words strings.Builder
	markup, gap := false, false
	for _, r := range strings.ToValidUTF8(string(body[:min(len(body), 4<<10)]), "") {
		switch {
		case r == '<':
			markup, gap = true, true
		case r == '>':
			markup = false
		case markup:
		case r <= ' ' || r == 0x7f:
			gap = true
		default:
			if gap && words.Len() > 0 {
				words.WriteByte(' ')
			}
			gap = false
			words.WriteRune(r)
		}
		if words.Len() >= enough {
			return words.String() + "…"
		}
	}
	return words.String()
}
