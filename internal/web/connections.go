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

// DefaultLimits fit into 256 MB of memory; docs/limits.md has the arithmetic.
var DefaultLimits = Limits{Connections: 4096, PerClient: 512, Requests: 256}

// privateLimits are the private listener's.
var privateLimits = Limits{Connections: 256, PerClient: 256, Requests: 64}

// orDefault replaces zero limits by those of DefaultLimits.
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

// Clients are the clients of a listener, with what each of them holds: connections, requests,
// places at work.
type Clients struct {
	limits  Limits
	trusted func(netip.Addr) bool
	// told hears why something was refused or closed.
	told  func(reason string)
	slots slots
	now   func() time.Time
	// unasked is how many bytes a connection may send after a request until the next one;
	// 0 for any number.
	unasked int64

	mu    sync.Mutex
	byKey map[clientKey]*client
	// queues are the connections that may be closed for another client's sake, those that
	// are in their state for longest first. A trusted proxy's are in none.
	queues   map[http.ConnState]*list.List
	open     int
	requests int
}

// origin tells clients apart. A proxy in the /64 of others isn't one of them, and an
// address that a reload makes trusted is another client from then on.
type clientKey struct {
	prefix  netip.Prefix
	trusted bool
}

// client is one IPv4 address or IPv6 /64, with what it holds.
type client struct {
	clientKey
	connections map[*connection]struct{}
	// requests counts those of HTTP/2, working those that are worked on.
	requests, working int
}

// connection is an open connection of a client.
type connection struct {
	net.Conn
	clients *Clients
	client  *client
	// state is new while a request is waited for or read, active while it is answered, and
	// idle between two.
	state http.ConnState
	since time.Time
	// queued is its element in the queue of its state, nil if it is in none.
	queued *list.Element
	// requests are those of HTTP/2.
	requests int
	left     bool
	// unasked is how many bytes came since the last request.
	unasked atomic.Int64
}

// Read ends a connection that sends on and on without asking anything: frames of HTTP/2
// (SETTINGS, PING, PRIORITY) keep a processor busy, and net/http counts none of them.
func (p *connection) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if p.clients.unasked > 0 && p.unasked.Add(int64(n)) > p.clients.unasked && !p.client.trusted {
		p.clients.told(overBytes)
		hangUp(p.Conn)
		return 0, errUnasked
	}
	return n, err
}

var errUnasked = errors.New("the client sends without asking")

// newClients starts without clients. Trusted ones aren't bounded. told is called with the reason
// whenever something is refused or closed.
func newClients(limits Limits, trusted func(netip.Addr) bool, told func(string)) *Clients {
	return &Clients{
		limits: limits, trusted: trusted, told: told, now: time.Now,
		slots:  slots{taken: make(chan struct{}, limits.Requests)},
		byKey:  map[clientKey]*client{},
		queues: map[http.ConnState]*list.List{http.StateNew: list.New(), http.StateIdle: list.New(), http.StateActive: list.New()},
	}
}

// gate lets connections in, or closes them at once: before TLS, and without a
// goroutine.
type gate struct {
	net.Listener
	clients *Clients
}

// Accept waits for the next connection that is let in.
func (g *gate) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if p := g.clients.enter(conn); p != nil {
			return p, nil
		}
		hangUp(conn)
	}
}

