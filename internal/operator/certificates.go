package operator

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"autoconfig/internal/lookup"
	"autoconfig/mobileconfig"
)

// What certificates are for: keys of the configuration, and labels of a metric.
const (
	useTLS     = "tls"
	useSigning = "signing"
)

// TLSFiles are the certificates of the public listener and their keys, read again when
// the files change.
type TLSFiles struct {
	pairs []*watched[*tls.Certificate]

	mu      sync.Mutex
	checked time.Time
	byName  atomic.Pointer[map[string][]ranked]
}

// ranked is a certificate with its place in the list: the first that fits is served.
type ranked struct {
	place int
	*tls.Certificate
}

// SigningFiles is what signs profiles, in the same way.
type SigningFiles struct {
	w *watched[*mobileconfig.Identity]
}

// WatchCertificate reads a certificate with its chain, and its key.
func WatchCertificate(logger *slog.Logger, now func() time.Time, certificate, key string) (*TLSFiles, error) {
	w, err := watch(logger, now, func(c [][]byte) (*tls.Certificate, error) {
		return parsePair(c, certificate, key)
	}, certificate, key)
	return &TLSFiles{pairs: []*watched[*tls.Certificate]{w}}, err
}

// Add adds another certificate, for names that the ones before aren't for.
func (f *TLSFiles) Add(other *TLSFiles) { f.pairs = append(f.pairs, other.pairs...) }

// WatchIdentity reads what signs profiles: a certificate with its chain, and a key.
func WatchIdentity(logger *slog.Logger, now func() time.Time, certificate, key string) (*SigningFiles, error) {
	w, err := watch(logger, now, func(c [][]byte) (*mobileconfig.Identity, error) {
		identity, err := mobileconfig.ParseIdentity(c[0], c[1])
		switch {
		case errors.Is(err, mobileconfig.ErrMismatch):
			return nil, mismatch(certificate, key)
		case errors.As(err, &mobileconfig.KeyError{}):
			return nil, fmt.Errorf("%s: %w", key, err)
		case err != nil:
			return nil, fmt.Errorf("%s: %w", certificate, err)
		}
		return identity, nil
	}, certificate, key)
	return &SigningFiles{w}, err
}

// errNotFor ends a handshake for a name that no certificate is for.
var errNotFor = errors.New("no certificate is for this name")

// Get implements the GetCertificate of a [tls.Config]: the first certificate that is for
// the name and that the client can use, else the first. A domain's special name that none
// is for gets none: Outlook asks the person about a wrong certificate, and goes on by
// itself to plain http, which leads here, if there is none.
func (f *TLSFiles) Get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	first := f.pairs[0].get()
	special := slices.ContainsFunc(lookup.SpecialNames, func(label string) bool {
		return len(hello.ServerName) > len(label) && strings.EqualFold(hello.ServerName[:len(label)], label)
	})
	if len(f.pairs) == 1 && !special {
		return first, nil
	}
	named := f.named(hello.ServerName)
	if special && len(named) == 0 {
		return nil, errNotFor
	}
	for _, c := range named {
		if hello.SupportsCertificate(c.Certificate) == nil {
			return c.Certificate, nil
		}
	}
	return first, nil
}

