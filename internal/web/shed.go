package web

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	// waitToWork is how long a request waits until others are done.
	waitToWork = 200 * time.Millisecond
	// refusalTimeout is for writing a refusal to a client that doesn't read.
	refusalTimeout = 2 * time.Second
)

// Handler is a listener's: routes, and what is in front of all of them.
type Handler struct {
	http.Handler
	Routes *echo.Echo
}

// Handler bounds what is asked of routes: a body by its bytes, clients by what they
// hold. Paths that are free get through however much is worked on.
func (c *Clients) Handler(routes *echo.Echo, mostBody int64, free ...string) *Handler {
	return &Handler{&streams{&bodies{&work{routes, c, free}, mostBody}, c}, routes}
}

// streams counts HTTP/2 requests until their answer is sent or given up: a client
// that closes its windows keeps the memory of each.
type streams struct {
	next    http.Handler
	clients *Clients
}

func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := connectionIn(r.Context())
	if p != nil {
		p.unasked.Store(0)
	}
	if r.ProtoMajor < 2 || p == nil { // one for each connection, which are counted
		s.next.ServeHTTP(w, r)
		return
	}
	if reason := s.clients.begin(p); reason != "" {
		s.clients.told(reason)
		shed(&reply{ResponseWriter: w, closes: true})
		return
	}
	defer s.clients.end(p)
	s.next.ServeHTTP(w, r)
	// net/http would send it when this has returned, which nobody could count.
	_ = http.NewResponseController(w).Flush()
}

// begin counts a request of HTTP/2. Where there are too many, the client with the
// most loses its connections.
func (c *Clients) begin(p *connection) (refusal string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.client.trusted && p.client.requests >= c.limits.PerClient {
		return overClient
	}
	if c.requests >= c.limits.Connections {
		biggest := p.client
		for _, g := range c.byKey {
			if !g.trusted && g.requests > biggest.requests {
				biggest = g
			}
		}
		if biggest == p.client {
			return overAll
		}
		for each := range biggest.connections {
			if each.requests > 0 {
				c.evict(each)
			}
		}
	}
	p.requests++
	p.client.requests++
	c.requests++
	return ""
}

func (c *Clients) end(p *connection) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.requests--
	p.client.requests--
	c.requests--
	c.forget(p.client)
}

// work bounds what is worked on at once, so that what is let in stays fast. The rest
// waits for a moment, or is told to come again: cheaply, and before any work.
type work struct {
	next    http.Handler
	clients *Clients
	free    []string
}

// slots bound how many requests are worked on at once.
type slots struct {
	taken   chan struct{}
	waiting atomic.Int32
}

func (s *work) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := connectionIn(r.Context())
	a := &reply{ResponseWriter: w, connection: p, closes: p == nil || !p.client.trusted}
	if slices.Contains(s.free, r.URL.Path) {
		s.next.ServeHTTP(a, r)
		return
	}
	if r.ProtoMajor > 1 && r.Context().Err() != nil { // reset already: nobody waits for an answer
		return
	}
	if reason := s.begin(p, r); reason != "" {
		s.clients.told(reason)
		shed(a)
		return
	}
	a.working = s
	defer a.done()
	s.next.ServeHTTP(a, r)
}

func (s *work) begin(p *connection, r *http.Request) (refusal string) {
	if !s.clients.beginWork(p) {
		return overClient
	}
	if !s.clients.slots.take(r.Context()) {
		s.clients.endWork(p)
		return overBusy
	}
	return ""
}

func (s *work) end(p *connection) {
	<-s.clients.slots.taken
	s.clients.endWork(p)
}

// take waits a moment for a free slot. As many may wait as there are slots.
func (d *slots) take(ctx context.Context) bool {
	select {
	case d.taken <- struct{}{}:
		return true
	default:
	}
	defer d.waiting.Add(-1)
	if int(d.waiting.Add(1)) > cap(d.taken) {
		return false
	}
	timer := time.NewTimer(waitToWork)
	defer timer.Stop()
	select {
	case d.taken <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// beginWork counts what is worked on for one client: half of all at most.
func (c *Clients) beginWork(p *connection) bool {
	if p == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.client.trusted && p.client.working >= max(1, c.limits.Requests/2) {
		return false
	}
	p.client.working++
	return true
}

func (c *Clients) endWork(p *connection) {
	if p == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p.client.working--
	c.forget(p.client)
}

// shed tells a client to come again. Nothing is logged.
func shed(a *reply) {
	h := a.Header()
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Retry-After", "5")
	a.WriteHeader(http.StatusServiceUnavailable)
	_, _ = a.Write([]byte("The service is busy; try again in a moment." + deltaChatStop))
}

// reply is a request's answer. Handlers make an answer whole before they write: with
// the first byte, the work is done, and a client that reads slowly keeps no slot.
type reply struct {
	http.ResponseWriter
	// closes says that a client which asks too much loses its connection.
	closes     bool
	connection *connection
	// working is where the request has a slot; nil where it has none (any more).
	working *work
	wrote   bool
}

func (a *reply) WriteHeader(status int) {
	if a.wrote {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.wrote = true
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		if a.closes {
			a.Header().Set("Connection", "close") // HTTP/2 says GOAWAY instead
		}
		_ = http.NewResponseController(a.ResponseWriter).SetWriteDeadline(time.Now().Add(refusalTimeout))
	}
	a.done()
	a.ResponseWriter.WriteHeader(status)
}

func (a *reply) Write(text []byte) (int, error) {
	if !a.wrote {
		a.WriteHeader(http.StatusOK)
	}
	return a.ResponseWriter.Write(text)
}

// Unwrap lets http.ResponseController through, for a handler that flushes or needs
// more time.
func (a *reply) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (a *reply) done() {
	if a.working != nil {
		a.working.end(a.connection)
		a.working = nil
	}
}
