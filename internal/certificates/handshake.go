package certificates

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// errNoCertificate ends a handshake. It is one value, for strangers cause it at will.
var errNoCertificate = errors.New("there is no certificate for the name")

// entry is a certificate in memory, ready for handshakes.
type entry struct {
	certificate *tls.Certificate
	// until is when it is read again.
	until time.Time
}

// keptFor is how long a certificate is served from memory. What others issue is seen
// sooner (see); this is for what was read just before, and for names that aren't served
// any more.
const keptFor = 10 * time.Minute

// Get is the GetCertificate of a [tls.Config]. A name that isn't served costs a look-up
// of its domain. One that is served and has no certificate waits for it, for a moment,
// while it is ordered.
func (k *Keeper) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.ToLower(hello.ServerName)
	if name == "" {
		return nil, errNoCertificate
	}
	ctx := hello.Context()
	if len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == ProtocolALPN {
		if _, err := k.domainOf(ctx, name); err != nil {
			return nil, errNoCertificate
		}
		return k.challengeCertificate(ctx, name)
	}
	last, found := k.loaded.GetIfPresent(name)
	if found && k.Now().Before(last.until) {
		return last.certificate, nil
	}
	domain, err := k.domainOf(ctx, name)
	if errors.Is(err, ErrNotServed) {
		return nil, errNoCertificate
	}
	var e *entry
	var row Certificate
	if err == nil {
		e, row, err = k.load(ctx, name)
	}
	switch {
	case err == nil:
		return e.certificate, nil
	case !errors.Is(err, ErrNone) && found: // the database is down: the last one serves on
		return last.certificate, nil
	case !errors.Is(err, ErrNone):
		return nil, err
	case row.Failures > 0: // it is tried again later
		return nil, errNoCertificate
	}
	return k.waitFor(ctx, name, domain)
}

// domainOf is the domain of a served name, "" of the service's own; see Options.Served.
func (k *Keeper) domainOf(ctx context.Context, name string) (string, error) {
	if k.own[name] {
		return "", nil
	}
	return k.Served(ctx, name)
}

// load reads a certificate from the database. Without one, the error is ErrNone and the
// row says why.
func (k *Keeper) load(ctx context.Context, name string) (*entry, Certificate, error) {
	row, err := k.Store.Certificate(ctx, name)
	if err != nil {
		return nil, row, err
	}
	if !row.HasOne() {
		return nil, row, ErrNone
	}
	key, err := k.unseal(row.Key, name)
	if err != nil {
		return nil, row, err
	}
	e, err := newEntry(row, key, k.Now().Add(keptFor))
	if err != nil {
		return nil, row, fmt.Errorf("the certificate of %s in the database: %w", name, err)
	}
	k.loaded.Set(name, e)
	return e, row, nil
}

// newEntry leaves out the parsed leaf, which is most of a certificate's memory, and
// which a server doesn't need.
func newEntry(row Certificate, key []byte, until time.Time) (*entry, error) {
	private, err := x509.ParsePKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{PrivateKey: private}
	for rest := row.Chain; ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c.Certificate = append(c.Certificate, block.Bytes)
	}
	if len(c.Certificate) == 0 {
		return nil, errors.New("the chain is empty")
	}
	return &entry{c, until}, nil
}

// waitFor orders a certificate that a client asks for first, and waits for it.
func (k *Keeper) waitFor(ctx context.Context, name, domain string) (*tls.Certificate, error) {
	if err := k.Store.WantCertificates(ctx, k.Now(), Certificate{Name: name, Domain: domain, Class: Asked}); err != nil {
		return nil, err
	}
	select {
	case k.waiting <- struct{}{}:
		defer func() { <-k.waiting }()
	default: // enough others wait; the name has its row
		return nil, errNoCertificate
	}
	k.hurry()
	ctx, cancel := context.WithTimeout(ctx, k.Patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil, errNoCertificate
		case <-tick.C:
		}
		e, row, err := k.load(ctx, name)
		if err == nil {
			return e.certificate, nil
		}
		if !errors.Is(err, ErrNone) || row.Failures > 0 {
			return nil, errNoCertificate
		}
	}
}
