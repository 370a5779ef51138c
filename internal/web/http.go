package web

import (
	"log/slog"
	"net/http"
	"time"
)

// Limits of a connection. A real client sends its request in one packet and
// reads its answer at once.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	// byteTimeout is for a connection of HTTP/2 that takes no byte at all.
	byteTimeout = 10 * time.Second
	// maxStreams is how many requests a connection of HTTP/2 has at once. A page with its
	// assets is five.
	maxStreams = 16
	// mostUnasked is how many bytes a client of the public listeners may send after a
	// request until the next one: the body that net/http still reads after a refusal
	// (256 KiB), and frames of an idle connection.
	mostUnasked = 512 << 10
)

// WriteTimeout is for an answer, from the end of its request's header on.
const WriteTimeout = 15 * time.Second

// http2 bounds what a connection keeps in memory: of what is sent, no more than one
// body.
func http2() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams: maxStreams, WriteByteTimeout: byteTimeout,
		MaxReceiveBufferPerConnection: MaxStaffBody, MaxReceiveBufferPerStream: MaxStaffBody, // the least that is possible
	}
}

// server answers the connections that the gate admitted.
func (c *Clients) server(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      WriteTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             http2(),
		ConnState:         c.changed,
		ConnContext:       withConnection,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug), // strangers' broken handshakes
	}
}
