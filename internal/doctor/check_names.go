package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"autoconfig/pacc"
)

// specialLabels are those of the hosts that programs ask for configurations.
var specialLabels = []string{"autoconfig", "autodiscover", pacc.HostLabel}

// specialNames looks at the hosts that programs ask for configurations.
func (x *examination) specialNames(ctx context.Context) {
	if x.plan == nil {
		each(specialLabels, func(label string) { x.dangling(ctx, label+"."+dns.Fqdn(x.domain)) })
		return // otherwise, a domain that isn't ours may publish in any way
	}
	service, _, err := x.Resolver.Addresses(ctx, x.plan.Host)
	if err != nil {
		x.inconclusive(x.plan.Host, err)
	}
	wild, _, err := x.Resolver.Addresses(ctx, x.label()+"."+x.domain)
	if err != nil {
		x.inconclusive("a random name below "+x.domain, err)
	}
	labels := specialLabels
	if len(x.plan.Documents) == 0 {
		labels = slices.DeleteFunc(slices.Clone(labels), func(label string) bool { return label == pacc.HostLabel })
	}
	each(labels, func(label string) { x.specialName(ctx, label, service, wild) })
}

func (x *examination) specialName(ctx context.Context, label string, service, wild []netip.Addr) {
	name := label + "." + x.domain
	var records []Record
	for _, r := range x.plan.hosts() {
		if r.Name == dns.Fqdn(name) {
			records = append(records, r)
		}
	}
	ips, answer, err := x.Resolver.Addresses(ctx, name)
	seen := addressList(ips)
	switch {
	case err != nil:
		x.inconclusive(name, err)
	case len(ips) == 0 && len(answer.Aliases) > 0:
		x.found(Finding{Code: HostDangling, Subject: dns.Fqdn(name), Seen: "an alias of " + strings.Join(answer.Aliases, ", ") + nameless(answer), Expected: datas(records), Records: records})
	case len(ips) == 0:
		x.found(Finding{Code: HostMissing, Subject: dns.Fqdn(name), Seen: strings.TrimSpace(nameless(answer)), Expected: datas(records), Records: records})
	case len(wild) > 0 && slices.Equal(ips, wild) && !overlap(ips, service):
		x.found(Finding{Code: HostWildcard, Subject: "*." + dns.Fqdn(x.domain), Seen: seen, Expected: addressList(service), Records: records})
	case len(service) > 0 && !overlap(ips, service):
		x.found(Finding{Code: HostNotOurs, Subject: dns.Fqdn(name), Seen: seen, Expected: addressList(service), Records: records})
	}
}

// dangling reports an alias that leads nowhere: whoever registers the name that it
// leads to can tell programs where to send passwords.
func (x *examination) dangling(ctx context.Context, name string) {
	ips, answer, err := x.Resolver.Addresses(ctx, name)
	switch {
	case err != nil:
		x.inconclusive(name, err)
	case len(ips) == 0 && len(answer.Aliases) > 0:
		x.found(Finding{Code: HostDangling, Subject: name, Seen: "an alias of " + strings.Join(answer.Aliases, ", ") + nameless(answer)})
	}
}

func overlap(a, b []netip.Addr) bool {
	return slices.ContainsFunc(a, func(ip netip.Addr) bool { return slices.Contains(b, ip) })
}

func addressList(ips []netip.Addr) string {
	all := make([]string, len(ips))
	for i, ip := range ips {
		all[i] = ip.String()
	}
	return strings.Join(all, ", ")
}

// maxAuthorities bounds the name servers of a zone that are asked.
const maxAuthorities = 8

// question is one that the resolver has answered.
type question struct {
	name   string // absolute
	kind   uint16
	answer Answer
}

func (q question) String() string { return q.name + " " + dns.TypeToString[q.kind] }

// said is what an answer says of the name itself. Where an alias leads may be
// another zone's to say.
func said(a Answer) string {
	if len(a.Aliases) > 0 {
		return "an alias of " + a.Aliases[0]
	}
	return texts(a.Records)
}

// authorities asks the zone's own servers for what the resolver said. Their names
// and addresses come from the zone, so that they are judged before they are
// asked.
func (x *examination) authorities(ctx context.Context, services []*service) {
	servers, err := x.nameServers(ctx)
	if err != nil {
		x.inconclusive(dns.Fqdn(x.domain)+" NS", err)
		return
	}
	questions := x.askAgain(ctx)
	for _, s := range services {
		if s.asked {
			questions = append(questions, question{s.name, dns.TypeSRV, s.answer})
		}
	}
	each(servers, func(server string) { x.authority(ctx, server, questions) })
}

// askAgain asks the resolver for what isn't a service. What it doesn't answer has
// been said by then.
func (x *examination) askAgain(ctx context.Context) []question {
	var all []question
	for _, label := range specialLabels {
		name := label + "." + dns.Fqdn(x.domain)
		all = append(all, question{name: name, kind: dns.TypeA}, question{name: name, kind: dns.TypeAAAA})
	}
	for _, label := range []string{"_caldavs._tcp", "_carddavs._tcp", pacc.Label} {
		all = append(all, question{name: label + "." + dns.Fqdn(x.domain), kind: dns.TypeTXT})
	}
	answered := make([]bool, len(all))
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() {
			var err error
			all[i].answer, err = x.Resolver.Ask(ctx, all[i].name, all[i].kind)
			answered[i] = err == nil
		})
	}
	group.Wait()
	var questions []question
	for i, q := range all {
		if answered[i] {
			questions = append(questions, q)
		}
	}
	return questions
}

func (x *examination) zone(ctx context.Context) (string, error) {
	for name := dns.Fqdn(x.domain); ; {
		answer, err := x.Resolver.Ask(ctx, name, dns.TypeSOA)
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

func (x *examination) authority(ctx context.Context, server string, questions []question) {
	for _, q := range questions {
		theirs, err := x.askServer(ctx, server, q.name, q.kind)
		switch {
		case errors.Is(err, errReferral):
			continue // a zone of its own, with other servers
		case errors.Is(err, ErrForbidden):
			x.found(Finding{Code: DNSServerFailed, Severity: Info, Subject: server, Seen: err.Error(), Remedy: "Permit its network, if it is yours: --allow-network."})
			return
		case err != nil && (errors.Is(err, errLame) || err.Error() == "REFUSED" || err.Error() == "NOTAUTH"):
			x.found(Finding{Code: DNSServerLame, Subject: server, Seen: err.Error()})
			return
		case err != nil:
			x.found(Finding{Code: DNSServerFailed, Subject: server, Seen: err.Error()})
			return
		}
		if said(theirs) != said(q.answer) {
			x.found(Finding{Code: DNSDisagree, Subject: q.String(), Seen: fmt.Sprintf("%s says %q, the resolver %q", server, said(theirs), said(q.answer))})
		}
	}
}
