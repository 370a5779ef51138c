package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"autoconfig/internal/testkit"
)

// A service that gets its certificates itself stands behind HAProxy, which passes the
// connections on as they are: the page's configuration. The ACME server's challenge finds
// its way, and clients are told apart.
func TestCertificatesAreGotBehindHAProxy(t *testing.T) {
	t.Parallel()
	c := proxyCases["haproxy, PROXY protocol"]
	testkit.Need(t, c.program)
	w := newProxyWorld(t)
	service := testkit.FreeAddress(t)
	w.startProxy(t, c, service)
	s := startCertified(t, "tls-alpn-01", service, w.tls,
		"trusted_proxies: [127.0.0.1]\nproxy_protocol: true\nrate_limit: {per_second: 0.001, burst: 8}\n")
	// By the log of the service itself, since asking counts.
	testkit.Until(t, func() string { return shell(t, s.folder, "autoconfig certificates list") }, func() bool {
		return strings.Contains(shell(t, s.folder, "autoconfig certificates show autoconfig.example.com --json"), `"state": "valid"`)
	})
	w.roots = s.acme.Issued
	w.clients(t, behindURL, http.StatusOK)
}

// A socket that systemd passes is one that strangers reach, too.
func TestThePROXYProtocolAtAPassedSocket(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	put(t, folder, 0o600, map[string]string{
		"autoconfig.yaml": "public_url: https://one.example.com\nrate_limit: {per_second: 0.001, burst: 1}\n" +
			"trusted_proxies: [127.0.0.1]\nproxy_protocol: true\ncheck: {every: \"0\"}\n",
		"site.yaml": "domains:\n  - {name: example.org, servers: {imap: {host: mail.example.org}, smtp: {host: mail.example.org}}}\n",
	})
	if seen := shell(t, folder, "autoconfig apply"); !strings.Contains(seen, "example.org") {
		t.Fatal(seen)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	socket, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = socket.Close() }()
	activated(t, folder, socket)
	ask := func(from, line string) string {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := dialer.DialContext(t.Context(), "tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, line+"GET /mail/config-v1.1.xml?emailaddress=a%40example.org HTTP/1.1\r\n"+
			"Host: autoconfig.example.org\r\nConnection: close\r\n\r\n")
		answer, _ := io.ReadAll(conn) // nothing, if it is hung up on
		status, _, _ := strings.Cut(string(answer), "\r\n")
		return status
	}
	for _, c := range []struct{ from, line, want string }{
		{"127.0.0.1", "PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n", "HTTP/1.1 200 OK"},
		{"127.0.0.1", "PROXY TCP4 203.0.113.7 192.0.2.1 4712 443\r\n", "HTTP/1.1 429 Too Many Requests"},
		{"127.0.0.1", "PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", "HTTP/1.1 200 OK"},
		{"127.0.0.1", "PROXY TCP6 2001:db8::8 2001:db8::1 4711 443\r\n", "HTTP/1.1 429 Too Many Requests"}, // the same /64
		{"127.0.0.1", "", ""},
		{"127.0.0.9", "", "HTTP/1.1 200 OK"},
		{"127.0.0.9", "PROXY TCP4 203.0.113.8 192.0.2.1 4711 443\r\n", "HTTP/1.1 400 Bad Request"},
	} {
		if got := ask(c.from, c.line); got != c.want {
			t.Errorf("%s with %q: %q, want %q", c.from, c.line, got, c.want)
		}
	}
}
