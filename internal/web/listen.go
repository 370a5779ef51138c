package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// shutdownTimeout is how long running requests have to end.
const shutdownTimeout = 10 * time.Second

// settleTimeout is how long a connection that was just accepted has for its request.
const settleTimeout = 2 * time.Second

// Listeners are the sockets that a Front serves; nil ones are not served.
type Listeners struct {
	Public net.Listener
	// Plain is plain http beside a Public with TLS.
	Plain   net.Listener
	Private net.Listener
	// Staff is for the help desk and the API, with Certificate too.
	Staff net.Listener
	// Proxied says that trusted proxies begin each connection to Public, Plain and Staff with
	// the PROXY protocol.
	Proxied bool
	// Certificate is for Public; nil means plain http of which it isn't known
	// whether a proxy ended TLS.
	Certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	// Protocols are what Certificate answers beside HTTP, by their names in ALPN.
	Protocols []string
}

// Serve serves until ctx ends. Then /readyz says that it is stopping, and it goes on
// for the time of Drain, in which a load balancer sends requests elsewhere. At
// last running requests may finish for up to ten seconds.
func (f *Front) Serve(ctx context.Context, l Listeners) error {
	group, ctx := errgroup.WithContext(ctx)
	run := func(name string, listener net.Listener, pick func(*Handlers) http.Handler, c *Clients, config *tls.Config) {
		if listener == nil {
			return
		}
		server := c.server(f.handler(pick), f.Logger)
		abandon := func() {}
		if l.Proxied && c != f.Private {
			proxied := newProxied(listener, c.trusted)
			group.Go(proxied.run)
			listener, abandon = proxied, proxied.abandon
		}
		listener = &gate{listener, c}
		if config != nil {
			listener = tls.NewListener(listener, config)
		}
		served := make(chan struct{})
		group.Go(func() error {
			defer close(served)
			defer abandon()
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) && !(f.Stopping() && errors.Is(err, net.ErrClosed)) {
				return fmt.Errorf("%s listener: %w", name, err)
			}
			return nil
		})
		group.Go(func() error {
			<-ctx.Done()
			f.drain(server)
			// net/http drops a request that it has read when a shutdown has begun meanwhile. So
			// first nothing new is accepted, and what was accepted is answered. The last connection
			// may have been accepted, and not counted yet, when the listener is closed: Serve ends
			// after it.
			_ = listener.Close()
			<-served
			c.settle(settleTimeout)
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
		config = &tls.Config{GetCertificate: l.Certificate, MinVersion: tls.VersionTLS12, NextProtos: append([]string{
			"h2",
			"http/1.1",
		}, l.Protocols...)}
	}
	group.Go(func() error { return f.groupRequests(ctx) })
	defer func() { f.sayGroups(f.requests.counted()) }()
	run("public", l.Public, func(f *Handlers) http.Handler { return f.Public }, f.Public, config)
	run("plain", l.Plain, func(f *Handlers) http.Handler { return f.Plain }, f.Public, nil)
	run("private", l.Private, func(f *Handlers) http.Handler { return f.Private }, f.Private, nil)
	run("staff", l.Staff, func(f *Handlers) http.Handler { return f.Staff }, f.Staff, config)
	return group.Wait()
}

// drain lets clients go, one answer after the other.
func (f *Front) drain(server *http.Server) {
	f.stopping.Store(true)
	server.SetKeepAlivesEnabled(false)
	time.Sleep(f.latest().App.Drain)
}
