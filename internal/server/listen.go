package server

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"autoconfig/internal/web"
)

// shutdownTimeout is how long running requests have to end.
const shutdownTimeout = 10 * time.Second

// Listeners are the sockets that a Server serves; nil ones are not served.
type Listeners struct {
	Public net.Listener
	// Plain is plain http beside a Public with TLS.
	Plain   net.Listener
	Private net.Listener
	// Staff is for the help desk and the API, with Certificate too.
	Staff net.Listener
	// Certificate is for Public; nil means plain http of which it isn't known
	// whether a proxy ended TLS.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
}

// Serve serves until ctx ends. Then /readyz says that it is stopping, and it goes on
// for the time of Drain, in which a load balancer sends requests elsewhere. At
// last running requests may finish for up to ten seconds.
func (s *Server) Serve(ctx context.Context, l Listeners) error {
	group, ctx := errgroup.WithContext(ctx)
	run := func(name string, listener net.Listener, handler http.Handler, c *web.Crowd, config *tls.Config) {
		if listener == nil {
			return
		}
		server := c.Server(handler, s.Logger)
		listener = c.Gate(listener)
		if config != nil {
			listener = tls.NewListener(listener, config)
		}
		group.Go(func() error {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("%s listener: %w", name, err)
			}
			return nil
		})
		group.Go(func() error {
			<-ctx.Done()
			s.drain(server)
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
			defer cancel()
			if err := server.Shutdown(stop); err != nil {
				return server.Close()
			}
			return nil
		})
	}
	var config *tls.Config
	if l.Certificate != nil {
		config = &tls.Config{GetCertificate: l.Certificate, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	}
	group.Go(func() error { return s.groupRequests(ctx) })
	defer func() { s.sayGroups(s.requests.counted()) }()
	s.front.begin(newFace(s))
	run("public", l.Public, s.front.handler(func(f *face) http.Handler { return f.public }), s.crowds.public, config)
	run("plain", l.Plain, s.front.handler(func(f *face) http.Handler { return f.plain }), s.crowds.public, nil)
	run("private", l.Private, s.front.handler(func(f *face) http.Handler { return f.private }), s.crowds.private, nil)
	run("staff", l.Staff, s.front.handler(func(f *face) http.Handler { return f.staff }), s.crowds.staff, config)
	return group.Wait()
}

// drain lets clients go, one answer after the other.
func (s *Server) drain(server *http.Server) {
	s.front.stopping.Store(true)
	server.SetKeepAlivesEnabled(false)
	time.Sleep(s.front.latest().Drain)
}
