package server_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/testkit"
	"autoconfig/internal/web"
)

// dialFrom opens a connection from an address of this machine.
func dialFrom(t testing.TB, from, to string) net.Conn {
	t.Helper()
	conn, err := tryDial(t, from, to)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

// tryDial may fail: a client that isn't let in is hung up on at once.
func tryDial(t testing.TB, from, to string) (net.Conn, error) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: time.Minute}
	conn, err := dialer.DialContext(t.Context(), "tcp", to)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, conn.SetDeadline(time.Now().Add(2 * time.Minute))
}

// get sends a request and reads its answer; an error means that there is none.
func get(conn net.Conn, path string) (*http.Response, error) {
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: autoconfig.example.com\r\n\r\n", path); err != nil {
		return nil, err
	}
	r, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, r.Body)
	return r, err
}

const configPath = "/mail/config-v1.1.xml"

// Whatever some clients hold, idle or never used, another one is answered.
func TestClientsThatHoldConnectionsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *servertest.Options) { o.Limits = web.Limits{Connections: 60, PerClient: 20} })
	l := listen(t, "127.0.0.1:0")
	w.serve(t, web.Listeners{Public: l})
	address := l.Addr().String()
	for i := range 100 {
		if conn, err := tryDial(t, fmt.Sprintf("127.0.7.%d", 1+i%5), address); err == nil && i%2 == 0 {
			_, _ = get(conn, configPath)
		}
	}
	for i := range 20 {
		r, err := get(dialFrom(t, "127.0.7.99", address), configPath)
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("another client's request %d: %v %v", i, r, err)
		}
	}
}

func TestAClientWithTooManyConnectionsIsHungUpOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *servertest.Options) { o.Limits = web.Limits{Connections: 60, PerClient: 16} })
	l := listen(t, "127.0.0.1:0")
	w.serve(t, web.Listeners{Public: l})
	for range 16 { // unused ones aren't closed for its own sake
		dialFrom(t, "127.0.7.1", l.Addr().String())
	}
	if conn, err := tryDial(t, "127.0.7.1", l.Addr().String()); err == nil {
		if r, err := get(conn, configPath); err == nil {
			t.Errorf("over the bound: %s", r.Status)
		}
	}
}

func TestATooManyClosesTheConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *servertest.Options) { o.Rate = web.Rate{PerSecond: 1, Burst: 1} })
	l := listen(t, "127.0.0.1:0")
	w.serve(t, web.Listeners{Public: l})
	conn := dialFrom(t, "127.0.7.1", l.Addr().String())
	if r, err := get(conn, configPath); err != nil || r.StatusCode != http.StatusOK || r.Close {
		t.Fatalf("%v %v", r, err)
	}
	if r, err := get(conn, configPath); err != nil || r.StatusCode != http.StatusTooManyRequests || !r.Close || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Fatalf("%v %v", r, err)
	}
	if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// A body that comes slowly, or not at all, keeps no answer to others, and what is too
// long is refused at once.
func TestBodiesOverSockets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *servertest.Options) { o.Limits = web.Limits{Requests: 2} })
	l := listen(t, "127.0.0.1:0")
	w.serve(t, web.Listeners{Public: l})
	head := "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.com\r\nContent-Type: multipart/form-data; boundary=x\r\n"
	for range 20 {
		_, _ = io.WriteString(dialFrom(t, "127.0.7.1", l.Addr().String()), head+"Content-Length: 1000\r\n\r\n<Auto")
	}
	for range 5 {
		if r, err := get(dialFrom(t, "127.0.7.2", l.Addr().String()), configPath); err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("another client: %v %v", r, err)
		}
	}
	for _, length := range []string{"Content-Length: 300000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n8000\r\n"} {
		conn := dialFrom(t, "127.0.7.3", l.Addr().String())
		_, _ = io.WriteString(conn, head+length)
		_, _ = conn.Write(bytes.Repeat([]byte("a"), 32<<10))
		if r, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || r.StatusCode != http.StatusRequestEntityTooLarge || !r.Close {
			t.Errorf("%q: %v %v", length, r, err)
		}
	}
}

// h2 is a client of HTTP/2 that takes no byte of an answer's body.
type h2 struct {
	t *testing.T
	*http2.Framer
	conn    net.Conn
	text    bytes.Buffer
	headers *hpack.Encoder
}

