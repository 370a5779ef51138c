package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// attack is what strangers do.
type attack struct {
	name string
	do   func()
}

func (h *hostile) attacks() []attack {
	one := func(int) string { return "127.8.0.1" }
	many := func(i int) string { return fmt.Sprintf("127.8.%d.%d", 1+i/200%200, 1+i%200) }
	write := func(text string) func(net.Conn) {
		return func(c net.Conn) { _, _ = io.WriteString(c, text) }
	}
	const begun = "GET / HTTP/1.1\r\nHost: autoconfig.example.com\r\nX"
	const body = "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: autodiscover.example.com\r\nContent-Length: 16000\r\n\r\n<"
	slow := h.n(200, 2000)
	return []attack{
		{"slow headers from one", func() { h.hold(slow, one, h.plain, write(begun)) }},
		{"slow headers from many", func() { h.hold(h.n(400, 5000), many, h.plain, write(begun)) }},
		{"slow bodies from one", func() { h.hold(slow, one, h.plain, write(body)) }},
		{"slow bodies from many", func() { h.hold(h.n(400, 5000), many, h.plain, write(body)) }},
		{"nothing, instead of TLS", func() { h.hold(h.n(400, 5000), many, h.public, func(net.Conn) {}) }},
		{"idle connections of one", func() {
			h.hold(h.n(300, 10_000), one, h.plain, func(c net.Conn) {
				_, _ = io.WriteString(c, "GET /nothing HTTP/1.1\r\nHost: x.example\r\n\r\n")
				_, _ = http.ReadResponse(bufio.NewReader(c), nil)
			})
		}},
		{"large bodies", h.largeBodies},
		{"bombs", h.bombs},
		{"HTTP/2 with closed windows", func() { h.closedWindows(one) }},
		{"HTTP/2 with closed windows, from many", func() { h.closedWindows(many) }},
		{"HTTP/2 resets", func() { h.frames(h.n(500, 50_000), (*stranger2).askAndReset) }},
		{"HTTP/2 continuation", func() { h.frames(h.n(500, 50_000), (*stranger2).goOn) }},
		{"HTTP/2 settings", func() {
			h.frames(h.n(2000, 1_000_000), func(s *stranger2, _ int) error { return s.WriteSettings() })
		}},
		{"HTTP/2 pings", func() {
			h.frames(h.n(2000, 1_000_000), func(s *stranger2, _ int) error { return s.WritePing(false, [8]byte{}) })
		}},
		{"distinct addresses", func() {
			h.asks(h.n(2000, 1_000_000), func(i int) (string, string) {
				return "autoconfig.example.com", fmt.Sprintf("/autodiscover/autodiscover.json/v1.0/nobody%d@example.com?Protocol=AutodiscoverV1", i)
			})
		}},
		{"distinct hosts", func() {
			h.asks(h.n(1000, 100_000), func(i int) (string, string) { return fmt.Sprintf("autoconfig.d%d.example", i), "/mail/config-v1.1.xml" })
		}},
		{"distinct names in TLS", h.names},
		{"random bytes", h.random},
		{"shapes that smuggle", h.smuggle},
	}
}

func (h *hostile) largeBodies() {
	chunk := bytes.Repeat([]byte("a"), 64<<10)
	h.each(h.n(20, 500), func(i int) {
		conn := h.dial("127.8.0.2", h.plain)
		if conn == nil {
			return
		}
		defer func() { _ = conn.Close() }()
		kind := []string{"multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/xml"}[i%3]
		_, _ = fmt.Fprintf(conn, "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", kind, 10<<20)
		sent := 0
		for ; sent < 10<<20; sent += len(chunk) {
			if _, err := conn.Write(chunk); err != nil {
				break
			}
		}
		if sent >= 10<<20 {
			h.t.Error("10 MB were taken")
		}
	})
}

// bombs are small, and large when they are read.
func (h *hostile) bombs() {
	var entities, zipped strings.Builder
	for i := range 20 {
		fmt.Fprintf(&entities, `<!ENTITY e%d "%s">`, i+1, strings.Repeat(fmt.Sprintf("&e%d;", i), 10))
	}
	packer := gzip.NewWriter(&zipped)
	_, _ = packer.Write(bytes.Repeat([]byte("<Autodiscover>"), 500_000)) // 7 MB in 7 kB
	_ = packer.Close()
	shapes := []string{
		`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "x">` + entities.String() + `]><Autodiscover>&e20;</Autodiscover>`,
		strings.Repeat("<a>", 5400), strings.Repeat("<!---->", 2300), "<a" + strings.Repeat(" b=''", 3200) + "/>", zipped.String(),
	}
	h.each(h.n(50, 5000), func(i int) {
		if conn := h.dial("127.8.0.3", h.plain); conn != nil {
			shape := shapes[i%len(shapes)]
			_, _ = fmt.Fprintf(conn, "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", len(shape), shape)
			_, _ = http.ReadResponse(bufio.NewReader(conn), nil)
			_ = conn.Close()
		}
	})
}

// stranger2 speaks HTTP/2, frame by frame.
type stranger2 struct {
	*http2.Framer
	text    bytes.Buffer
	headers *hpack.Encoder
}

func newStranger2(conn net.Conn) *stranger2 {
	secure := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}) // a stranger
	if _, err := io.WriteString(secure, http2.ClientPreface); err != nil {
		return nil
	}
	s := &stranger2{Framer: http2.NewFramer(secure, secure)}
	s.headers = hpack.NewEncoder(&s.text)
	_ = s.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	return s
}

func (s *stranger2) ask(stream int, path string, whole bool) error {
	s.text.Reset()
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "autoconfig.example.com"}, {":path", path}} {
		_ = s.headers.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	return s.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(stream), BlockFragment: s.text.Bytes(), EndStream: true, EndHeaders: whole}) // small
}

