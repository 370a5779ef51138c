package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// ErrInconclusive means that a question got no answer: neither "there is" nor
// "there is not". It is never taken for "missing".
var ErrInconclusive = errors.New("no conclusive answer")

// Resolver asks recursive name servers that the operator has chosen, and trusts
// their AD bit if told so.
type Resolver struct {
	// Servers are asked in turn, each as host:port.
	Servers []string
	// Trusted says that the servers validate DNSSEC and the way to them is safe.
	Trusted bool
	// Connect opens connections; net.Dialer's if nil. The servers are the
	// operator's choice and aren't judged.
	Connect func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout bounds one try; 2 seconds if 0. EDNSTimeout bounds one with EDNS, where
	// the answer to the same question without it may yet come; Timeout if 0.
	Timeout, EDNSTimeout time.Duration

	once     sync.Once
	known    *abilities
	patience *patience
}

// Run is the resolver for one run over a domain. Within it, nothing is waited for again
// and again: a server, a zone or a type of records of which several questions in a row
// had no answer is given up. What servers can't do is remembered beyond it.
func (r *Resolver) Run() *Resolver {
	return &Resolver{
		Servers: r.Servers, Trusted: r.Trusted, Connect: r.Connect, Timeout: r.Timeout, EDNSTimeout: r.EDNSTimeout,
		known: r.abilities(), patience: &patience{answered: map[string]bool{}, silent: map[string]int{}},
	}
}

func (r *Resolver) abilities() *abilities {
	r.once.Do(func() {
		if r.known == nil {
			r.known = &abilities{}
		}
	})
	return r.known
}

func (r *Resolver) asker(connect connector) asker {
	return asker{
		connect:     connect,
		timeout:     r.Timeout,
		ednsTimeout: r.EDNSTimeout,
		abilities:   r.abilities(),
		patience:    r.patience,
	}
}

// SystemResolver is the one of this machine.
func SystemResolver(file string) (*Resolver, error) {
	c, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("the system's resolver: %w; name one with --resolver", err)
	}
	r := &Resolver{}
	for _, server := range c.Servers {
		r.Servers = append(r.Servers, net.JoinHostPort(server, c.Port))
	}
	if len(r.Servers) == 0 {
		return nil, fmt.Errorf("%s names no server; name one with --resolver", file)
	}
	return r, nil
}

// WithPort adds the port of the DNS to an address that has none.
func WithPort(server string) string {
	if _, _, err := net.SplitHostPort(server); err == nil {
		return server
	}
	return net.JoinHostPort(strings.Trim(server, "[]"), "53")
}

// Ask looks a name up. Errors are [ErrInconclusive] and the context's.
func (r *Resolver) Ask(ctx context.Context, name string, kind uint16) (Answer, error) {
	query := newQuery(name, kind)
	query.RecursionDesired = true
	a := r.asker(r.Connect)
	a.recursive = true
	reply, failures := a.ask(ctx, query, r.Servers...)
	switch {
	case ctx.Err() != nil:
		return Answer{}, ctx.Err()
	case reply == nil:
		return Answer{}, Inconclusive{name, dns.TypeToString[kind], failures}
	}
	return r.read(reply)
}

func (r *Resolver) read(reply *dns.Msg) (Answer, error) {
	answer, err := readAnswer(reply)
	answer.Authentic = r.Trusted && reply.AuthenticatedData
	return answer, err
}

// Exchange asks one server, as host:port, that the operator has chosen: not about
// others' names, so that it isn't asked to recurse. The reply is as it came.
func Exchange(ctx context.Context, server, name string, kind uint16) (*dns.Msg, error) {
	reply, failures := asker{abilities: &abilities{}}.ask(ctx, newQuery(name, kind), server)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case reply == nil:
		return nil, failures[0]
	}
	return reply, nil
}

// AskAt is [Exchange] as [Resolver.Ask] answers.
func AskAt(ctx context.Context, server, name string, kind uint16) (Answer, error) {
	reply, err := Exchange(ctx, server, name, kind)
	if err != nil {
		return Answer{}, fmt.Errorf("%w for %s %s: %s: %w", ErrInconclusive, name, dns.TypeToString[kind], server, err)
	}
	return readAnswer(reply)
}

// Addresses are a host's, IPv6 and IPv4. One kind that can't be found out doesn't
// hide the other.
func (r *Resolver) Addresses(ctx context.Context, host string) (ips []netip.Addr, answer Answer, err error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, answer, nil
	}
	noName := true
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		a, failure := r.Ask(ctx, host, kind)
		if failure != nil {
			err = errors.Join(err, failure)
			continue
		}
		noName = noName && a.NoName
		if len(a.Aliases) > 0 || answer.Aliases == nil {
			answer = a
		}
		for _, rr := range a.Records {
			switch rr := rr.(type) {
			case *dns.A:
				if ip, ok := netip.AddrFromSlice(rr.A.To4()); ok {
					ips = append(ips, ip)
				}
			case *dns.AAAA:
				if ip, ok := netip.AddrFromSlice(rr.AAAA.To16()); ok {
					ips = append(ips, ip)
				}
			}
		}
	}
	answer.Records, answer.NoName = nil, noName && err == nil
	if len(ips) > 0 {
		err = nil
	}
	return ips, answer, err
}
