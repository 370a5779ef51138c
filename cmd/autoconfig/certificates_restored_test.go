package main

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"autoconfig/internal/testkit"
)

// A backup has the certificates with their sealed keys: restored elsewhere with the same
// secret_file they are served at once, and none is ordered.
func TestARestoredCertificateIsServed(t *testing.T) {
	t.Parallel()
	c := newCertified(t, "http-01")
	names := []string{"autoconfig.example.com", "autodiscover.example.com", "setup.example.com"}
	serials := func() (all []string) {
		for _, name := range names {
			var serial, failure string
			testkit.Until(t, func() string { return name + ": " + failure }, func() bool {
				connection, err := tls.Dial("tcp", c.public, &tls.Config{RootCAs: c.acme.Issued, ServerName: name})
				if err != nil {
					failure = err.Error()
					return false
				}
				serial = connection.ConnectionState().PeerCertificates[0].SerialNumber.String()
				return connection.Close() == nil
			})
			all = append(all, name+" "+serial)
		}
		return all
	}
	before, listen := serials(), c.public
	orders := c.acme.Orders()
	if seen := shell(t, c.folder, "autoconfig backup site.backup || echo FAILED"); strings.Contains(seen, "FAILED") {
		t.Fatal(seen)
	}
	if said, err := c.stop(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	elsewhere := t.TempDir()
	for _, name := range []string{"autoconfig.yaml", "autoconfig.secret", "ca.pem", "site.backup"} {
		text, err := os.ReadFile(filepath.Join(c.folder, name))
		if err != nil {
			t.Fatal(err)
		}
		put(t, elsewhere, 0o600, map[string]string{name: string(text)})
	}
	if seen := shell(t, elsewhere, "autoconfig restore site.backup || echo FAILED"); strings.Contains(seen, "FAILED") {
		t.Fatal(seen)
	}
	c.process = serve(t, elsewhere, "--listen", listen)
	if after := serials(); !slices.Equal(after, before) {
		t.Errorf("after the restore %q are served, not %q", after, before)
	}
	if got := c.acme.Orders(); got != orders {
		t.Errorf("%d orders after the restore, %d before", got, orders)
	}
}
