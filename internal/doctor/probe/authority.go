package probe

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// maxAuthorities bounds the name servers of a zone that are asked.
const maxAuthorities = 8

var (
	// ErrLame means that a server of the zone has no authority for it.
	ErrLame = errors.New("it answers without authority")
	// ErrReferral means that a name is in a zone below the domain.
	ErrReferral = errors.New("the name is in another zone")
)

// NameServers are the names of the servers of the zone that a domain is in, eight
// at most.
func (p *Prober) NameServers(ctx context.Context, domain string) ([]string, error) {
	zone, err := p.zone(ctx, domain)
	if err != nil {
		return nil, err
	}
	answer, err := p.Resolver.Ask(ctx, zone, dns.TypeNS)
	if err != nil {
		return nil, err
	}
	var servers []string
	for _, rr := range answer.Records {
		servers = append(servers, strings.ToLower(rr.(*dns.NS).Ns))
	}
	slices.Sort(servers)
	return servers[:min(len(servers), maxAuthorities)], nil
}

func (p *Prober) zone(ctx context.Context, domain string) (string, error) {
	for name := dns.Fqdn(domain); ; {
		answer, err := p.Resolver.Ask(ctx, name, dns.TypeSOA)
		if err != nil {
			return "", err
		}
		if len(answer.Records) > 0 {
			return strings.ToLower(answer.Records[0].Header().Name), nil
		}
		next, end := dns.NextLabel(name, 0)
		if end {
			return "", errors.New("no zone was found")
		}
		name = name[next:]
	}
}

// AskServer asks one of the servers of a domain's zone for a name. Its addresses
// are the zone's to say, so that the policy for dialling holds. Errors are
// [ErrLame], [ErrReferral], [ErrForbidden] and the server's own.
func (p *Prober) AskServer(ctx context.Context, server, domain, name string, kind uint16) (Answer, error) {
	ips, _, err := p.Resolver.Addresses(ctx, server)
	if err != nil {
		return Answer{}, err
	}
	if len(ips) == 0 {
		return Answer{}, errors.New("it has no address")
	}
	connect := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return p.Dialer.Dial(ctx, network, ips, 53)
	}
	reply, failures := p.Resolver.asker(connect).ask(ctx, newQuery(name, kind), server)
	switch {
	case ctx.Err() != nil:
		return Answer{}, ctx.Err()
	case reply == nil:
		return Answer{}, failures[0]
	}
	if !reply.Authoritative {
		if refers(reply, dns.Fqdn(domain)) {
			return Answer{}, ErrReferral
		}
		return Answer{}, ErrLame
	}
	return readAnswer(reply)
}

// refers tells whether a reply leads to a zone below the domain, such as
// _tcp.example.com. A lame server leads up, or to where it was asked.
func refers(reply *dns.Msg, domain string) bool {
	return slices.ContainsFunc(reply.Ns, func(rr dns.RR) bool {
		owner := strings.ToLower(rr.Header().Name)
		return rr.Header().Rrtype == dns.TypeNS && owner != domain && dns.IsSubDomain(domain, owner)
	})
}
