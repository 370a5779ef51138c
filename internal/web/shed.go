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
func (c *Crowd) Handler(routes *echo.Echo, mostBody int64, free ...string) *Handler {
	return &Handler{&streams{&bodies{&work{routes, c, free}, mostBody}, c}, routes}
}

// streams counts HTTP/2 requests until their answer is sent or given up: a client
// that closes its windows keeps the memory of each.
type streams struct {
	next  http.Handler
	crowd *Crowd
}

func (s *streams) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := placeIn(r.Context())
	if p != nil {
		p.unasked.Store(0)
	}
	if r.ProtoMajor < 2 || p == nil { // one for each connection, which are counted
		s.next.ServeHTTP(w, r)
		return
	}
	if reason := s.crowd.begin(p); reason != "" {
		s.crowd.told(reason)
		shed(&reply{ResponseWriter: w, closes: true})
		return
	}
	defer s.crowd.end(p)
	s.next.ServeHTTP(w, r)
	// net/http would send it when this has returned, which nobody could count.
	_ = http.NewResponseController(w).Flush()
}

// begin counts a request of HTTP/2. Where there are too many, the client with the
// most loses its connections.
func (c *Crowd) begin(p *place) (refusal string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.guest.trusted && p.guest.requests >= c.limits.PerClient {
		return overClient
	}
	if c.requests >= c.limits.Connections {
		biggest := p.guest
		for _, g := range c.guests {
			if !g.trusted && g.requests > biggest.requests {
				biggest = g
			}
		}
		if biggest == p.guest {
			return overAll
		}
		for each := range biggest.places {
			if each.requests > 0 {
				c.evict(each)
			}
		}
	}
	p.requests++
	p.guest.requests++
	c.requests++
	return ""
}

func (c *Crowd) end(p *place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p.requests--
	p.guest.requests--
	c.requests--
	c.forget(p.guest)
}

// work bounds what is worked on at once, so that what is let in stays fast. The rest
// waits for a moment, or is told to come again: cheaply, and before any work.
type work struct {
	next  http.Handler
	crowd *Crowd
	free  []string
}

// desks are places to work at.
type desks struct {
	places  chan struct{}
	waiting atomic.Int32
}

func (s *work) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p := placeIn(r.Context())
	a := &reply{ResponseWriter: w, closes: p == nil || !p.guest.trusted}
	if slices.Contains(s.free, r.URL.Path) {
		s.next.ServeHTTP(a, r)
		return
	}
	if r.ProtoMajor > 1 && r.Context().Err() != nil { // reset already: nobody waits for an answer
		return
	}
	if reason := s.begin(p, r); reason != "" {
		s.crowd.told(reason)
		shed(a)
		return
	}
	a.worked = func() { s.end(p) }
	defer a.done()
	s.next.ServeHTTP(a, r)
}

func (s *work) begin(p *place, r *http.Request) (refusal string) {
	if !s.crowd.beginWork(p) {
		return overClient
	}
	if !s.crowd.desks.take(r.Context()) {
		s.crowd.endWork(p)
		return overBusy
	}
	return ""
}

func (s *work) end(p *place) {
	<-s.crowd.desks.places
	s.crowd.endWork(p)
}

// take waits for a desk, for a moment. As many may wait as there are desks.
func (d *desks) take(ctx context.Context) bool {
	select {
	case d.places <- struct{}{}:
		return true
	default:
	}
	defer d.waiting.Add(-1)
	if int(d.waiting.Add(1)) > cap(d.places) {
		return false
	}
	timer := time.NewTimer(waitToWork)
	defer timer.Stop()
	select {
	case d.places <- struct{}{}:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}

// beginWork counts what is worked on for one client: half of all at most.
func (c *Crowd) beginWork(p *place) bool {
	if p == nil {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !p.guest.trusted && p.guest.working >= max(1, c.limits.Requests/2) {
		return false
	}
	p.guest.working++
	return true
}

func (c *Crowd) endWork(p *place) {
	if p == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p.guest.working--
	c.forget(p.guest)
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
// the first byte, the work is done, and a client that reads slowly keeps nobody's desk.
type reply struct {
	http.ResponseWriter
	// closes says that a client which asks too much loses its connection.
	closes bool
	worked func()
	wrote  bool
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
	if a.worked != nil {
		a.worked()
		a.worked = nil
	}
}
