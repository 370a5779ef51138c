package web

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound what clients hold at once. Zero ones are those of DefaultLimits.
type Limits struct {
	// Connections is how many are open at once, on listen and http_listen together, and
	// as many on staff_listen. As many HTTP/2 requests may be under way.
	Connections int
	// PerClient is how many of them one client has: an IPv4 address or an IPv6 /64. A
	// trusted proxy has as many as it likes.
	PerClient int
	// Requests is how many are worked on at once. One client has half of them at most.
	Requests int
}

// DefaultLimits fit into 256 MB of memory; docs/operators.md has the arithmetic.
var DefaultLimits = Limits{Connections: 4096, PerClient: 512, Requests: 256}

// privateLimits are the private listener's.
var privateLimits = Limits{Connections: 256, PerClient: 256, Requests: 64}

// orDefault puts those of DefaultLimits in the place of zero ones.
func (l Limits) orDefault() Limits {
	for _, field := range []struct {
		value    *int
		fallback int
	}{{&l.Connections, DefaultLimits.Connections}, {&l.PerClient, DefaultLimits.PerClient}, {&l.Requests, DefaultLimits.Requests}} {
		if *field.value == 0 {
			*field.value = field.fallback
		}
	}
	return l
}

// Crowd are the clients of a listener, and what each of them holds.
type Crowd struct {
	limits  Limits
	trusted func(netip.Addr) bool
	// told hears why something was refused or closed.
	told  func(reason string)
	desks desks
	now   func() time.Time
	// unasked is how many bytes a connection may send after a request until the next one;
	// 0 for any number.
	unasked int64

	mu     sync.Mutex
	guests map[origin]*guest
	// queues are the connections that may be closed for another client's sake, those that
	// are in their state for longest first. A trusted proxy's are in none.
	queues      map[http.ConnState]*list.List
	connections int
	requests    int
}

// origin tells clients apart. A proxy in the /64 of others isn't one of them, and an
// address that a reload makes trusted is another client from then on.
type origin struct {
	prefix  netip.Prefix
	trusted bool
}

// guest is one client.
type guest struct {
	origin
	places map[*place]struct{}
	// requests counts those of HTTP/2, working those that are worked on.
	requests, working int
}

// place is a connection.
type place struct {
	net.Conn
	crowd *Crowd
	guest *guest
	// state is new while a request is waited for or read, active while it is answered, and
	// idle between two.
	state http.ConnState
	since time.Time
	// queued is the place in the queue of its state, nil where there is none.
	queued *list.Element
	// requests are those of HTTP/2.
	requests int
	left     bool
	// unasked is how many bytes came since the last request.
	unasked atomic.Int64
}

// Read ends a connection that sends on and on without asking anything: frames of HTTP/2
// (SETTINGS, PING, PRIORITY) keep a processor busy, and net/http counts none of them.
func (p *place) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if p.crowd.unasked > 0 && p.unasked.Add(int64(n)) > p.crowd.unasked && !p.guest.trusted {
		p.crowd.told(overBytes)
		hangUp(p.Conn)
		return 0, errUnasked
	}
	return n, err
}

var errUnasked = errors.New("the client sends without asking")

// newCrowd has nobody in it yet. Clients that are trusted aren't bounded. told hears why
// something was refused or closed.
func newCrowd(limits Limits, trusted func(netip.Addr) bool, told func(string)) *Crowd {
	return &Crowd{
		limits: limits, trusted: trusted, told: told, now: time.Now,
		desks:  desks{places: make(chan struct{}, limits.Requests)},
		guests: map[origin]*guest{},
		queues: map[http.ConnState]*list.List{http.StateNew: list.New(), http.StateIdle: list.New(), http.StateActive: list.New()},
	}
}

// gate lets connections in, or closes them at once: before TLS, and without a
// goroutine.
type gate struct {
	net.Listener
	crowd *Crowd
}

// Accept waits for the next connection that is let in.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if p := g.crowd.enter(conn); p != nil {
			return p, nil
		}
		hangUp(conn)
	}
}

