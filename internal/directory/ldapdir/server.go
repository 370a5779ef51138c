package ldapdir

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

const (
	// avoidFor is how long a server that has failed is tried last.
	avoidFor = 30 * time.Second
	// refusedFor is how long a server that has refused the reader's password isn't sent it
	// again: servers lock accounts for that.
	refusedFor = 10 * time.Second
)

// server is a server of the directory.
type server struct {
	url      string // scheme, host and port, for errors
	address  string // host and port
	ldaps    bool
	startTLS bool
	tls      *tls.Config
	// failed is the time of the last failure; nil if it has answered since.
	failed  atomic.Pointer[time.Time]
	refusal atomic.Pointer[refusal]
}

// refusal is the time at which a server refused the password, and its answer.
type refusal struct {
	at  time.Time
	err error
}

// parseServer reads ldaps://host[:port] or ldap://host[:port].
func parseServer(text string, startTLS bool, roots *x509.CertPool) (*server, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Hostname() == "" {
		return nil, fmt.Errorf("the server %q is not valid: use ldaps://host or ldaps://host:port", cleaned(text))
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("the server %s://%s has more than a host and a port: names, passwords and the base have "+
			"options of their own", u.Scheme, u.Host)
	}
	s := &server{ldaps: u.Scheme == "ldaps"}
	port := u.Port()
	switch {
	case s.ldaps && port == "":
		port = "636"
	case u.Scheme == "ldap":
		if port == "" {
			port = "389"
		}
		s.startTLS = startTLS
		if !startTLS && !isLoopback(u.Hostname()) {
			return nil, fmt.Errorf("the server ldap://%s would be sent the password in plain text: use ldaps://, or StartTLS",
				u.Host)
		}
	case !s.ldaps:
		return nil, fmt.Errorf("the server %q has a scheme that isn't known: use ldaps:// or ldap://", cleaned(text))
	}
	s.address = net.JoinHostPort(u.Hostname(), port)
	s.url = u.Scheme + "://" + s.address
	s.tls = &tls.Config{ServerName: u.Hostname(), RootCAs: roots, MinVersion: tls.VersionTLS12}
	return s, nil
}

// cleaned removes the password from a server's text.
func cleaned(text string) string {
	scheme, rest, found := strings.Cut(text, "://")
	if at := strings.LastIndexByte(rest, '@'); found && at >= 0 {
		return scheme + "://..." + rest[at:]
	}
	return text
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback()
}

// ranked returns the servers in their order, with those that failed recently last.
func (d *Source) ranked() []*server {
	now := d.now()
	good := make([]*server, 0, len(d.servers))
	var bad []*server
	for _, s := range d.servers {
		if failed := s.failed.Load(); failed != nil && now.Sub(*failed) < avoidFor {
			bad = append(bad, s)
		} else {
			good = append(good, s)
		}
	}
	return append(good, bad...)
}
