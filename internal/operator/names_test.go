package operator_test

import (
	"crypto/tls"
	"log/slog"
	"os"
	"testing"
	"time"

	"autoconfig/internal/operator"
	"autoconfig/internal/testkit"
)

// Of several certificates for a name the first one serves, and a name that none is for gets
// the first of all. A file that changes is for other names from then on.
func TestTheNameChoosesTheCertificate(t *testing.T) {
	t.Parallel()
	ca, now := testkit.NewCA(t), time.Now()
	clock := func() time.Time { return now }
	logger := slog.New(slog.DiscardHandler)
	var all *operator.TLSFiles
	var subjects []string
	add := func(names ...string) (certificate, key string) {
		certificate, key = pairOf(t, ca.Issue(t, testkit.Leaf{Names: names, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}))
		files, err := operator.WatchCertificate(logger, clock, certificate, key)
		if err != nil {
			t.Fatal(err)
		}
		if subjects = append(subjects, names[0]); all == nil {
			all = files
		} else {
			all.Add(files)
		}
		return certificate, key
	}
	add("setup.example.com")
	add("autoconfig.example.org", "autodiscover.example.org")
	add("*.example.net", "a.example.org")
	certificate, key := add("autoconfig.example.net", "autoconfig.example.org")
	ask := func(name string) string {
		t.Helper()
		pair, err := all.Get(&tls.ClientHelloInfo{
			ServerName: name, SupportedVersions: []uint16{tls.VersionTLS13}, SupportedCurves: []tls.CurveID{tls.X25519, tls.CurveP256},
			SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256, tls.PSSWithSHA256},
			CipherSuites:     []uint16{tls.TLS_AES_128_GCM_SHA256},
		})
		if err != nil {
			return err.Error()
		}
		return pair.Leaf.Subject.CommonName
	}
	for name, want := range map[string]int{
		"setup.example.com": 0, "autodiscover.example.org": 1, "AUTOCONFIG.Example.ORG": 1, "a.example.org": 2,
		"x.example.net": 2, "autoconfig.example.net": 2, "x.y.example.net": 0, "example.net": 0, "nobody.example": 0, "": 0,
	} {
		if got := ask(name); got != subjects[want] {
			t.Errorf("%q is served %s, want %s", name, got, subjects[want])
		}
	}
	// Outlook would ask the person about a wrong certificate; without one it goes on by itself.
	for _, special := range []string{"autoconfig.other.example", "Autodiscover.Other.example", "ua-auto-config.other.example"} {
		if got := ask(special); got != "no certificate is for this name" {
			t.Errorf("%q is served %s", special, got)
		}
	}
	one, two := ca.Issue(t, testkit.Leaf{Names: []string{"nobody.example"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour)}).PEM(t)
	for file, text := range map[string][]byte{certificate: one, key: two} {
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, now.Add(time.Minute), now.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	if now = now.Add(1001 * time.Millisecond); ask("nobody.example") != "nobody.example" {
		t.Error("a changed file isn't served for its new name")
	}
}
