package testkit_test

import (
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"testing"
	"time"

	"autoconfig/internal/testkit"
)

func TestCA(t *testing.T) {
	root := testkit.NewCA(t)
	intermediate := root.Intermediate(t)
	cert := intermediate.Issue(t, testkit.Leaf{Names: []string{"mail.example.com", "192.0.2.1"}, Key: testkit.RSA2048})
	if _, ok := cert.Key.(*rsa.PrivateKey); !ok {
		t.Errorf("a key of type %T", cert.Key)
	}
	verify := func(ca *testkit.CA, c *testkit.Certificate, name string) error {
		chain := x509.NewCertPool()
		for _, cert := range c.Chain {
			chain.AddCert(cert)
		}
		_, err := c.Leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: ca.Pool(), Intermediates: chain})
		return err
	}
	for _, name := range []string{"mail.example.com", "192.0.2.1"} {
		if err := verify(root, cert, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var wrongName x509.HostnameError
	if err := verify(root, cert, "other.example.com"); !errors.As(err, &wrongName) {
		t.Errorf("another name: %v", err)
	}
	var unknown x509.UnknownAuthorityError
	if err := verify(testkit.NewCA(t), cert, "mail.example.com"); !errors.As(err, &unknown) {
		t.Errorf("another authority: %v", err)
	}
	old := root.Issue(t, testkit.Leaf{Names: []string{"a.example"}, NotAfter: time.Now().Add(-time.Minute)})
	var invalid x509.CertificateInvalidError
	if err := verify(root, old, "a.example"); !errors.As(err, &invalid) || invalid.Reason != x509.Expired {
		t.Errorf("an expired certificate: %v", err)
	}
}

func TestCAFiles(t *testing.T) {
	root := testkit.NewCA(t)
	dir := t.TempDir()
	certFile, keyFile := root.Intermediate(t).Issue(t, testkit.Leaf{Names: []string{"a.example"}}).WriteFiles(t, dir)
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	if len(pair.Certificate) != 2 {
		t.Errorf("%d certificates in the file, want leaf and intermediate", len(pair.Certificate))
	}
	content, err := os.ReadFile(root.WriteFile(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	if block, rest := pem.Decode(content); block == nil || len(rest) != 0 || string(block.Bytes) != string(root.Root().Raw) {
		t.Errorf("not the root's certificate: %s", content)
	}
}
