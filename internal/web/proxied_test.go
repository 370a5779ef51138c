package web

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/pires/go-proxyproto/tlvparse"
)

// listenProxied is a listener for proxies in 127.0.0.0/30; 127.0.0.9 is a client.
func listenProxied(t *testing.T) *proxied {
	t.Helper()
	raw, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := newProxied(raw, netip.MustParsePrefix("127.0.0.0/30").Contains)
	ended := make(chan error, 1)
	go func() { ended <- p.run() }()
	t.Cleanup(func() {
		p.abandon()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return p
}

func dialFrom(t *testing.T, from, to string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	conn, err := d.DialContext(t.Context(), "tcp", to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// header2 is a header of version 2.
func header2(t *testing.T, change func(*proxyproto.Header)) string {
	t.Helper()
	h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.ParseIP("203.0.113.7"), Port: 4711}, &net.TCPAddr{IP: net.ParseIP("192.0.2.1"), Port: 443})
	change(h)
	text, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAProxySaysForWhomItComes(t *testing.T) {
	t.Parallel()
	p := listenProxied(t)
	tls, err := tlvparse.PP2SSL{
		Client: tlvparse.PP2_BITFIELD_CLIENT_SSL,
		TLV:    []proxyproto.TLV{{Type: proxyproto.PP2_SUBTYPE_SSL_VERSION, Value: []byte("TLSv1.3")}},
	}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		from, sent, client string
		tls                bool
	}{
		"version 1":               {"127.0.0.2", "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n", "203.0.113.7:4711", false},
		"version 1, IPv6":         {"127.0.0.2", "PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", "[2001:db8::7]:4711", false},
		"version 1, unknown":      {"127.0.0.2", "PROXY UNKNOWN\r\n", "", false},
		"version 2":               {"127.0.0.2", header2(t, func(*proxyproto.Header) {}), "203.0.113.7:4711", false},
		"version 2, TLS":          {"127.0.0.2", header2(t, func(h *proxyproto.Header) { _ = h.SetTLVs([]proxyproto.TLV{tls}) }), "203.0.113.7:4711", true},
		"version 2, health check": {"127.0.0.2", header2(t, func(h *proxyproto.Header) { h.Command = proxyproto.LOCAL }), "", false},
		"a client":                {"127.0.0.9", "", "", false},
	} {
		conn := dialFrom(t, c.from, p.Addr().String())
		if _, err := io.WriteString(conn, c.sent+"GET / HTTP/1.1\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		got, err := p.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if c.client == "" {
			c.client = conn.LocalAddr().String()
		}
		q, _ := got.(*proxiedConn)
		if got.RemoteAddr().String() != c.client || (q != nil && q.tls) != c.tls {
			t.Errorf("%s: it is %s, want %s", name, got.RemoteAddr(), c.client)
		}
		rest := make([]byte, 18)
		if _, err := io.ReadFull(got, rest); err != nil || string(rest) != "GET / HTTP/1.1\r\n\r\n" {
			t.Errorf("%s: what follows is %q: %v", name, rest, err)
		}
		_ = got.Close()
	}
}

// A client can't say that it is another one, and a proxy that says nothing is hung up on.
func TestOnlyATrustedProxySaysForWhomItComes(t *testing.T) {
	t.Parallel()
	p := listenProxied(t)
	p.timeout = 50 * time.Millisecond
	forged := dialFrom(t, "127.0.0.9", p.Addr().String())
	if _, err := io.WriteString(forged, "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n"); err != nil {
		t.Fatal(err)
	}
	got, err := p.Accept()
	if err != nil || got.RemoteAddr().String() != forged.LocalAddr().String() {
		t.Errorf("it is %v: %v", got.RemoteAddr(), err)
	}
	line, err := bufio.NewReader(got).ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "PROXY") {
		t.Errorf("the line of a client is %q: %v", line, err)
	}
	for _, sent := range []string{
		"", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "PROXY TCP4 203.0.113.7\r\n", "PROXY TCP4 " + strings.Repeat("1", 200),
		"\r\n\r\n\x00\r\nQUIT\n\x21\x11\xff\xff", "PROXY",
	} {
		conn := dialFrom(t, "127.0.0.2", p.Addr().String())
		_, _ = io.WriteString(conn, sent)
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("after %q it got %d bytes", sent, n)
		}
	}
}

// What was accepted before the end is still given, and nothing hangs.
func TestTheEndOfAProxiedListener(t *testing.T) {
	t.Parallel()
	p := listenProxied(t)
	conn := dialFrom(t, "127.0.0.2", p.Addr().String())
	if _, err := io.WriteString(conn, "PROXY UNKNOWN\r\n"); err != nil {
		t.Fatal(err)
	}
	first, err := p.Accept()
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := p.Accept(); err != nil {
			break
		}
	}
}

// Whatever a proxy sends first is read within bounds, and what follows isn't lost.
func FuzzProxyHeader(f *testing.F) {
	f.Add([]byte("PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\nrest"))
	f.Add([]byte("\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xcb\x00\x71\x07\xc0\x00\x02\x01\x12\x67\x01\xbbrest"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		there, here := net.Pipe()
		go func() {
			_, _ = there.Write(sent)
			_ = there.Close()
		}()
		p := &proxied{timeout: time.Minute}
		conn := p.read(here)
		if conn == nil {
			return
		}
		rest, err := io.ReadAll(conn)
		if err != nil || !bytes.HasSuffix(sent, rest) || conn.RemoteAddr() == nil {
			t.Errorf("%q: %q %v", sent, rest, err)
		}
	})
}
