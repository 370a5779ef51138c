package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/pacc"
)

// specialNames looks at the hosts that programs ask for configurations.
func (x *examination) specialNames(ctx context.Context) {
	if x.plan == nil {
		return // a domain that isn't ours may publish in any way
	}
	service, _, err := x.Resolver.Addresses(ctx, x.plan.Host)
	if err != nil {
		x.inconclusive(x.plan.Host, err)
	}
	wild, _, err := x.Resolver.Addresses(ctx, x.label()+"."+x.domain)
	if err != nil {
		x.inconclusive("a random name below "+x.domain, err)
	}
	labels := []string{"autoconfig", "autodiscover"}
	if len(x.plan.Documents) > 0 {
		labels = append(labels, pacc.HostLabel)
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

// authorities asks the zone's own servers for what the resolver said. Their names
// and addresses come from the zone, so that they are judged before they are
// asked.
func (x *examination) authorities(ctx context.Context, services []*service) {
	servers, err := x.nameServers(ctx)
	if err != nil {
		x.inconclusive(dns.Fqdn(x.domain)+" NS", err)
		return
	}
	each(servers, func(server string) { x.authority(ctx, server, services) })
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

func (x *examination) authority(ctx context.Context, server string, services []*service) {
	for _, s := range services {
		if !s.asked {
			continue
		}
		theirs, err := x.askServer(ctx, server, s.name, dns.TypeSRV)
		switch {
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
		if texts(theirs.Records) != texts(s.answer.Records) {
			x.found(Finding{Code: DNSDisagree, Subject: s.name + " SRV", Seen: fmt.Sprintf("%s says %q, the resolver %q", server, texts(theirs.Records), texts(s.answer.Records))})
		}
	}
}
