package certificates_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"testing"
	"time"

	"autoconfig/internal/certificates"
	"autoconfig/internal/testkit"
)

// shelf is a store that has rows and nothing to do.
type shelf struct {
	certificates.Store
	rows map[string]certificates.Certificate
}

func (s shelf) Certificate(_ context.Context, name string) (certificates.Certificate, error) {
	if row, found := s.rows[name]; found {
		return row, nil
	}
	return certificates.Certificate{}, certificates.ErrNone
}

// BenchmarkHandshakes are TLS connections, both ends in this process: those of a bare server
// with one certificate, and those that take one of 10,000 from the keeper, cold from a row and
// warm from memory. "ratio" is how many are made in the time of one of the bare server.
func BenchmarkHandshakes(b *testing.B) {
	const names = 10_000
	secret := []byte("a secret of the benchmark")
	ca := testkit.NewCA(b)
	kept := shelf{rows: map[string]certificates.Certificate{}}
	name := func(i int) string { return fmt.Sprintf("autoconfig.d%04d.example", i%names) }
	var bare tls.Certificate
	for i := range names {
		chain, key := ca.Issue(b, testkit.Leaf{Names: []string{name(i)}}).PEM(b)
		pair, err := tls.X509KeyPair(chain, key)
		if err != nil {
			b.Fatal(err)
		}
		if i == 0 {
			bare = pair
			bare.Leaf = nil
		}
		der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
		if err != nil {
			b.Fatal(err)
		}
		sealed, err := certificates.Sealed(secret, der, name(i))
		if err != nil {
			b.Fatal(err)
		}
		kept.rows[name(i)] = certificates.Certificate{Name: name(i), Chain: chain, Key: sealed, NotAfter: time.Now().AddDate(0, 0, 90)}
	}
	newKeeper := func() *certificates.Keeper {
		k, err := certificates.New(certificates.Options{
			Store: kept, Secret: secret, Agreed: true, Directory: "https://acme.invalid",
			Served: func(context.Context, string) (string, error) { return "example", nil },
		})
		if err != nil {
			b.Fatal(err)
		}
		return k
	}
	warm := newKeeper()
	before := heap()
	for i := range names {
		if _, err := warm.Get(&tls.ClientHelloInfo{ServerName: name(i)}); err != nil {
			b.Fatal(err)
		}
	}
	memory := heap() - before
	floor := 0.0
	run := func(kind string, config *tls.Config) {
		b.Run(kind, func(b *testing.B) {
			client := &tls.Config{InsecureSkipVerify: true}
			i := 0
			for b.Loop() {
				client.ServerName = name(i)
				shakeHands(b, config, client)
				i++
			}
			each := float64(b.Elapsed()) / float64(b.N)
			if kind == "bare" {
				floor = each
			}
			b.ReportMetric(floor/each, "ratio")
			if kind == "warm" {
				b.ReportMetric(float64(memory)/names, "bytes/name")
			}
		})
	}
	run("bare", &tls.Config{Certificates: []tls.Certificate{bare}, MinVersion: tls.VersionTLS12})
	run("warm", &tls.Config{GetCertificate: warm.Get, MinVersion: tls.VersionTLS12})
	cold, asked := newKeeper(), 0
	run("cold", &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		if asked++; asked%names == 0 {
			cold = newKeeper()
		}
		return cold.Get(hello)
	}})
}

func shakeHands(b *testing.B, server, client *tls.Config) {
	near, far := net.Pipe()
	done := make(chan error, 1)
	go func() { done <- tls.Server(far, server).Handshake() }()
	err := tls.Client(near, client).Handshake()
	if failed := <-done; err != nil || failed != nil {
		b.Fatal(err, failed)
	}
	_, _ = near.Close(), far.Close()
}
