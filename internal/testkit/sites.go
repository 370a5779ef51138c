package testkit

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Sites are web sites by scheme and host ("https://example.com"), behind one server
// for each scheme. A host that isn't there answers 404.
type Sites struct {
	Pages map[string]http.HandlerFunc
	// HTTPS and HTTP are where the servers listen.
	HTTPS, HTTP string
}

// StartSites serves sites with a certificate for the names.
func StartSites(t testing.TB, ca *CA, names ...string) *Sites {
	t.Helper()
	s := &Sites{Pages: map[string]http.HandlerFunc{}}
	secure := httptest.NewUnstartedServer(s.handler("https"))
	secure.TLS = &tls.Config{Certificates: []tls.Certificate{ca.Issue(t, Leaf{Names: names}).TLS()}}
	secure.StartTLS()
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(s.handler("http"))
	t.Cleanup(plain.Close)
	s.HTTPS, s.HTTP = secure.Listener.Addr().String(), plain.Listener.Addr().String()
	return s
}

func (s *Sites) handler(scheme string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page, ok := s.Pages[scheme+"://"+r.Host]; ok {
			page(w, r)
			return
		}
		http.NotFound(w, r)
	})
}

// Say answers always the same.
func Say(status int, kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Only answers one path, and leaves the rest of a host to another handler.
func Only(path string, special, rest http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			special(w, r)
		} else {
			rest(w, r)
		}
	}
}
