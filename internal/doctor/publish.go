package doctor

import (
	"bytes"
	"context"
	"errors"
	"net"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/pacc"
	"autoconfig/policy"
)

// Documents keeps what is served and what waits, by domain name. The store
// implements it.
type Documents interface {
	PACC(ctx context.Context, name string) (served, waiting []byte, err error)
	PutPACC(ctx context.Context, name string, served, waiting []byte) error
}

// Publisher brings PACC documents from the policy to what is served. A program
// refuses a document whose digest isn't in the DNS, so a changed one waits until
// every server of the zone has its digest; the old one serves until then.
type Publisher struct {
	Documents Documents
	// Checker asks the zones' servers; without one, changed documents wait.
	Checker *Checker
}

// Publication is where a domain's document stands.
type Publication struct {
	Domain string `json:"domain"`
	// Served and Waiting are the documents, "" for none, and the texts to publish
	// at Owner.
	Served     string `json:"served"`
	ServedTXT  string `json:"served_txt,omitempty"`
	Waiting    string `json:"waiting,omitempty"`
	WaitingTXT string `json:"waiting_txt,omitempty"`
	Owner      string `json:"owner"`
	// Why says why there is no document, or why one waits.
	Why string `json:"why,omitempty"`
}

// Settle compares a name's document with the policy, and puts a changed one in
// the place of the served one if its digest is seen everywhere, or by force.
func (p Publisher) Settle(ctx context.Context, name string, terms *policy.Terms, force bool) (Publication, error) {
	state := Publication{Domain: name, Owner: pacc.Label + "." + dns.Fqdn(name)}
	served, waiting, err := p.Documents.PACC(ctx, name)
	if err != nil {
		return state, err
	}
	wanted, refused := pacc.Render(terms.DefaultSettings(name))
	nextServed, nextWaiting := served, []byte(nil)
	switch {
	case refused != nil:
		// What is served would be wrong now: nothing is better, programs go on.
		nextServed, state.Why = nil, refused.Error()
	case served == nil:
		nextServed = wanted // nobody relies on a document that was never there
	case !bytes.Equal(served, wanted):
		if !force {
			state.Why = p.unseen(ctx, name, pacc.DigestOf(wanted))
		}
		if state.Why == "" {
			nextServed = wanted
		} else {
			nextWaiting = wanted
		}
	}
	if !bytes.Equal(served, nextServed) || !bytes.Equal(waiting, nextWaiting) {
		if err := p.Documents.PutPACC(ctx, name, nextServed, nextWaiting); err != nil {
			return state, err
		}
	}
	state.Served, state.Waiting = string(nextServed), string(nextWaiting)
	if nextServed != nil {
		state.ServedTXT = pacc.DigestOf(nextServed).TXT()
	}
	if nextWaiting != nil {
		state.WaitingTXT = pacc.DigestOf(nextWaiting).TXT()
	}
	return state, nil
}

// unseen tells which server of the zone doesn't have a digest, "" if all do.
func (p Publisher) unseen(ctx context.Context, name string, digest pacc.Digest) string {
	if p.Checker == nil {
		return "there is no resolver to ask for the zone's servers"
	}
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	x := &examination{Checker: p.Checker, domain: name}
	servers, err := x.nameServers(ctx)
	if err != nil {
		return "the zone's servers can't be asked: " + err.Error()
	}
	for _, server := range servers {
		answer, err := x.askServer(ctx, server, pacc.Label+"."+name, dns.TypeTXT)
		if err != nil {
			return server + " can't be asked: " + err.Error()
		}
		if !slices.ContainsFunc(textsOf(answer), func(text string) bool {
			d, err := pacc.ParseTXT(text)
			return err == nil && d.Equal(digest)
		}) {
			return "its digest is not at " + server + " yet"
		}
	}
	if len(servers) == 0 {
		return "the zone has no servers"
	}
	return ""
}

func textsOf(answer Answer) []string {
	var all []string
	for _, rr := range answer.Records {
		all = append(all, strings.Join(rr.(*dns.TXT).Txt, ""))
	}
	return all
}

// nameServers are the names of the servers of the zone that the domain is in.
func (x *examination) nameServers(ctx context.Context) ([]string, error) {
	zone, err := x.zone(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := x.Resolver.Ask(ctx, zone, dns.TypeNS)
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

var (
	errLame     = errors.New("it answers without authority")
	errReferral = errors.New("the name is in another zone")
)

// askServer asks one of the zone's servers, by an address that was judged.
func (x *examination) askServer(ctx context.Context, server, name string, kind uint16) (Answer, error) {
	ips, _, err := x.Resolver.Addresses(ctx, server)
	if err != nil {
		return Answer{}, err
	}
	if len(ips) == 0 {
		return Answer{}, errors.New("it has no address")
	}
	connect := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return x.Dialer.dial(ctx, network, ips, 53)
	}
	reply, err := exchange(ctx, connect, x.Resolver.Timeout, server, newQuery(name, kind))
	if err != nil {
		return Answer{}, err
	}
	if !reply.Authoritative {
		if x.refers(reply) {
			return Answer{}, errReferral
		}
		return Answer{}, errLame
	}
	return readAnswer(reply)
}

// refers tells whether a reply leads to a zone below the domain, such as
// _tcp.example.com. A lame server leads up, or to where it was asked.
func (x *examination) refers(reply *dns.Msg) bool {
	return slices.ContainsFunc(reply.Ns, func(rr dns.RR) bool {
		owner, domain := strings.ToLower(rr.Header().Name), dns.Fqdn(x.domain)
		return rr.Header().Rrtype == dns.TypeNS && owner != domain && dns.IsSubDomain(domain, owner)
	})
}
