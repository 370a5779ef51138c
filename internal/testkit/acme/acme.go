// Package acme is a real ACME server for tests: Let's Encrypt's pebble, in this process.
package acme

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
)

// Server is an ACME server. It validates at the ports of its Options, where the name
// server says that a name is.
type Server struct {
	// Directory is its URL, and Roots vouch for its own certificate.
	Directory string
	Roots     *x509.CertPool
	PEM       []byte // of Roots
	// Issued vouches for the certificates that it issues.
	Issued *x509.CertPool
	// Root is the one in Issued.
	Root *x509.Certificate

	orders atomic.Int64
	broken atomic.Pointer[http.HandlerFunc]
}

// Options are how a server is started.
type Options struct {
	// DNS is the name server, host:port.
	DNS string
	// HTTPPort and TLSPort are where it validates.
	HTTPPort, TLSPort int
	// Life is that of its certificates; 90 days if 0.
	Life time.Duration
	// External is an account that must be named: its key by its identity. None is needed
	// if it is nil.
	External map[string]string
	// Blocked are domains for which it doesn't issue.
	Blocked []string
}

// Quick makes pebble validate without the pauses that it makes by default. It is for
// TestMain: pebble reads it from the environment.
func Quick() { _ = os.Setenv("PEBBLE_VA_NOSLEEP", "1") }

// Start starts a server that ends with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{}
	logger := log.New(io.Discard, "", 0)
	life := uint64(o.Life.Seconds())
	store := db.NewMemoryStore()
	authority := ca.New(logger, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "default", ValidityPeriod: life}})
	for id, key := range o.External {
		if err := store.AddExternalAccountKeyByID(id, key); err != nil {
			t.Fatal(err)
		}
	}
	for _, domain := range o.Blocked {
		if err := store.AddBlockedDomain(domain); err != nil {
			t.Fatal(err)
		}
	}
	front := wfe.New(logger, store, va.New(logger, o.HTTPPort, o.TLSPort, false, o.DNS, store), authority,
		[]string{"pebble.example"}, false, o.External != nil, 1, 1)
	handler := front.Handler()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken := s.broken.Load(); broken != nil {
			(*broken)(w, r)
			return
		}
		if !strings.HasSuffix(r.URL.Path, "order-plz") {
			handler.ServeHTTP(w, r)
			return
		}
		answer := &answer{ResponseWriter: w}
		handler.ServeHTTP(answer, r)
		if answer.status == http.StatusCreated { // it refuses one nonce in twenty, so that clients try again
			s.orders.Add(1)
		}
	}))
	t.Cleanup(server.Close)
	s.Directory = server.URL + wfe.DirectoryPath
	s.Roots, s.Issued = x509.NewCertPool(), x509.NewCertPool()
	s.Roots.AddCert(server.Certificate())
	s.PEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	s.Root = authority.GetRootCert(0).Cert
	s.Issued.AddCert(s.Root)
	return s
}

// answer remembers its status.
type answer struct {
	http.ResponseWriter
	status int
}

func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Orders counts the orders until now.
func (s *Server) Orders() int { return int(s.orders.Load()) }

// Break lets another handler answer, and nil the server again.
func (s *Server) Break(handler http.HandlerFunc) {
	if handler == nil {
		s.broken.Store(nil)
		return
	}
	s.broken.Store(&handler)
}

// Hang is a handler that doesn't answer until ctx ends.
func Hang(ctx context.Context) http.HandlerFunc {
	return func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-ctx.Done():
		case <-r.Context().Done():
		}
	}
}
