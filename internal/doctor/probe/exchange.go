package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/miekg/dns"
)

// How a question is asked: one takes at most askTries times askTimeout at each server,
// and a little more where a server doesn't know EDNS or has no TCP.
const (
	askTimeout = 2 * time.Second
	askTries   = 2
	// ednsSize avoids fragments (DNS flag day 2020), largeSize doesn't.
	ednsSize  = 1232
	largeSize = 4096
)

// connector opens a connection to an address and port.
type connector = func(ctx context.Context, network, address string) (net.Conn, error)

// asker asks name servers, and gets along with what they can't do.
type asker struct {
	connect connector
	// timeout bounds one try, ednsTimeout one with EDNS.
	timeout, ednsTimeout time.Duration
	abilities            *abilities
	patience             *patience
	recursive            bool // it is asked to recurse
}

func newQuery(name string, kind uint16) *dns.Msg {
	query := new(dns.Msg)
	query.SetQuestion(dns.Fqdn(name), kind)
	query.SetEdns0(ednsSize, true)
	return query
}

// withoutEDNS is the same question of before EDNS. The AD bit asks for what the DO bit
// did (RFC 6840, section 5.7).
func withoutEDNS(query *dns.Msg) *dns.Msg {
	plain := query.Copy()
	plain.Extra = nil
	plain.AuthenticatedData = true
	return plain
}

// ask asks servers in turn until one answers, twice at most. The error is what the last
// try of each came to.
func (a asker) ask(ctx context.Context, query *dns.Msg, servers ...string) (*dns.Msg, []Failure) {
	failures := make([]Failure, len(servers))
	for try := range askTries {
		for i, server := range servers {
			if try > 0 && failures[i].Kind != Silence && failures[i].Kind != OtherFailure {
				continue // it would say the same again
			}
			if a.patience.isOver(server, query) {
				failures[i] = Failure{Server: server, Kind: Silence, Text: "no answer in time"}
				continue
			}
			reply, err := a.exchange(ctx, server, query, try > 0)
			if ctx.Err() != nil {
				return nil, failures
			}
			last := try == askTries-1
			if !isSilence(err) || last {
				a.patience.note(server, query, !isSilence(err))
			}
			if err == nil {
				for before := range i { // this one answers, so that they aren't asked again
					if try == 0 && failures[before].Kind == Silence {
						a.patience.note(servers[before], query, false)
					}
				}
				return reply, nil
			}
			failures[i] = failureOf(server, err)
		}
	}
	return nil, failures
}

// exchange asks one server. One that can't take EDNS is asked without (RFC 6891,
// section 7): one that is silent only where that is wanted, since most are silent for
// another reason.
func (a asker) exchange(ctx context.Context, server string, query *dns.Msg, alsoSilent bool) (*dns.Msg, error) {
	known := a.abilities.of(server)
	why, able := known.withoutEDNS()
	if why != "" {
		return a.judged(ctx, server, withoutEDNS(query), a.timeout)
	}
	if able || !alsoSilent {
		reply, err := a.judged(ctx, server, query, cmp.Or(a.ednsTimeout, a.timeout))
		kind := OtherFailure
		if err != nil {
			kind = failureOf(server, err).Kind
		}
		switch {
		case slices.Contains([]FailureKind{FormErr, NotImp, BadVers, Refused}, kind):
			plain, failure := a.judged(ctx, server, withoutEDNS(query), a.timeout)
			if failure == nil || failureOf(server, failure).Kind != kind {
				known.setEDNS(kind)
				return plain, failure
			}
		case err == nil:
			known.setEDNS("")
		}
		return reply, err
	}
	reply, err := a.judged(ctx, server, withoutEDNS(query), a.timeout)
	if err != nil {
		return nil, err
	}
	// It may only have been slow; what it has answered once, it has at hand.
	if _, err := a.judged(ctx, server, query, cmp.Or(a.ednsTimeout, a.timeout)/2); isSilence(err) {
		known.setEDNS(Silence)
	}
	return reply, nil
}

