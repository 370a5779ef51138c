package testkit

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA is a certificate authority for one test: a root, or an intermediate made
// by [CA.Intermediate].
type CA struct {
	cert  *x509.Certificate
	key   crypto.Signer
	chain []*x509.Certificate // from this authority up, without the root
	root  *x509.Certificate
}

// KeyKind is the kind of a certificate's key.
type KeyKind int

// The kinds of keys; the zero value is the quick one.
const (
	P256 KeyKind = iota
	RSA2048
)

// Leaf describes a certificate to issue. The zero times mean valid now.
type Leaf struct {
	Names     []string // DNS names and IP addresses; the first is the subject too
	Key       KeyKind
	NotBefore time.Time
	NotAfter  time.Time
	Usage     []x509.ExtKeyUsage // nil means server authentication
}

// Certificate is an issued certificate with its key and its intermediates.
type Certificate struct {
	Leaf  *x509.Certificate
	Key   crypto.Signer
	Chain []*x509.Certificate // the intermediates, without leaf and root
}

// NewCA makes a root with a P-256 key. Nobody trusts it yet.
func NewCA(t testing.TB) *CA {
	t.Helper()
	ca := &CA{key: newKey(t, P256)}
	ca.cert = sign(t, authority(t, "testkit root"), nil, ca.key, ca.key)
	ca.root = ca.cert
	return ca
}

// Known is somebody else's authority, for programs that are to trust it. It issues nothing.
func Known(root *x509.Certificate) *CA { return &CA{cert: root, root: root} }

// Intermediate makes an authority that this one has signed.
func (ca *CA) Intermediate(t testing.TB) *CA {
	t.Helper()
	sub := &CA{key: newKey(t, P256), root: ca.root}
	sub.cert = sign(t, authority(t, "testkit intermediate"), ca.cert, sub.key, ca.key)
	sub.chain = append([]*x509.Certificate{sub.cert}, ca.chain...)
	return sub
}

// Issue makes a certificate.
func (ca *CA) Issue(t testing.TB, leaf Leaf) *Certificate {
	t.Helper()
	if len(leaf.Names) == 0 {
		t.Fatal("testkit: a certificate needs a name")
	}
	template := template(t, leaf.Names[0])
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = leaf.Usage
	if leaf.Usage == nil {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if !leaf.NotBefore.IsZero() {
		template.NotBefore = leaf.NotBefore
	}
	if !leaf.NotAfter.IsZero() {
		template.NotAfter = leaf.NotAfter
	}
	for _, name := range leaf.Names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	key := newKey(t, leaf.Key)
	return &Certificate{Leaf: sign(t, template, ca.cert, key, ca.key), Key: key, Chain: ca.chain}
}

// Root returns the root's certificate, also for an intermediate.
func (ca *CA) Root() *x509.Certificate { return ca.root }

// PEM returns the root's certificate, also for an intermediate.
func (ca *CA) PEM() []byte { return certificatePEM(ca.root) }

// Pool returns a pool that trusts the root alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.root)
	return pool
}

// WriteFile writes the root's certificate as dir/ca.pem and returns its path.
func (ca *CA) WriteFile(t testing.TB, dir string) string {
	t.Helper()
	return writeFile(t, dir, "ca.pem", ca.PEM())
}

// TLS returns the certificate with its chain as a server uses it.
func (c *Certificate) TLS() tls.Certificate {
	out := tls.Certificate{Certificate: [][]byte{c.Leaf.Raw}, PrivateKey: c.Key, Leaf: c.Leaf}
	for _, cert := range c.Chain {
		out.Certificate = append(out.Certificate, cert.Raw)
	}
	return out
}

// PEM returns the certificate with its chain, and its key (PKCS #8).
func (c *Certificate) PEM(t testing.TB) (certificates, key []byte) {
	t.Helper()
	for _, cert := range append([]*x509.Certificate{c.Leaf}, c.Chain...) {
		certificates = append(certificates, certificatePEM(cert)...)
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		t.Fatal(err)
	}
	return certificates, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// WriteFiles writes dir/cert.pem (with the chain) and dir/key.pem and returns
// their paths.
func (c *Certificate) WriteFiles(t testing.TB, dir string) (certFile, keyFile string) {
	t.Helper()
	certificates, key := c.PEM(t)
	return writeFile(t, dir, "cert.pem", certificates), writeFile(t, dir, "key.pem", key)
}

func authority(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	template := template(t, name)
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	return template
}

func template(t testing.TB, name string) *x509.Certificate {
	t.Helper()
	// Thunderbird refuses two certificates of one issuer with the same serial.
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(30 * 24 * time.Hour),
	}
}

// sign issues template for key; without a parent it signs itself.
func sign(t testing.TB, template, parent *x509.Certificate, key, signer crypto.Signer) *x509.Certificate {
	t.Helper()
	if parent == nil {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func newKey(t testing.TB, kind KeyKind) crypto.Signer {
	t.Helper()
	var key crypto.Signer
	var err error
	switch kind {
	case P256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case RSA2048:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	default:
		t.Fatalf("testkit: no such kind of key: %d", kind)
	}
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func certificatePEM(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

func writeFile(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
