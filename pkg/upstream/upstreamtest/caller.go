package upstreamtest

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"unicode"
)

// caller sends callbacks. It reaches this machine and nothing else: what is simulated must never be told to anybody real.
type caller struct {
	client *http.Client
	given  bool // the client is the caller's own
	header string
	word   string // before the token
	slots  chan struct{}

	mu    sync.Mutex // guards what follows
	url   string
	token string
	kept  latest[CallbackDelivery]
	keep  int
}

func (c *caller) prepare(cfg ROIT, keep int) (err error) {
	if c.header, c.word, err = parseHeaderForm(cfg.CallbackHeader); err != nil {
		return err
	}
	c.keep, c.slots, c.given = keep, make(chan struct{}, callbacksAtOnce), cfg.CallbackClient != nil
	client := http.Client{Transport: &http.Transport{DialContext: dialLoopback, MaxIdleConnsPerHost: callbacksAtOnce}}
	if c.given {
		client = *cfg.CallbackClient
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Timeout = cmp.Or(client.Timeout, callbackTimeout)
	c.client = &client
	if err := c.aim(cfg.CallbackURL, cfg.CallbackToken); err != nil {
		return fmt.Errorf("callback: %w", err)
	}
	return nil
}

// parseHeaderForm reads how a token is carried: "Name", "Name: Word" or either with "<token>" behind it.
func parseHeaderForm(form string) (name, word string, err error) {
	name, word, _ = strings.Cut(form, ":")
	word = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(word), "<token>"))
	name = strings.TrimSpace(name)
	if name == "" || strings.ContainsFunc(name, notInHeaderNames) || strings.ContainsFunc(word, unicode.IsControl) {
		return "", "", fmt.Errorf("callback header %q: want a form such as X-Callback-Token or Authorization: Bearer <token>", form)
	}
	return name, word, nil
}

func notInHeaderNames(r rune) bool {
	return r > unicode.MaxASCII || r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// aim changes where callbacks go.
func (c *caller) aim(address, token string) error {
	if address != "" {
		if err := c.reachable(address); err != nil {
			return err
		}
	}
	if strings.ContainsFunc(token, unicode.IsControl) {
		return errors.New("its token cannot stand in a header")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.url, c.token = address, token
	return nil
}

// reachable wants an address on this machine. With a client of one's own, names that end in .test are good, too: they exist
// nowhere, so that only that client can know them.
func (c *caller) reachable(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("URL %q: want an address such as http://127.0.0.1:8081/callback", address)
	}
	host := u.Hostname()
	if isLocalName(host) || isLoopback(host) || c.given && strings.HasSuffix(host, ".test") {
		return nil
	}
	return fmt.Errorf("URL %q: the simulator calls this machine only, such as http://127.0.0.1:8081/callback", address)
}

// isLocalName knows localhost and the names below it, which emulators like to use.
func isLocalName(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// dialLoopback connects to this machine, and looks at the very address that is connected to, whatever names lead to it.
func dialLoopback(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && isLocalName(host) {
		address = net.JoinHostPort("localhost", port)
	}
	dialer := net.Dialer{Control: func(_, resolved string, _ syscall.RawConn) error {
		if host, _, err := net.SplitHostPort(resolved); err != nil || !isLoopback(host) {
			return fmt.Errorf("%s is not on this machine", resolved)
		}
		return nil
	}}
	return dialer.DialContext(ctx, network, address)
}

func (c *caller) target() (url, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.url, c.token
}

// enter takes one of the places for callbacks under way; false when there is no time left to wait for it.
func (c *caller) enter(ctx context.Context) bool {
	select {
	case c.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (c *caller) leave() { <-c.slots }

// post sends a callback and gives the status of the answer.
func (c *caller) post(ctx context.Context, url, token string, body []byte) (status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header["Content-Type"] = jsonType
	if token != "" {
		req.Header.Set(c.header, strings.TrimSpace(c.word+" "+token))
	}
	res, err := c.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	io.Copy(io.Discard, io.LimitReader(res.Body, largestROITBody)) // so that the connection serves again
	return res.StatusCode, nil
}

func (c *caller) keepOne(d CallbackDelivery) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.kept.add(d, c.keep)
}

func (c *caller) deliveries() []CallbackDelivery {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kept.all()
}

// hangUp gives up the connections that the server made itself.
func (c *caller) hangUp() {
	if !c.given {
		c.client.CloseIdleConnections()
	}
}