// named are the certificates for a name, by their place. A hoster has a thousand: to try
// them one by one took twice as long as the handshake.
func (f *TLSFiles) named(name string) []ranked {
	if f.mu.TryLock() { // one looks, the others go on with what there is
		if now := f.pairs[0].now(); f.byName.Load() == nil || now.Sub(f.checked) >= checkEvery/2 {
			f.checked = now
			f.index()
		}
		f.mu.Unlock()
	}
	byName := f.byName.Load()
	if byName == nil { // somebody is about to read them for the first time
		f.mu.Lock()
		f.index()
		byName = f.byName.Load()
		f.mu.Unlock()
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	exact := (*byName)[name]
	_, parent, _ := strings.Cut(name, ".")
	wild := (*byName)["*."+parent]
	if len(exact) == 0 || len(wild) == 0 {
		return slices.Concat(exact, wild)
	}
	both := slices.Concat(exact, wild)
	slices.SortFunc(both, func(a, b ranked) int { return a.place - b.place })
	return both
}

// index finds the certificates' names, of files as they are now.
func (f *TLSFiles) index() {
	byName := map[string][]ranked{}
	for place, w := range f.pairs {
		pair := w.get()
		for _, name := range pair.Leaf.DNSNames {
			name = strings.ToLower(strings.TrimSuffix(name, "."))
			byName[name] = append(byName[name], ranked{place, pair})
		}
	}
	f.byName.Store(&byName)
}

// Identity is what signs now.
func (f *SigningFiles) Identity() *mobileconfig.Identity { return f.w.get() }

func mismatch(certificate, key string) error {
	return fmt.Errorf("%s and %s don't belong together: the key is another certificate's", certificate, key)
}

// parsePair is tls.X509KeyPair with errors that name the right file.
func parsePair(contents [][]byte, certificate, key string) (*tls.Certificate, error) {
	pair, err := tls.X509KeyPair(contents[0], contents[1])
	if err == nil {
		return &pair, nil
	}
	block, _ := pem.Decode(contents[0])
	switch text := strings.TrimPrefix(err.Error(), "tls: "); {
	case isEncrypted(contents[1]):
		return nil, fmt.Errorf("%s is encrypted; decrypt it with: openssl pkey -in %s -out %s.plain", key, key, key)
	case strings.Contains(text, "does not match") || strings.Contains(text, "type does not match"):
		return nil, mismatch(certificate, key)
	case block == nil:
		return nil, fmt.Errorf("%s: there is no certificate (PEM, BEGIN CERTIFICATE)", certificate)
	case strings.Contains(text, "private key") || strings.Contains(text, "key input"):
		return nil, fmt.Errorf("%s: there is no private key that can be read (PEM, BEGIN PRIVATE KEY): %s", key, text)
	default:
		return nil, fmt.Errorf("%s: %s", certificate, text)
	}
}

func isEncrypted(key []byte) bool {
	for {
		var block *pem.Block
		if block, key = pem.Decode(key); block == nil {
			return false
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || block.Headers["DEK-Info"] != "" {
			return true
		}
	}
}

// Judge says what is wrong with the certificates of the public listener. Names are
// the hosts that one must be for, by the keys of the configuration; of others, which
// programs come to, one must be for one at least, if there are any.
func (f *TLSFiles) Judge(seen *Seen, now time.Time, names map[string]string, others []string) {
	for _, w := range f.pairs {
		j := judgeOf(seen, now, w)
		j.inUse(w.failure())
		leaf := j.chain[0]
		j.purpose(len(leaf.ExtKeyUsage) == 0 || hasUsage(leaf, x509.ExtKeyUsageServerAuth), "for servers")
	}
	first := judgeOf(seen, now, f.pairs[0])
	for key, host := range names {
		if !f.isFor(host) {
			first.add(CertificateNames, Error, "no certificate is for "+host+", the host of "+key+": "+f.areFor(),
				"get one with that name, or change "+key)
		}
	}
	if len(others) > 0 && !slices.ContainsFunc(others, f.isFor) {
		first.add(CertificateNames, Warning, "no certificate is for any of the names by which programs come, such as "+
			others[0]+": "+f.areFor(),
			"use tls: {mode: acme}, get one with autoconfig.DOMAIN and autodiscover.DOMAIN of each domain, or put a proxy in "+
				"front that has them")
	}
}

func judgeOf(seen *Seen, now time.Time, w *watched[*tls.Certificate]) judge {
	pair := w.get()
	chain := []*x509.Certificate{pair.Leaf}
	for _, raw := range pair.Certificate[1:] {
		if c, err := x509.ParseCertificate(raw); err == nil {
			chain = append(chain, c)
		}
	}
	return judge{seen: seen, use: useTLS, file: w.files[0], chain: chain, now: now}
}

// isFor tells whether one of the certificates is for a host.
func (f *TLSFiles) isFor(host string) bool {
	return slices.ContainsFunc(f.pairs, func(w *watched[*tls.Certificate]) bool {
		return w.get().Leaf.VerifyHostname(host) == nil
	})
}

// areFor says for which names they are.
func (f *TLSFiles) areFor() string {
	if len(f.pairs) == 1 {
		return "it is for " + namesOf(f.pairs[0].get().Leaf)
	}
	var all []string
	for _, w := range f.pairs[:min(3, len(f.pairs))] {
		all = append(all, namesOf(w.get().Leaf))
	}
	return "they are for " + strings.Join(all, "; ")
}

// Judge says what is wrong with the certificate that signs.
func (f *SigningFiles) Judge(seen *Seen, now time.Time) {
	chain := f.w.get().Chain()
	j := judge{seen: seen, use: useSigning, file: f.w.files[0], chain: chain, now: now}
	j.inUse(f.w.failure())
	j.purpose(chain[0].KeyUsage == 0 || chain[0].KeyUsage&x509.KeyUsageDigitalSignature != 0, "for signatures")
}

// judge looks at one certificate.
type judge struct {
	seen      *Seen
	use, file string
	chain     []*x509.Certificate
	now       time.Time
}

func (j *judge) add(code ProblemCode, severity Severity, what, remedy string) {
	j.seen.Add(Problem{
		Code: code, Severity: severity, What: what, Where: j.use + ".certificate: " + j.file,
		Remedy: remedy,
	})
}

// soon is how long before its end a certificate is spoken of; a quarter of its life
// if that is less: there are some that live for six days.
const soon = 14 * 24 * time.Hour

const renew = "renew it: the files are read again when they change"

// inUse looks at what every certificate must have.
func (j *judge) inUse(failure error) {
	leaf := j.chain[0]
	if j.seen.NotAfter == nil {
		j.seen.NotAfter = map[string]time.Time{}
	}
	if first, found := j.seen.NotAfter[j.use]; !found || leaf.NotAfter.Before(first) {
		j.seen.NotAfter[j.use] = leaf.NotAfter
	}
	if failure != nil {
		j.add(FilesUnusable, Error, "the changed files can't be used, and the last good ones stay: "+failure.Error(),
			"put a certificate there with its key")
	}
	effect := "programs refuse it"
	if j.use == useSigning {
		effect = `devices show profiles as "Not Verified"`
	}
	for i, c := range j.chain {
		what := "the certificate"
		if i > 0 {
			what = "the intermediate " + c.Subject.CommonName
		}
		left := c.NotAfter.Sub(j.now)
		switch {
		case left <= 0:
			j.add(CertificateExpired, Error, what+" has expired at "+instant(c.NotAfter)+": "+effect, renew)
		case j.now.Before(c.NotBefore):
			j.add(CertificateNotYet, Error, what+" is valid from "+instant(c.NotBefore)+" on, not yet: "+effect,
				"see that this machine's clock is right; it says "+instant(j.now))
		case left < min(soon, c.NotAfter.Sub(c.NotBefore)/4):
			j.add(CertificateExpires, Warning, what+" expires at "+instant(c.NotAfter), renew)
		}
	}
	j.trust()
}

// trust looks for a way to an authority, whatever the time is.
func (j *judge) trust() {
	leaf, between := j.chain[0], x509.NewCertPool()
	for _, c := range j.chain[1:] {
		between.AddCert(c)
	}
	at := j.now
	if at.After(leaf.NotAfter) || at.Before(leaf.NotBefore) {
		at = leaf.NotAfter.Add(-time.Minute)
	}
	_, err := leaf.Verify(x509.VerifyOptions{
		Intermediates: between, CurrentTime: at,
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	switch unknown := (x509.UnknownAuthorityError{}); {
	case !errors.As(err, &unknown): // a certificate whose time is over was told already
	case leaf.Issuer.String() == leaf.Subject.String():
		j.add(CertificateChain, Warning, "the certificate is its own issuer: no device trusts it",
			"get one from an authority")
	default:
		j.add(CertificateChain, Warning, "no authority that this machine trusts stands behind the certificate: its issuer "+
			"is "+leaf.Issuer.String(),
			"use the file with the whole chain (certbot's fullchain.pem); an authority of your own is right where all "+
				"devices trust it")
	}
}

func (j *judge) purpose(right bool, what string) {
	if !right {
		j.add(CertificatePurpose, Error, "the certificate isn't "+what, "get one that is")
	}
}

func hasUsage(c *x509.Certificate, usage x509.ExtKeyUsage) bool {
	for _, u := range c.ExtKeyUsage {
		if u == usage || u == x509.ExtKeyUsageAny {
			return true
		}
	}
	return false
}

// namesOf are at most five of a certificate's names.
func namesOf(c *x509.Certificate) string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	switch {
	case len(names) == 0:
		return "no name"
	case len(names) > 5:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:5], ", "), len(names)-5)
	}
	return strings.Join(names, ", ")
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