// judged asks by UDP, and by TCP if the answer was cut. Answers that are neither
// NOERROR nor NXDOMAIN are failures.
func (a asker) judged(ctx context.Context, server string, query *dns.Msg, timeout time.Duration) (*dns.Msg, error) {
	reply, err := a.over(ctx, "udp", server, query, timeout)
	if err == nil && reply.Truncated {
		reply, err = a.whole(ctx, server, query, timeout)
	}
	if err != nil {
		return nil, err
	}
	if kind := kindOf(reply.Rcode); kind != "" {
		return nil, Failure{Server: server, Kind: kind, Text: RcodeText(reply.Rcode)}
	}
	if a.recursive && refersOn(reply) {
		return nil, Failure{Server: server, Kind: NoRecursion, Text: "it names other servers to ask, instead of asking them"}
	}
	return reply, nil
}

// whole asks again for an answer that was cut: by TCP, and where there is none for a
// packet that is as large as it needs. What was cut says nothing (RFC 2181, section 9).
func (a asker) whole(ctx context.Context, server string, query *dns.Msg, timeout time.Duration) (*dns.Msg, error) {
	known := a.abilities.of(server)
	text := known.withoutTCP()
	if text == "" {
		reply, err := a.over(ctx, "tcp", server, query, timeout)
		if err == nil {
			return reply, nil
		}
		text = "an answer was cut, and TCP fails: " + err.Error()
		known.setNoTCP(text)
	}
	if query.IsEdns0() != nil {
		large := query.Copy()
		large.IsEdns0().SetUDPSize(largeSize)
		if reply, err := a.over(ctx, "udp", server, large, timeout); err == nil && !reply.Truncated {
			return reply, nil
		}
	}
	return nil, Failure{Server: server, Kind: NoTCP, Text: text}
}

// over asks by UDP or TCP; failures are a [Failure].
func (a asker) over(
	ctx context.Context, network, server string, query *dns.Msg, timeout time.Duration,
) (*dns.Msg, error) {
	connect := a.connect
	if connect == nil {
		connect = new(net.Dialer).DialContext
	}
	timeout = cmp.Or(timeout, askTimeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	connection, err := connect(ctx, network, server)
	if err != nil {
		return nil, shortError(server, err)
	}
	defer func() { _ = connection.Close() }()
	query = query.Copy()
	query.Id = dns.Id()
	client := &dns.Client{Net: network, Timeout: timeout, UDPSize: largeSize}
	reply, _, err := client.ExchangeWithConnContext(ctx, query, &dns.Conn{Conn: connection, UDPSize: largeSize})
	if err != nil {
		return nil, shortError(server, err)
	}
	if !echoes(query, reply) {
		return nil, errors.New("the answer is to another question")
	}
	return reply, nil
}

// echoes tells whether a reply repeats the question, in any letter case. One that says
// nothing but that it can't read the question may leave it out.
func echoes(query, reply *dns.Msg) bool {
	if reply.Response && len(reply.Question) == 0 && reply.Rcode == dns.RcodeFormatError {
		return true
	}
	return reply.Response && len(reply.Question) == 1 &&
		strings.EqualFold(reply.Question[0].Name, query.Question[0].Name) &&
		reply.Question[0].Qtype == query.Question[0].Qtype
}

func shortError(server string, err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return Failure{Server: server, Kind: Silence, Text: "no answer in time"}
	}
	var number syscall.Errno
	if errors.As(err, &number) {
		return Failure{server, NoConnection, number.Error(), err} // without the port of our own, which is another each time
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

// refersOn tells whether a reply names other servers to ask, as one that doesn't recurse
// does.
func refersOn(reply *dns.Msg) bool {
	return reply.Rcode == dns.RcodeSuccess && len(reply.Answer) == 0 &&
		!reply.Authoritative && !reply.RecursionAvailable &&
		slices.ContainsFunc(reply.Ns, func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeNS })
}