// hangUp leaves nothing behind in the kernel either.
func hangUp(conn net.Conn) {
	if q, ok := conn.(*proxiedConn); ok {
		conn = q.Conn
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// enter admits a connection, or returns nil.
func (c *Clients) enter(conn net.Conn) *connection {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.clientAt(conn.RemoteAddr())
	if refusal := c.makeRoom(g); refusal != "" {
		c.forget(g)
		c.told(refusal)
		return nil
	}
	p := &connection{Conn: conn, clients: c, client: g}
	c.become(p, http.StateNew)
	g.connections[p] = struct{}{}
	c.byKey[g.clientKey] = g // making room may have let it go
	c.open++
	return p
}

func (c *Clients) clientAt(address net.Addr) *client {
	peer, _ := netip.ParseAddrPort(address.String()) // else the zero one: one client
	from := clientKey{clientPrefix(peer.Addr()), c.trusted(peer.Addr())}
	g := c.byKey[from]
	if g == nil {
		g = &client{clientKey: from, connections: map[*connection]struct{}{}}
		c.byKey[from] = g
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

// makeRoom closes a connection if there is no room for one more. A client that is
// at its bound loses its own idle ones: an office doesn't notice.
func (c *Clients) makeRoom(g *client) (refusal string) {
	if !g.trusted && len(g.connections) >= c.limits.PerClient {
		return c.replace(g.oldest(http.StateIdle), overClient)
	}
	if c.open < c.limits.Connections {
		return ""
	}
	return c.replace(c.victim(), overAll)
}

func (c *Clients) replace(victim *connection, otherwise string) (refusal string) {
	if victim == nil {
		return otherwise
	}
	c.evict(victim)
	return ""
}

func (c *Clients) evict(p *connection) {
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
func (c *Clients) victim() *connection {
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
func (c *Clients) longest(state http.ConnState) *connection {
	if first := c.queues[state].Front(); first != nil {
		return first.Value.(*connection)
	}
	return nil
}

// older is whichever is in its state for longer.
func (p *connection) older(other *connection) *connection {
	if other == nil || p.since.Before(other.since) {
		return p
	}
	return other
}

// oldest is the connection that is in a state for longest, or nil.
func (g *client) oldest(state http.ConnState) *connection {
	var found *connection
	for p := range g.connections {
		if p.state == state {
			found = p.older(found)
		}
	}
	return found
}

// leave counts a connection as closed. It may be called twice.
func (c *Clients) leave(p *connection) {
	if p.left {
		return
	}
	p.left = true
	c.unqueue(p)
	delete(p.client.connections, p)
	c.open--
	c.forget(p.client)
}

func (c *Clients) forget(g *client) {
	if len(g.connections) == 0 && g.requests == 0 && g.working == 0 && c.byKey[g.clientKey] == g {
		delete(c.byKey, g.clientKey)
	}
}

// Close closes the connection and counts it as closed.
func (p *connection) Close() error {
	p.clients.mu.Lock()
	p.clients.leave(p)
	p.clients.mu.Unlock()
	return p.Conn.Close()
}

// changed is net/http's word on a connection.
func (c *Clients) changed(conn net.Conn, state http.ConnState) {
	if p := connectionOf(conn); p != nil && state != http.StateNew {
		c.becomes(p, state)
	}
}

func (c *Clients) becomes(p *connection, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.become(p, state)
}

// become puts a connection at the end of the queue of its state.
func (c *Clients) become(p *connection, state http.ConnState) {
	c.unqueue(p)
	p.state, p.since = state, c.now()
	if queue := c.queues[state]; queue != nil && !p.left && !p.client.trusted {
		p.queued = queue.PushBack(p)
	}
}

func (c *Clients) unqueue(p *connection) {
	if p.queued != nil {
		c.queues[p.state].Remove(p.queued)
		p.queued = nil
	}
}

func connectionOf(conn net.Conn) *connection {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	p, _ := conn.(*connection)
	return p
}

// settle waits until no connection has a request that isn't answered yet, or waits for
// its first one, for some time at most.
func (c *Clients) settle(most time.Duration) {
	end := time.NewTimer(most)
	defer end.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for c.unsettled() {
		select {
		case <-end.C:
			return
		case <-tick.C:
		}
	}
}

func (c *Clients) unsettled() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, each := range c.byKey {
		for p := range each.connections {
			if p.state != http.StateIdle {
				return true
			}
		}
	}
	return false
}

type connectionKey struct{}

// withConnection lets a request find its connection.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, connectionOf(conn))
}

// connectionIn is a request's connection, nil where there is none of ours.
func connectionIn(ctx context.Context) *connection {
	p, _ := ctx.Value(connectionKey{}).(*connection)
	return p
}

// open counts the connections.
func (c *Clients) countOpen() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return float64(c.open)
}
