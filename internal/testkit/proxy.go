package testkit

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a client and a server, and spoils what the server says as a
// test wants.
type Proxy struct {
	// Addr is where it listens, host:port on loopback.
	Addr string

	target string
	mu     sync.Mutex
	fault  proxyFault
	open   map[net.Conn]bool
	done   bool
}

type proxyFault struct {
	delay   time.Duration // before each piece that the server sends
	cut     bool          // nothing gets through
	garbage bool          // instead of each piece
	half    bool          // of the next piece gets through, and then the connection ends
}

// StartProxy starts a proxy in front of host:port. It ends with the test.
func StartProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), target: target, open: map[net.Conn]bool{}}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.end(true)
		running.Wait()
	})
	return p
}

// Delay keeps each piece that the server sends for a while.
func (p *Proxy) Delay(d time.Duration) { p.set(proxyFault{delay: d}) }

// Cut ends all connections, and new ones as soon as they are made.
func (p *Proxy) Cut() { p.set(proxyFault{cut: true}); p.end(false) }

// Garbage puts nonsense in the place of all that the server sends.
func (p *Proxy) Garbage() { p.set(proxyFault{garbage: true}) }

// Half ends each connection in the middle of what the server sends.
func (p *Proxy) Half() { p.set(proxyFault{half: true}) }

// Mend lets everything through again.
func (p *Proxy) Mend() { p.set(proxyFault{}) }

// Open counts the connections.
func (p *Proxy) Open() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open) / 2
}

func (p *Proxy) set(f proxyFault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

func (p *Proxy) now() proxyFault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// end ends all connections; finally lets no more be made.
func (p *Proxy) end(finally bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done = p.done || finally
	for c := range p.open {
		_ = c.Close()
	}
}

// keep notes a connection, unless it is over.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done || p.fault.cut {
		return false
	}
	p.open[c] = true
	return true
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
}

func (p *Proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.DialTimeout("tcp", p.target, patience)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	for _, c := range []net.Conn{client, server} {
		if !p.keep(c) {
			p.drop(client)
			return
		}
		defer p.drop(c)
	}
	go func() {
		_, _ = io.Copy(server, client) // it ends with either
		_ = client.Close()
		_ = server.Close()
	}()
	piece := make([]byte, 32<<10)
	for {
		n, err := server.Read(piece)
		if err != nil {
			return
		}
		f := p.now()
		said := piece[:n]
		switch {
		case f.garbage:
			said = []byte("\x99\xff\x00 this is nothing that anybody understands \x00\xff")
		case f.half:
			said = said[:n/2]
		}
		time.Sleep(f.delay)
		if _, err := client.Write(said); err != nil || f.half {
			return
		}
	}
}
