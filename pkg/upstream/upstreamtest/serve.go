package upstreamtest

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// call is one request on its way through the server.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	arrived time.Time
	about   facts
	effects effects
	log     Call
	doubles int
}

// reply is an answer before faults have their way with it. Status 0 closes the connection instead.
type reply struct {
	status int
	code   string // error.message, for the log
	html   bool
	retry  string // Retry-After
	body   []byte
	free   func() // gives the body back once it is written; nil when it belongs to nobody
}

// serve runs one kind of call from its arrival to its answer.
func (s *Server) serve(kind Kind, answer func(*call) reply) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{w: w, r: r, arrived: time.Now()}
		c.about.number, c.about.total = s.book.open(kind)
		c.log = Call{Kind: kind, Number: c.about.number, At: c.arrived}
		rep := answer(c)
		if rep.free != nil {
			defer rep.free()
		}
		s.enter(c, rep)
		s.wait(c)
		s.deliver(c, rep)
	}
}

func (s *Server) enter(c *call, rep reply) {
	c.log.Status, c.log.Code, c.log.Faults = rep.status, rep.code, c.effects.fired
	s.enterCall(c.log, c.doubles)
}

// enterCall writes a call down and tells who wants to hear of it.
func (s *Server) enterCall(c Call, doubles int) {
	s.book.enter(c, doubles)
	if s.cfg.OnCall != nil {
		s.cfg.OnCall(c)
	}
}

// interfere lets faults befall a call. When one of them answers in its place, the call must not be carried out.
func (s *Server) interfere(c *call) (reply, bool) {
	kind := c.log.Kind
	if kind == Refresh {
		kind = Login
	}
	c.effects = s.faults.Load().decide(kind, c.about, s.luck.ofText("fault"))
	if c.effects.instead == nil {
		return reply{}, false
	}
	return s.faultReply(c.effects.instead, c.effects.luck), true
}

// wait holds the answer back for the latency and for slow faults, or until the client has gone.
func (s *Server) wait(c *call) {
	until := c.arrived.Add(s.cfg.Latency + c.effects.delay)
	if s.cfg.Latency+c.effects.delay <= 0 || time.Until(until) <= 0 {
		return
	}
	timer := time.NewTimer(time.Until(until) - s.early())
	defer timer.Stop()
	select {
	case <-timer.C:
		nap(time.Until(until))
	case <-c.r.Context().Done():
	}
}

// early is how long before its end a wait is left to nap: timers come up to a millisecond late, which is much beside a
// latency of 50 ms. In memory, time may be a bubble's, and only timers know it.
func (s *Server) early() time.Duration {
	if s.cfg.Memory {
		return 0
	}
	return time.Millisecond
}

// deliver writes the answer, or whatever takes its place.
func (s *Server) deliver(c *call, rep reply) {
	if c.effects.ending != nil {
		rep = s.spoil(c, rep)
	}
	if rep.status == 0 {
		panic(http.ErrAbortHandler)
	}
	s.header(c, rep)
	if c.effects.ending.is(cut) {
		s.writeHalf(c, rep.body)
	}
	c.w.Write(rep.body)
}

func (s *Server) header(c *call, rep reply) {
	h := c.w.Header()
	h["Content-Type"] = jsonType
	if rep.html {
		h["Content-Type"] = htmlType
	}
	if s.cfg.Skew != 0 {
		h.Set("Date", s.now().UTC().Format(http.TimeFormat))
	}
	if rep.retry != "" {
		h.Set("Retry-After", rep.retry)
	}
	h.Set("Content-Length", strconv.Itoa(len(rep.body)))
	c.w.WriteHeader(rep.status)
}

var jsonType, htmlType = []string{"application/json"}, []string{"text/html; charset=utf-8"}

// spoil gives what is answered instead of the answer to a call that was carried out.
func (s *Server) spoil(c *call, rep reply) reply {
	switch r := c.effects.ending; r.id {
	case lost:
		return reply{}
	case reset:
		hangUp(c.w)
		return reply{}
	case truncated:
		rep.body = rep.body[:len(rep.body)/2]
		return rep
	case foreign:
		return reply{status: http.StatusOK, body: []byte(`{"hello":"world"}`)}
	case html:
		return reply{status: http.StatusOK, html: true, body: []byte(loginPage)}
	case cut:
		return rep
	default:
		return s.faultReply(r, c.effects.luck)
	}
}

// writeHalf sends the first half of a body and closes the connection.
func (s *Server) writeHalf(c *call, body []byte) {
	c.w.Write(body[:len(body)/2])
	http.NewResponseController(c.w).Flush()
	panic(http.ErrAbortHandler)
}

// hangUp closes the connection with a TCP reset.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
}

// faultReply is the answer of a fault that stands in the place of another.
func (s *Server) faultReply(r *rule, luck chance) reply {
	switch r.id {
	case drop:
		return reply{}
	case down:
		if r.outage > 0 {
			go s.outage(r.outage)
		}
		return reply{}
	case expire:
		return expiredToken.reply()
	case tooLarge:
		return htmlPage(http.StatusRequestEntityTooLarge)
	}
	rep := htmlPage(r.status(luck))
	rep.retry = s.retryAfter(r)
	return rep
}

// status is the HTTP status that a 429 or server-error fault answers.
func (r *rule) status(luck chance) int {
	if r.id == anyError {
		return []int{500, 502, 503}[luck.ofText("5xx").below(3)]
	}
	status, _ := strconv.Atoi(string(r.id))
	return status
}

func (s *Server) retryAfter(r *rule) string {
	switch {
	case r.retryAfter < 0:
		return ""
	case r.date:
		return s.now().Add(time.Duration(r.retryAfter) * time.Second).UTC().Format(http.TimeFormat)
	}
	return strconv.Itoa(r.retryAfter)
}

func (r *rule) is(id faultID) bool { return r != nil && r.id == id }

func htmlPage(status int) reply {
	title := strconv.Itoa(status) + " " + http.StatusText(status)
	body := "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title +
		"</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
	return reply{status: status, html: true, body: []byte(body)}
}

const loginPage = "<!DOCTYPE html><html><head><title>Welcome</title></head><body><p>Please sign in.</p></body></html>"
