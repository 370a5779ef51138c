package web

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"
)

// peer is a connection from an address.
type peer struct {
	net.Conn
	address net.Addr
	closed  bool
}

func (p *peer) RemoteAddr() net.Addr { return p.address }

func (p *peer) Close() error {
	p.closed = true
	return nil
}

func from(address string) *peer {
	return &peer{address: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(address))}
}

// fewClients admits few connections; 192.0.2.1 is a proxy.
func fewClients(connections, perClient int) (*Clients, map[string]int) {
	told := map[string]int{}
	proxy := func(a netip.Addr) bool { return a == netip.MustParseAddr("192.0.2.1") }
	return newClients(Limits{connections, perClient, 4}, proxy, func(reason string) { told[reason]++ }), told
}

// fill gives a client n connections in a state.
func (c *Clients) fill(t *testing.T, address string, n int, state http.ConnState) []*peer {
	t.Helper()
	var all []*peer
	for range n {
		conn := from(address)
		p := c.enter(conn)
		if p == nil {
			t.Fatalf("%s: not admitted", address)
		}
		c.changed(p, state)
		all = append(all, conn)
	}
	return all
}

func TestAClientAtItsBoundLosesItsOwnIdleConnections(t *testing.T) {
	t.Parallel()
	c, told := fewClients(100, 3)
	idle := c.fill(t, "192.0.2.7:1", 3, http.StateIdle)
	if c.enter(from("192.0.2.7:2")) == nil || !idle[0].closed || idle[1].closed {
		t.Errorf("the oldest idle one doesn't make room: %v", told)
	}
	c.fill(t, "[2001:db8:1:1::1]:1", 1, http.StateNew)
	c.fill(t, "[2001:db8:1:1::2]:1", 2, http.StateActive)
	if c.enter(from("[2001:db8:1:1::3]:1")) != nil || told[overClient] != 1 {
		t.Errorf("a /64 has more than its bound: %v", told)
	}
	if c.enter(from("[2001:db8:1:2::3]:1")) == nil {
		t.Error("another /64 is kept out")
	}
	c.fill(t, "192.0.2.1:1", 10, http.StateActive) // the clients of a proxy are many
}

// Those who share the /64 of a proxy aren't the proxy, nor it one of them, whoever comes
// first; and an address that is trusted from now on isn't bounded by what it was.
func TestAProxyAmongOthers(t *testing.T) {
	t.Parallel()
	c, told := fewClients(100, 2)
	c.trusted = func(a netip.Addr) bool { return a == netip.MustParseAddr("2001:db8::1") }
	c.fill(t, "[2001:db8::2]:1", 2, http.StateActive)
	c.fill(t, "[2001:db8::1]:1", 5, http.StateActive)
	if c.enter(from("[2001:db8::2]:1")) != nil || told[overClient] != 1 {
		t.Errorf("a neighbour of the proxy isn't bounded: %v", told)
	}
	c.trusted = func(netip.Addr) bool { return true }
	c.fill(t, "[2001:db8::2]:1", 5, http.StateActive)
}

// In a full house room is made by the oldest of the flood, whichever kind it is. However
// many connections a client has, those that it uses stay, and those that are not of the
// flood's kind.
func TestAFullHouseMakesRoom(t *testing.T) {
	t.Parallel()
	for flood, other := range map[http.ConnState]http.ConnState{
		http.StateNew: http.StateIdle, http.StateIdle: http.StateNew,
	} {
		c, told := fewClients(20, 10)
		c.fill(t, "192.0.2.1:1", 3, flood) // a proxy's
		behaving := append(c.fill(t, "192.0.2.3:1", 8, http.StateActive), c.fill(t, "192.0.2.4:1", 2, other)...)
		var strangers []*peer
		for i := range 7 {
			strangers = append(strangers, c.fill(t, fmt.Sprintf("198.51.100.%d:1", i), 1, flood)...)
		}
		for _, loser := range strangers {
			p := c.enter(from("192.0.2.7:1"))
			if p == nil || !loser.closed {
				t.Fatalf("%v: another one had to go, or none: %v", flood, told)
			}
			c.changed(p, flood)
		}
		for _, p := range behaving {
			if p.closed {
				t.Errorf("%v: one that isn't of the flood had to go", flood)
			}
		}
		if c.open != 20 || told[madeRoom] != len(strangers) {
			t.Errorf("%v: %d connections, %v", flood, c.open, told)
		}
	}
}

// Where all are busy, the one that is busy for too long goes, and otherwise nobody.
func TestAFullHouseOfBusyOnes(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c, told := fewClients(10, 10)
	c.now = func() time.Time { return now }
	slow := c.fill(t, "192.0.2.3:1", 1, http.StateActive)
	now = now.Add(time.Millisecond)
	c.fill(t, "192.0.2.4:1", 9, http.StateActive)
	if c.enter(from("192.0.2.7:1")) != nil || told[overAll] != 1 {
		t.Errorf("it isn't admitted: %v", told)
	}
	now = now.Add(stalled)
	if c.enter(from("192.0.2.7:1")) == nil || !slow[0].closed {
		t.Errorf("the slow one stays: %v", told)
	}
}

func TestPlacesAndClientsAreForgotten(t *testing.T) {
	t.Parallel()
	c, _ := fewClients(10, 5)
	for range 100 {
		p := c.enter(from("192.0.2.9:1"))
		c.changed(p, http.StateActive)
		if reason := c.begin(p); reason != "" || !c.beginWork(p) {
			t.Fatal("refused")
		}
		_ = p.Close()
		_ = p.Close()
		c.endWork(p)
		c.end(p)
	}
	if c.open != 0 || c.requests != 0 || len(c.byKey) != 0 {
		t.Errorf("%d connections, %d requests, %d clients", c.open, c.requests, len(c.byKey))
	}
}

// HTTP/2 has several requests on a connection; they are bounded like connections.
func TestRequestsOfHTTP2AreBounded(t *testing.T) {
	t.Parallel()
	c, _ := fewClients(6, 4)
	greedy := from("192.0.2.8:1")
	p := c.enter(greedy)
	for range 4 {
		if reason := c.begin(p); reason != "" {
			t.Fatal(reason)
		}
	}
	if reason := c.begin(p); reason != overClient {
		t.Errorf("over the client's bound: %q", reason)
	}
	other := c.enter(from("192.0.2.9:1"))
	for range 2 {
		if reason := c.begin(other); reason != "" {
			t.Fatal(reason)
		}
	}
	if reason := c.begin(other); reason != "" || !greedy.closed {
		t.Errorf("over the bound of all: %q, and the one with the most keeps its connection: %v", reason, !greedy.closed)
	}
}