// hangUp leaves nothing behind in the kernel either.
func hangUp(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// enter gives a connection its place, or nil.
func (c *Crowd) enter(conn net.Conn) *place {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.guestAt(conn.RemoteAddr())
	if refusal := c.makeRoom(g); refusal != "" {
		c.forget(g)
		c.told(refusal)
		return nil
	}
	p := &place{Conn: conn, crowd: c, guest: g}
	c.become(p, http.StateNew)
	g.places[p] = struct{}{}
	c.guests[g.origin] = g // making room may have let it go
	c.connections++
	return p
}

func (c *Crowd) guestAt(address net.Addr) *guest {
	peer, _ := netip.ParseAddrPort(address.String()) // else the zero one: one client
	from := origin{clientPrefix(peer.Addr()), c.trusted(peer.Addr())}
	g := c.guests[from]
	if g == nil {
		g = &guest{origin: from, places: map[*place]struct{}{}}
		c.guests[from] = g
	}
	return g
}

// The reasons for which something is refused or closed.
const (
	overClient = "client" // this client has too much
	overAll    = "all"    // all have too much together, and nothing is missed less
	overBusy   = "busy"   // too much is worked on
	overBytes  = "bytes"  // sent without asking
	madeRoom   = "room"   // closed for another client's sake
)

// makeRoom closes a connection if there is no place for one more. A client that is
// at its bound loses its own idle ones: an office doesn't notice.
func (c *Crowd) makeRoom(g *guest) (refusal string) {
	if !g.trusted && len(g.places) >= c.limits.PerClient {
		return c.replace(g.oldest(http.StateIdle), overClient)
	}
	if c.connections < c.limits.Connections {
		return ""
	}
	return c.replace(c.victim(), overAll)
}

func (c *Crowd) replace(victim *place, otherwise string) (refusal string) {
	if victim == nil {
		return otherwise
	}
	c.evict(victim)
	return ""
}

func (c *Crowd) evict(p *place) {
	c.leave(p)
	hangUp(p.Conn)
	c.told(madeRoom)
}

// stalled is how long an answer may take in a full house.
const stalled = time.Second

// victim is the connection that is missed least. Most of them wait for a request, or
// are idle, whichever flood it is: of those the oldest goes, and not one of the client
// with the most. Strangers may have thousands of addresses with one connection each,
// and an office has many from one. A client that behaves sends its request with its
// connection, and is gone from its queue before it is the oldest. Where all are being
// answered, the one whose answer takes too long goes.
func (c *Crowd) victim() *place {
	flood := http.StateNew
	if c.queues[http.StateIdle].Len() > c.queues[flood].Len() {
		flood = http.StateIdle
	}
	if p := c.longest(flood); p != nil {
		return p
	}
	if p := c.longest(http.StateActive); p != nil && c.now().Sub(p.since) >= stalled {
		return p
	}
	return nil
}

// longest is the connection that is in a state for longest, or nil.
func (c *Crowd) longest(state http.ConnState) *place {
	if first := c.queues[state].Front(); first != nil {
		return first.Value.(*place)
	}
	return nil
}

// older is whichever is in its state for longer.
func (p *place) older(other *place) *place {
	if other == nil || p.since.Before(other.since) {
		return p
	}
	return other
}

// oldest is the connection that is in a state for longest, or nil.
func (g *guest) oldest(state http.ConnState) *place {
	var found *place
	for p := range g.places {
		if p.state == state {
			found = p.older(found)
		}
	}
	return found
}

// leave gives a place back. It may be said twice.
func (c *Crowd) leave(p *place) {
	if p.left {
		return
	}
	p.left = true
	c.unqueue(p)
	delete(p.guest.places, p)
	c.connections--
	c.forget(p.guest)
}

func (c *Crowd) forget(g *guest) {
	if len(g.places) == 0 && g.requests == 0 && g.working == 0 && c.guests[g.origin] == g {
		delete(c.guests, g.origin)
	}
}

// Close gives the place back.
func (p *place) Close() error {
	p.crowd.mu.Lock()
	p.crowd.leave(p)
	p.crowd.mu.Unlock()
	return p.Conn.Close()
}

// changed is net/http's word on a connection.
func (c *Crowd) changed(conn net.Conn, state http.ConnState) {
	if p := placeOf(conn); p != nil && state != http.StateNew {
		c.becomes(p, state)
	}
}

func (c *Crowd) becomes(p *place, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.become(p, state)
}

// become puts a connection at the end of the queue of its state.
func (c *Crowd) become(p *place, state http.ConnState) {
	c.unqueue(p)
	p.state, p.since = state, c.now()
	if queue := c.queues[state]; queue != nil && !p.left && !p.guest.trusted {
		p.queued = queue.PushBack(p)
	}
}

func (c *Crowd) unqueue(p *place) {
	if p.queued != nil {
		c.queues[p.state].Remove(p.queued)
		p.queued = nil
	}
}

func placeOf(conn net.Conn) *place {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	p, _ := conn.(*place)
	return p
}

type placeKey struct{}

// withPlace lets a request find its connection.
func withPlace(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, placeKey{}, placeOf(conn))
}

// placeIn is a request's connection, nil where there is none of ours.
func placeIn(ctx context.Context) *place {
	p, _ := ctx.Value(placeKey{}).(*place)
	return p
}

// open counts the connections.
func (c *Crowd) open() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return float64(c.connections)
}
