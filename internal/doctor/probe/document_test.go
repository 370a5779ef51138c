package probe

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// A document is taken from where a check would take it, and from nowhere else.
func TestDocument(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("plain")) }))
	t.Cleanup(plain.Close)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			_, _ = w.Write([]byte("good"))
		case "/moved":
			http.Redirect(w, r, "/good", http.StatusFound)
		case "/down":
			http.Redirect(w, r, plain.URL, http.StatusFound)
		case "/inside":
			http.Redirect(w, r, "https://10.0.0.1/", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/large":
			_, _ = w.Write(bytes.Repeat([]byte("x"), maxPage))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	for _, c := range []struct {
		path    string
		allowed []netip.Prefix
		text    string
		err     error
		says    string
	}{
		{"/good", loopback, "good", nil, ""},
		{"/moved", loopback, "good", nil, ""},
		{"/good", nil, "", ErrForbidden, "127.0.0.1 is not a public address"},
		{"/inside", loopback, "", ErrForbidden, "10.0.0.1 is not a public address"},
		{"/down", loopback, "", ErrDocument, "which is not https"},
		{"/round", loopback, "", nil, "more than 20 redirects"},
		{"/nowhere", loopback, "", ErrDocument, "answers 404"},
		{"/large", loopback, "", ErrDocument, "1024 KiB or more"},
	} {
		prober := &Prober{Resolver: &Resolver{}, Roots: roots}
		prober.Dialer.Policy.Allowed = c.allowed
		text, err := prober.Document(t.Context(), server.URL+c.path)
		if string(text) != c.text || (err != nil) != (c.says != "") || err != nil && !strings.Contains(err.Error(), c.says) || c.err != nil && !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v", c.path, text, err)
		}
	}
}

func TestADocumentThatTakesTooLong(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(server.Close)
	prober := &Prober{Resolver: &Resolver{}}
	prober.Dialer.Policy.Allowed = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	ctx, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if _, err := prober.Document(ctx, server.URL); err == nil || !strings.Contains(err.Error(), "not answered in time, which is 10s at most") {
		t.Error(err)
	}
}
