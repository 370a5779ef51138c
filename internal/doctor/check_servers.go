package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
	"autoconfig/policy"
	"autoconfig/settings"
)

const (
	// serverTimeout bounds the session with one server.
	serverTimeout = 10 * time.Second
	// soon is the remaining lifetime at which a certificate is worth a warning: a working
	// renewal comes earlier.
	soon = 14 * 24 * time.Hour
)

// mailServer is a server to check.
type mailServer struct {
	protocol settings.Protocol
	settings.Server
	// label is the SRV name that points at it.
	label string
}

func (m mailServer) String() string { return fmt.Sprintf("%s:%d", m.Host, m.Port) }

// servers talks to every mail server that is handed out or, for a domain that isn't ours,
// to those that its SRV records name.
func (c *check) servers(ctx context.Context) {
	var all []mailServer
	if c.plan != nil {
		all = handedOut(c.plan.Terms)
	} else {
		all = c.announced(ctx)
	}
	parallel(all, func(m mailServer) { c.server(ctx, m) })
}

func handedOut(terms *policy.Terms) []mailServer {
	offers := []policy.Servers{terms.Servers}
	for _, rule := range terms.Policy.Rules {
		offers = append(offers, rule.Servers)
	}
	var all []mailServer
	for _, offer := range offers {
		for protocol, names := range mailServices {
			for _, s := range offer.Of(protocol) {
				label := names.tls
				if s.Security == settings.STARTTLS {
					label = names.starttls
				}
				m := mailServer{protocol, s, label}
				known := slices.ContainsFunc(all, func(o mailServer) bool {
					return o.String() == m.String() && o.protocol == protocol
				})
				if s.Security != settings.None && !known {
					all = append(all, m)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b mailServer) int {
		return cmp.Or(cmp.Compare(a.protocol, b.protocol), cmp.Compare(a.String(), b.String()))
	})
	return all
}

// maxAnnounced bounds the servers of a domain that isn't ours.
const maxAnnounced = 20

func (c *check) announced(ctx context.Context) []mailServer {
	var all []mailServer
	for protocol, names := range mailServices {
		for label, security := range map[string]settings.Security{
			names.tls: settings.TLS, names.starttls: settings.STARTTLS,
		} {
			answer, err := c.Resolver.Ask(ctx, label+"."+c.domain, dns.TypeSRV)
			if err != nil {
				c.inconclusive(label+"."+dns.Fqdn(c.domain)+" SRV", err)
			}
			for _, srv := range answer.Services() {
				if len(all) < maxAnnounced {
					server := settings.Server{Host: probe.Host(srv.Target), Port: int(srv.Port), Security: security}
					all = append(all, mailServer{protocol, server, label})
				}
			}
		}
	}
	return all
}

func (c *check) server(ctx context.Context, m mailServer) {
	ctx, cancel := context.WithTimeout(ctx, serverTimeout)
	defer cancel()
	ips, answer, err := c.Resolver.Addresses(ctx, m.Host)
	if err != nil {
		c.inconclusive(m.Host, err)
		return
	}
	if len(ips) == 0 {
		c.report(Finding{Code: TLSConnect, Subject: m.String(), Seen: m.Host + answer.Lack()})
		return
	}
	connection, err := c.Dialer.Dial(ctx, "tcp", ips, m.Port)
	if err != nil {
		f := Finding{Code: TLSConnect, Subject: m.String(), Seen: err.Error()}
		if errors.Is(err, probe.ErrForbidden) {
			f.Severity = Info
			f.Remedy = notPermitted
		}
		c.report(f)
		return
	}
	defer func() { _ = connection.Close() }()
	if deadline, ok := ctx.Deadline(); ok {
		_ = connection.SetDeadline(deadline) // a connection without deadlines still ends with the server
	}
	if m.Security == settings.STARTTLS {
		c.starttls(ctx, m, connection)
		return
	}
	if secured := c.handshake(ctx, m, connection); secured != nil && c.wants(PartMail) {
		c.judgeMail(m, newMailSession(m.protocol, secured))
	}
}

// starttls begins without TLS, and judges what is offered there too.
func (c *check) starttls(ctx context.Context, m mailServer, connection net.Conn) {
	t := newMailSession(m.protocol, connection)
	offers, err := t.begin()
	if err != nil {
		c.report(Finding{
			Code: MailNotSpoken, Subject: m.String(),
			Seen: err.Error(), Expected: strings.ToUpper(string(m.protocol)),
		})
		return
	}
	if offers.passwords && c.wants(PartMail) {
		c.report(Finding{Code: MailCleartext, Subject: m.String(), Seen: "before TLS: " + offers.raw})
	}
	if !offers.starttls {
		c.report(Finding{Code: STARTTLSAbsent, Subject: m.String(), Seen: offers.raw})
		return
	}
	if err := t.starttls(); err != nil {
		c.report(Finding{Code: STARTTLSAbsent, Subject: m.String(), Seen: err.Error()})
		return
	}
	if secured := c.handshake(ctx, m, connection); secured != nil && c.wants(PartMail) {
		t.secured(secured)
		c.judgeOffers(m, t)
	}
}

// handshake judges the certificate and returns the secured connection, or nil.
func (c *check) handshake(ctx context.Context, m mailServer, connection net.Conn) net.Conn {
	secured := tls.Client(connection, &tls.Config{
		ServerName: m.Host,
		// The certificate is judged below, which can say exactly what is wrong with it. No
		// secret is sent over the connection.
		InsecureSkipVerify: true, //nolint:gosec // see above
		MinVersion:         tls.VersionTLS10,
	})
	if err := secured.HandshakeContext(ctx); err != nil {
		c.report(Finding{Code: TLSConnect, Subject: m.String(), Seen: "TLS: " + err.Error()})
		return nil
	}
	state := secured.ConnectionState()
	if c.wants(PartTLS) {
		if state.Version < tls.VersionTLS12 {
			c.report(Finding{
				Code: TLSOld, Subject: m.String(),
				Seen: tls.VersionName(state.Version), Expected: "TLS 1.2 or 1.3",
			})
		}
		c.judgeCertificate(m, state.PeerCertificates)
	}
	return secured
}

func (c *check) judgeCertificate(m mailServer, chain []*x509.Certificate) {
	leaf, now := chain[0], c.Time()
	c.expires(int(leaf.NotAfter.Sub(now).Hours() / 24))
	names := strings.Join(leaf.DNSNames, ", ")
	if err := leaf.VerifyHostname(m.Host); err != nil {
		c.report(Finding{
			Code: TLSName, Subject: m.String(),
			Seen: "a certificate for " + cmp.Or(names, "no name"), Expected: m.Host,
		})
	}
	switch day := leaf.NotAfter.UTC().Format(time.DateOnly); {
	case now.Before(leaf.NotBefore):
		c.report(Finding{
			Code: TLSExpired, Subject: m.String(),
			Seen: "not valid before " + leaf.NotBefore.UTC().Format(time.DateOnly),
		})
	case now.After(leaf.NotAfter):
		c.report(Finding{Code: TLSExpired, Subject: m.String(), Seen: "expired on " + day})
	case now.Add(soon).After(leaf.NotAfter):
		c.report(Finding{Code: TLSExpiring, Subject: m.String(), Seen: "expires on " + day})
	}
	between := x509.NewCertPool()
	for _, certificate := range chain[1:] {
		between.AddCert(certificate)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: c.Roots, Intermediates: between, CurrentTime: now})
	var invalid x509.CertificateInvalidError
	if errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert.Equal(leaf) {
		err = nil // reported above
	}
	if err != nil {
		c.report(Finding{
			Code: TLSUntrusted, Subject: m.String(),
			Seen: fmt.Sprintf("issued by %q, %d certificates sent: %v", leaf.Issuer.CommonName, len(chain), err),
		})
	}
	// Clients that found the server by SRV in an unsigned zone can only verify these names
	// (RFC 6125, section 6.4; RFC 6186, section 6).
	within := dns.IsSubDomain(dns.Fqdn(c.domain), dns.Fqdn(m.Host))
	if !within && leaf.VerifyHostname(c.domain) != nil {
		c.report(Finding{
			Code: TLSSRVID, Subject: m.String(),
			Seen:     "a certificate for " + cmp.Or(names, "no name"),
			Expected: c.domain + ", or the SRV-ID " + m.label + "." + c.domain,
		})
	}
}

// expires records the first certificate to expire.
func (c *check) expires(days int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.days == nil || days < *c.days {
		c.days = &days
	}
}

// judgeMail begins the session over implicit TLS.
func (c *check) judgeMail(m mailServer, t *mailSession) {
	if _, err := t.begin(); err != nil {
		c.report(Finding{
			Code: MailNotSpoken, Subject: m.String(),
			Seen: err.Error(), Expected: strings.ToUpper(string(m.protocol)),
		})
		return
	}
	c.judgeOffers(m, t)
}

// judgeOffers compares the mechanisms after TLS with those that are handed out.
func (c *check) judgeOffers(m mailServer, t *mailSession) {
	offers, err := t.ask()
	if err != nil {
		c.report(Finding{Code: MailNotSpoken, Subject: m.String(), Seen: err.Error()})
		return
	}
	var absent []string
	for _, auth := range m.Auth {
		if auth != settings.AuthNone && auth != settings.AuthClientIP && !offers.has(auth) {
			absent = append(absent, string(auth))
		}
	}
	if len(absent) == 0 {
		return
	}
	f := Finding{Code: MailAuth, Subject: m.String(), Seen: offers.raw, Expected: strings.Join(absent, ", ")}
	if len(absent) < len(m.Auth) {
		f.Severity = Warning // programs try the other servers
	}
	c.report(f)
}
