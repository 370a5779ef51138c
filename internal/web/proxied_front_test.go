package web

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"autoconfig/internal/testkit"
)

// proxiedFront serves all listeners, with TLS at two, and answers with whom it takes for the
// client. 127.0.0.2 is a proxy; each client may have two connections.
func proxiedFront(t *testing.T) (f *Front, addresses map[string]string, client *tls.Config) {
	t.Helper()
	ca := testkit.NewCA(t)
	certificate := ca.Issue(t, testkit.Leaf{Names: []string{"setup.example.com"}}).TLS()
	f = NewFront(FrontOptions{Limits: Limits{PerClient: 2}})
	h := newHandlers(t, f, "", Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}})
	says := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s as %s over %q", r.RemoteAddr, h.App.clientOf(r), h.App.ForwardedScheme(h.App.NewEcho().NewContext(r, nil)))
	})
	h.Public, h.Plain, h.Private, h.Staff = says, says, says, says
	f.Use(h, nil)
	addresses = map[string]string{}
	open := func(name string) net.Listener {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		addresses[name] = l.Addr().String()
		return l
	}
	l := Listeners{
		Public: open("public"), Plain: open("plain"), Private: open("private"), Staff: open("staff"), Proxied: true,
		Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil },
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return f, addresses, &tls.Config{RootCAs: ca.Pool(), ServerName: "setup.example.com"}
}

// askProxied sends a proxy's line, then a request, and keeps the connection.
func askProxied(t *testing.T, from, to, line string, config *tls.Config) (conn net.Conn, answer string, err error) {
	t.Helper()
	conn = dialFrom(t, from, to)
	if _, err := io.WriteString(conn, line); err != nil {
		return conn, "", err
	}
	if config != nil {
		conn = tls.Client(conn, config)
	}
	const request = "GET / HTTP/1.1\r\nHost: setup.example.com\r\nX-Forwarded-For: 198.51.100.1\r\nX-Forwarded-Proto: http\r\n\r\n"
	if _, err := io.WriteString(conn, request); err != nil {
		return conn, "", err
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return conn, "", err
	}
	defer func() { _ = r.Body.Close() }()
	text, err := io.ReadAll(r.Body)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", r.Status)
	}
	return conn, string(text), err
}

// Wherever strangers come, the line stands before TLS, and the client that it names is the
// one that is counted: its connections, its requests. The client's own headers aren't
// believed then. The private listener knows nothing of it.
func TestTheClientOfAProxyIsCounted(t *testing.T) {
	t.Parallel()
	f, addresses, config := proxiedFront(t)
	with := map[string]*tls.Config{"public": config, "plain": nil, "staff": config}
	for i, name := range []string{"plain", "public", "staff"} {
		client := fmt.Sprintf("203.0.113.%d", i)
		line := "PROXY TCP4 " + client + " 192.0.2.1 4711 443\r\n"
		for range 2 {
			_, answer, err := askProxied(t, "127.0.0.2", addresses[name], line, with[name])
			if want := client + ":4711 as " + client + `/32 over ""`; err != nil || answer != want {
				t.Errorf("%s: %q %v, want %q", name, answer, err, want)
			}
		}
	}
	// A third connection of one client takes the place of its first, and of nobody else's.
	const line = "PROXY TCP4 203.0.113.77 192.0.2.1 4711 443\r\n"
	var conns []net.Conn
	keep := func(line string) {
		t.Helper()
		conn, _, err := askProxied(t, "127.0.0.2", addresses["plain"], line, nil)
		if err != nil {
			t.Fatal(err)
		}
		conns = append(conns, conn)
		// Answered isn't idle yet.
		testkit.Until(t, func() string { return "a connection isn't idle" }, func() bool {
			f.Public.mu.Lock()
			defer f.Public.mu.Unlock()
			return f.Public.queues[http.StateNew].Len()+f.Public.queues[http.StateActive].Len() == 0
		})
	}
	keep("PROXY TCP4 203.0.113.78 192.0.2.1 4711 443\r\n")
	for range 3 {
		keep(line)
	}
	if _, err := conns[1].Read(make([]byte, 1)); err == nil {
		t.Error("it has three connections")
	}
	if _, err := io.WriteString(conns[0], "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); err != nil {
		t.Error(err)
	}
	if answer, err := io.ReadAll(conns[0]); err != nil || !strings.Contains(string(answer), "203.0.113.78") {
		t.Errorf("another client of the proxy lost its connection: %q %v", answer, err)
	}
	if _, answer, err := askProxied(t, "127.0.0.2", addresses["private"], "", nil); err != nil || !strings.HasPrefix(answer, "127.0.0.2:") {
		t.Errorf("the private listener: %q %v", answer, err)
	}
	// A client by itself has TLS as without a proxy, and no word about who it is.
	if _, answer, err := askProxied(t, "127.0.0.9", addresses["public"], "", config); err != nil || !strings.HasSuffix(answer, `as 127.0.0.9/32 over ""`) {
		t.Errorf("a client: %q %v", answer, err)
	}
	if _, answer, err := askProxied(t, "127.0.0.9", addresses["plain"], line, nil); err == nil {
		t.Errorf("a client's own line is taken: %q", answer)
	}
}
