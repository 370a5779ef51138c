package web

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/pires/go-proxyproto/tlvparse"
)

const (
	// proxyHeaderTimeout is how long a trusted proxy may take for the line with which a
	// connection begins: it writes it with the first packet.
	proxyHeaderTimeout = 5 * time.Second
	// proxyHeaderMost bounds it, in bytes. Version 1 has at most 107 (section 2.1), version 2
	// with its addresses, names and certificates some hundred; the format would allow 64 KiB.
	proxyHeaderMost = 4096
)

// proxied is a listener at which trusted proxies begin each connection with who their
// client is (PROXY protocol, versions 1 and 2). What comes from elsewhere is the client's
// own connection, in which such a line has no meaning.
type proxied struct {
	net.Listener
	expects func(netip.Addr) bool
	ready   chan accepted
	timeout time.Duration
}

// accepted is a connection whose client is known, or why there is none.
type accepted struct {
	conn net.Conn
	err  error
}

func newProxied(l net.Listener, expects func(netip.Addr) bool) *proxied {
	return &proxied{Listener: l, expects: expects, ready: make(chan accepted), timeout: proxyHeaderTimeout}
}

// run accepts connections until the listener is closed. A proxy that is slow to say for
// whom it comes keeps nobody else waiting.
func (p *proxied) run() error {
	var reading sync.WaitGroup
	for {
		conn, err := p.Listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			reading.Wait()
			close(p.ready)
			return nil
		case err != nil || !p.expects(addressOf(conn)):
			p.ready <- accepted{conn, err}
		default:
			reading.Go(func() {
				if conn := p.read(conn); conn != nil {
					p.ready <- accepted{conn, nil}
				}
			})
		}
	}
}

// Accept waits for the next connection whose client is known. After Close, it gives those
// that were accepted before.
func (p *proxied) Accept() (net.Conn, error) {
	next, open := <-p.ready
	if !open {
		return nil, net.ErrClosed
	}
	return next.conn, next.err
}

// abandon hangs up on what nobody accepts any more.
func (p *proxied) abandon() {
	_ = p.Close()
	for next := range p.ready {
		if next.conn != nil {
			hangUp(next.conn)
		}
	}
}

// read reads for whom a proxy comes. It gives nil, and hangs up, if that isn't said: to go
// on would count the client as the proxy, which has no limits.
func (p *proxied) read(conn net.Conn) net.Conn {
	_ = conn.SetReadDeadline(time.Now().Add(p.timeout)) // one without deadlines ends with its client
	reader := bufio.NewReaderSize(conn, proxyHeaderMost)
	header, err := proxyproto.Read(reader)
	if err != nil {
		hangUp(conn)
		return nil
	}
	_ = conn.SetReadDeadline(time.Time{})
	q := &proxiedConn{Conn: conn, rest: reader, client: conn.RemoteAddr()}
	if source, _, ok := header.TCPAddrs(); ok && header.Command.IsProxy() { // else the proxy looks whether we are there
		q.client = source
	}
	if values, err := header.TLVs(); err == nil {
		if ssl, ok := tlvparse.FindSSL(values); ok {
			q.tls = ssl.ClientSSL()
		}
	}
	return q
}

// proxiedConn is a connection that a proxy made for a client.
type proxiedConn struct {
	net.Conn
	rest   *bufio.Reader // what came behind the header
	client net.Addr
	tls    bool // the client's connection to the proxy had TLS
}

// Read implements net.Conn.
func (q *proxiedConn) Read(b []byte) (int, error) {
	if q.rest == nil {
		return q.Conn.Read(b)
	}
	if q.rest.Buffered() == 0 {
		q.rest = nil
		return q.Conn.Read(b)
	}
	return q.rest.Read(b)
}

// RemoteAddr is the client's.
func (q *proxiedConn) RemoteAddr() net.Addr { return q.client }

// proxiedTLS tells whether a proxy said that the client came by TLS.
func (p *connection) proxiedTLS() bool {
	q, ok := p.Conn.(*proxiedConn)
	return ok && q.tls
}

// addressOf is a connection's other end; the zero one if it has no IP address.
func addressOf(conn net.Conn) netip.Addr {
	peer, _ := netip.ParseAddrPort(conn.RemoteAddr().String())
	return peer.Addr()
}