func newH2(t *testing.T, address string) *h2 {
	t.Helper()
	conn := tls.Client(dialFrom(t, "127.0.7.1", address), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}) // a test's client
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	c := &h2{t: t, conn: conn, Framer: http2.NewFramer(conn, conn)}
	c.headers = hpack.NewEncoder(&c.text)
	if err := c.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *h2) ask(stream uint32, path string) {
	c.t.Helper()
	c.text.Reset()
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "autoconfig.example.com"}, {":path", path}} {
		_ = c.headers.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	if err := c.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: c.text.Bytes(), EndStream: true, EndHeaders: true}); err != nil {
		c.t.Fatal(err)
	}
}

// until reads frames until one is as it is looked for.
func (c *h2) until(found func(http2.Frame) bool) {
	c.t.Helper()
	for {
		frame, err := c.ReadFrame()
		if err != nil {
			c.t.Fatal(err)
		}
		if settings, ok := frame.(*http2.SettingsFrame); ok && !settings.IsAck() {
			_ = c.WriteSettingsAck()
		}
		if found(frame) {
			return
		}
	}
}

func secure(t *testing.T, w *world) (address string) {
	t.Helper()
	issued := testkit.NewCA(t).Issue(t, testkit.Leaf{Names: []string{"autoconfig.example.com"}})
	certificate := issued.TLS()
	l := listen(t, "127.0.0.1:0")
	w.serve(t, web.Listeners{Public: l, Certificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &certificate, nil }})
	return l.Addr().String()
}

func TestStreamsOfAConnectionAreFew(t *testing.T) {
	t.Parallel()
	c := newH2(t, secure(t, newWorld(t)))
	var most uint32
	c.until(func(f http2.Frame) bool {
		settings, ok := f.(*http2.SettingsFrame)
		if ok {
			most, _ = settings.Value(http2.SettingMaxConcurrentStreams)
		}
		return ok
	})
	if most < 5 || most > 20 {
		t.Fatalf("%d streams", most)
	}
	for i := range most + 1 {
		c.ask(1+2*i, "/")
	}
	c.until(func(f http2.Frame) bool {
		reset, ok := f.(*http2.RSTStreamFrame)
		return ok && reset.StreamID == 1+2*most
	})
}

// With 429, HTTP/2 says that the connection ends; a stream whose window is closed
// doesn't live on.
func TestATooManyEndsAConnectionOfHTTP2(t *testing.T) {
	t.Parallel()
	c := newH2(t, secure(t, newWorld(t, func(o *servertest.Options) { o.Rate = web.Rate{PerSecond: 1, Burst: 1} })))
	c.ask(1, configPath)
	c.ask(3, configPath)
	gone, reset := false, false
	c.until(func(f http2.Frame) bool {
		switch f.(type) {
		case *http2.GoAwayFrame:
			gone = true
		case *http2.RSTStreamFrame:
			reset = true
		}
		return gone && reset
	})
}

// Frames that ask nothing end their connection after a while; a connection that asks
// may send as much as it likes.
func TestAConnectionThatOnlySendsIsEnded(t *testing.T) {
	t.Parallel()
	address := secure(t, newWorld(t))
	c := newH2(t, address)
	ping := bytes.Repeat([]byte{0, 0, 8, 6, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 1000) // answers, which nobody asked for
	sent := 0
	for ; sent < 1000; sent++ {
		if _, err := c.conn.Write(ping); err != nil {
			break
		}
	}
	if sent == 1000 {
		t.Error("17 MB of frames were read")
	}
}

func TestAConnectionMayAskAllDay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(o *servertest.Options) { o.Rate = web.Rate{PerSecond: 1e6, Burst: 1e6} })
	l := listen(t, "127.0.0.1:0")
	w.serve(t, web.Listeners{Public: l})
	conn := dialFrom(t, "127.0.7.1", l.Addr().String())
	answers := bufio.NewReader(conn)
	for i := range 100 {
		_, _ = fmt.Fprintf(conn, "GET /nothing HTTP/1.1\r\nHost: autoconfig.example.com\r\nX-Filling: %s\r\n\r\n", bytes.Repeat([]byte("a"), 12<<10))
		r, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
		_, _ = io.Copy(io.Discard, r.Body)
	}
}
