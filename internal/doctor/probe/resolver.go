package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// How a question is asked. A check must end within 30 seconds, whatever servers
// do: one question takes at most askTries times askTimeout.
const (
	askTimeout = 2 * time.Second
	askTries   = 2
	// ednsSize avoids fragments (DNS flag day 2020).
	ednsSize = 1232
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
	// Timeout bounds one try; 2 seconds if 0.
	Timeout time.Duration
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
	var failures []string
	for try := range askTries {
		for _, server := range r.Servers {
			reply, err := exchange(ctx, r.Connect, r.Timeout, server, query)
			if ctx.Err() != nil {
				return Answer{}, ctx.Err()
			}
			if err == nil {
				return r.read(reply)
			}
			if failure := server + ": " + err.Error(); try == 0 {
				failures = append(failures, failure)
			}
		}
	}
	return Answer{}, fmt.Errorf("%w for %s %s: %s",
		ErrInconclusive, name, dns.TypeToString[kind], strings.Join(failures, "; "))
}

func (r *Resolver) read(reply *dns.Msg) (Answer, error) {
	answer, err := readAnswer(reply)
	answer.Authentic = r.Trusted && reply.AuthenticatedData
	return answer, err
}

// connector opens a connection to an address and port.
type connector = func(ctx context.Context, network, address string) (net.Conn, error)

func newQuery(name string, kind uint16) *dns.Msg {
	query := new(dns.Msg)
	query.SetQuestion(dns.Fqdn(name), kind)
	query.SetEdns0(ednsSize, true)
	return query
}

// Exchange asks one server, as host:port, that the operator has chosen: not about
// others' names, so that it isn't asked to recurse. The reply is as it came.
func Exchange(ctx context.Context, server, name string, kind uint16) (*dns.Msg, error) {
	return exchange(ctx, nil, 0, server, newQuery(name, kind))
}

// AskAt is [Exchange] as [Resolver.Ask] answers.
func AskAt(ctx context.Context, server, name string, kind uint16) (Answer, error) {
	reply, err := Exchange(ctx, server, name, kind)
	if err != nil {
		return Answer{}, fmt.Errorf("%w for %s %s: %s: %w", ErrInconclusive, name, dns.TypeToString[kind], server, err)
	}
	return readAnswer(reply)
}

// exchange asks one server by UDP, and by TCP if the answer was cut. Answers that
// are neither NOERROR nor NXDOMAIN are errors.
func exchange(
	ctx context.Context, connect connector, timeout time.Duration, server string, query *dns.Msg,
) (*dns.Msg, error) {
	if connect == nil {
		connect = new(net.Dialer).DialContext
	}
	query = query.Copy()
	query.Id = dns.Id()
	for _, network := range []string{"udp", "tcp"} {
		reply, err := exchangeOver(ctx, connect, timeout, network, server, query)
		switch {
		case err != nil:
			return nil, err
		case reply.Truncated && network == "udp":
			continue
		case reply.Rcode != dns.RcodeSuccess && reply.Rcode != dns.RcodeNameError:
			return nil, errors.New(RcodeText(reply.Rcode))
		}
		return reply, nil
	}
	return nil, errors.New("truncated")
}

func exchangeOver(
	ctx context.Context, connect connector, timeout time.Duration, network, server string, query *dns.Msg,
) (*dns.Msg, error) {
	timeout = cmp.Or(timeout, askTimeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	connection, err := connect(ctx, network, server)
	if err != nil {
		return nil, shortError(err)
	}
	defer func() { _ = connection.Close() }()
	client := &dns.Client{Net: network, Timeout: timeout, UDPSize: ednsSize}
	reply, _, err := client.ExchangeWithConnContext(ctx, query, &dns.Conn{Conn: connection, UDPSize: ednsSize})
	if err != nil {
		return nil, shortError(err)
	}
	if !echoes(query, reply) {
		return nil, errors.New("the answer is to another question")
	}
	return reply, nil
}

// echoes tells whether a reply repeats the question, in any letter case.
func echoes(query, reply *dns.Msg) bool {
	return reply.Response && len(reply.Question) == 1 &&
		strings.EqualFold(reply.Question[0].Name, query.Question[0].Name) &&
		reply.Question[0].Qtype == query.Question[0].Qtype
}

func shortError(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errors.New("no answer in time")
	}
	return err
}

// RcodeText is a response code in a word.
func RcodeText(code int) string {
	if text, ok := dns.RcodeToString[code]; ok {
		return text
	}
	return fmt.Sprintf("response code %d", code)
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