func (s *stranger2) askAndReset(i int) error {
	if err := s.ask(1+2*i, "/", true); err != nil {
		return err
	}
	return s.WriteRSTStream(uint32(1+2*i), http2.ErrCodeCancel)
}

// goOn sends a header that has no end.
func (s *stranger2) goOn(i int) error {
	if i == 0 {
		return s.ask(1, "/", false)
	}
	return s.WriteContinuation(1, false, []byte("\x00\x03x-a\x03bcd"))
}

func (h *hostile) closedWindows(from func(int) string) {
	h.hold(h.n(50, 200), from, h.public, func(c net.Conn) {
		s := newStranger2(c)
		if s == nil {
			return
		}
		for i := range 250 {
			if s.ask(1+2*i, "/", true) != nil {
				return
			}
		}
	})
}

// frames sends n frames on each of some connections, and reads nothing.
func (h *hostile) frames(n int, send func(*stranger2, int) error) {
	h.hold(h.n(4, 8), func(int) string { return "127.8.0.4" }, h.public, func(c net.Conn) {
		s := newStranger2(c)
		for i := 0; s != nil && i < n && send(s, i) == nil; i++ {
			continue
		}
	})
}

// asks sends n requests, on a few connections.
func (h *hostile) asks(n int, request func(i int) (host, path string)) {
	const clients = 8
	h.each(clients, func(client int) {
		var conn net.Conn
		var in *bufio.Reader
		for i := client; i < n; i += clients {
			if conn == nil {
				if conn = h.dial(fmt.Sprintf("127.8.1.%d", 1+client), h.plain); conn == nil {
					continue
				}
				in = bufio.NewReader(conn)
			}
			host, path := request(i)
			_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host)
			r, err := http.ReadResponse(in, nil)
			if err == nil {
				_, err = io.Copy(io.Discard, r.Body)
			}
			if err != nil || r.Close || i >= n-clients {
				_ = conn.Close()
				conn = nil
			}
		}
	})
}

func (h *hostile) names() {
	h.each(h.n(100, 100_000), func(i int) {
		if conn := h.dial("127.8.0.5", h.public); conn != nil {
			_ = tls.Client(conn, &tls.Config{ServerName: fmt.Sprintf("d%d.example", i)}).Handshake() // the certificate isn't for it
			_ = conn.Close()
		}
	})
}

func (h *hostile) random() {
	h.each(h.n(200, 20_000), func(i int) {
		if conn := h.dial("127.8.0.6", []string{h.public, h.plain}[i%2]); conn != nil {
			text := make([]byte, rand.IntN(4096))
			for k := range text {
				text[k] = byte(rand.Uint32())
			}
			_, _ = conn.Write(text)
			_ = conn.(*net.TCPConn).CloseWrite()
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	})
}

// smuggle sends what a proxy in front may take for one request and a server for two:
// it is refused, or answered once.
func (h *hostile) smuggle() {
	const head = "POST /autodiscover/autodiscover.xml HTTP/1.1\r\nHost: x.example\r\n"
	const second = "GET /smuggled HTTP/1.1\r\nHost: x.example\r\n\r\n"
	chunked := "0\r\n\r\n" + second
	length := fmt.Sprintf("Content-Length: %d\r\n", len(chunked))
	shapes := []string{
		head + length + "Transfer-Encoding: chunked\r\n\r\n" + chunked,
		head + "Transfer-Encoding: chunked\r\n" + length + "\r\n" + chunked,
		head + length + "Transfer-Encoding: xchunked\r\n\r\n" + chunked,
		head + length + "Transfer-Encoding : chunked\r\n\r\n" + chunked,
		head + length + "Transfer-Encoding: chunked, identity\r\n\r\n" + chunked,
		head + length + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunked,
		head + length + "Transfer-Encoding:\x0bchunked\r\n\r\n" + chunked,
		head + length + " Transfer-Encoding: chunked\r\n\r\n" + chunked,
		head + length + "X: y\r\n Transfer-Encoding: chunked\r\n\r\n" + chunked,
		head + length + "X: y\rTransfer-Encoding: chunked\r\n\r\n" + chunked,
		head + "Content-Length: 0\r\n" + length + "\r\n" + chunked,
		head + length + "Content-Length: 0\r\n\r\n" + chunked,
		head + "Content-Length: 0, 5\r\n\r\n" + chunked,
		head + "Content-Length: +5\r\n\r\n" + chunked,
		head + "Content-Length: 0x5\r\n\r\n" + chunked,
		head + "Content-Length: -1\r\n\r\n" + chunked,
		head + "Transfer-Encoding: chunked\r\n\r\n1;\nx\r\nA\r\n0\r\n\r\n" + second,
		head + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n" + second,
		head + "Transfer-Encoding: chunked\r\n\r\n-1\r\n" + second,
		"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + length + "\r\n" + chunked,
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/9.9\r\nHost: a\r\n\r\n",
		"GET /\x00 HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
	}
	answers := make([]int, len(shapes))
	h.each(len(shapes), func(i int) {
		conn := h.dial("127.8.0.7", h.plain)
		if conn == nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, shapes[i])
		_ = conn.(*net.TCPConn).CloseWrite()
		said, _ := io.ReadAll(conn)
		answers[i] = bytes.Count(said, []byte("HTTP/1."))
	})
	for i, n := range answers {
		if n > 1 {
			h.t.Errorf("%q is answered %d times", shapes[i], n)
		}
	}
	if !slices.Contains(answers, 1) {
		h.t.Error("no shape is answered: is the service there?")
	}
}
