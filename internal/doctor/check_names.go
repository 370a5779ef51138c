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

	"autoconfig/autodiscover"
	"autoconfig/internal/doctor/probe"
	"autoconfig/pacc"
	"autoconfig/thunderbird"
)

// specialLabels are those of the hosts that programs ask for configurations.
var specialLabels = []string{thunderbird.HostLabel, autodiscover.HostLabel, pacc.HostLabel}

// specialNames looks at the hosts that programs ask for configurations.
func (c *check) specialNames(ctx context.Context) {
	if c.plan == nil {
		parallel(specialLabels, func(label string) { c.dangling(ctx, label+"."+dns.Fqdn(c.domain)) })
		return // otherwise, a domain that isn't ours may publish in any way
	}
	service, _, err := c.Resolver.Addresses(ctx, c.plan.Host)
	if err != nil {
		c.inconclusive(c.plan.Host, err)
	}
	wild, _, err := c.Resolver.Addresses(ctx, c.label()+"."+c.domain)
	if err != nil {
		c.inconclusive("a random name below "+c.domain, err)
	}
	labels := specialLabels
	if len(c.plan.Documents) == 0 {
		labels = slices.DeleteFunc(slices.Clone(labels), func(label string) bool { return label == pacc.HostLabel })
	}
	parallel(labels, func(label string) { c.specialName(ctx, label, service, wild) })
}

func (c *check) specialName(ctx context.Context, label string, service, wild []netip.Addr) {
	name := label + "." + c.domain
	var records []Record
	for _, r := range c.plan.hosts() {
		if r.Name == dns.Fqdn(name) {
			records = append(records, r)
		}
	}
	ips, answer, err := c.Resolver.Addresses(ctx, name)
	seen := addressList(ips)
	switch {
	case err != nil:
		c.inconclusive(name, err)
	case len(ips) == 0 && len(answer.Aliases) > 0:
		c.report(Finding{
			Code: HostDangling, Subject: dns.Fqdn(name),
			Seen: "an alias of " + strings.Join(answer.Aliases, ", ") + answer.Lack(), Expected: datas(records),
			Records: records,
		})
	case len(ips) == 0:
		c.report(Finding{
			Code: HostMissing, Subject: dns.Fqdn(name),
			Seen: strings.TrimSpace(answer.Lack()), Expected: datas(records), Records: records,
		})
	case len(wild) > 0 && slices.Equal(ips, wild) && !overlap(ips, service):
		c.report(Finding{
			Code: HostWildcard, Subject: "*." + dns.Fqdn(c.domain),
			Seen: seen, Expected: addressList(service), Records: records,
		})
	case len(service) > 0 && !overlap(ips, service):
		c.report(Finding{
			Code: HostNotOurs, Subject: dns.Fqdn(name),
			Seen: seen, Expected: addressList(service), Records: records,
		})
	}
}

// dangling reports an alias that leads nowhere: whoever registers the name that it
// leads to can tell programs where to send passwords.
func (c *check) dangling(ctx context.Context, name string) {
	ips, answer, err := c.Resolver.Addresses(ctx, name)
	switch {
	case err != nil:
		c.inconclusive(name, err)
	case len(ips) == 0 && len(answer.Aliases) > 0:
		c.report(Finding{
			Code: HostDangling, Subject: name,
			Seen: "an alias of " + strings.Join(answer.Aliases, ", ") + answer.Lack(),
		})
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

// question is one that the resolver has answered.
type question struct {
	name   string // absolute
	kind   uint16
	answer probe.Answer
}

func (q question) String() string { return q.name + " " + dns.TypeToString[q.kind] }

// answerText is what an answer says of the name itself. Where an alias leads may be
// another zone's to say.
func answerText(a probe.Answer) string {
	if len(a.Aliases) > 0 {
		return "an alias of " + a.Aliases[0]
	}
	return a.String()
}

// authorities asks the zone's own servers for what the resolver said. Their names
// and addresses come from the zone, so that the policy for dialling holds.
func (c *check) authorities(ctx context.Context, services []*service) {
	servers, err := c.NameServers(ctx, c.domain)
	if err != nil {
		c.inconclusive(dns.Fqdn(c.domain)+" NS", err)
		return
	}
	questions := c.askAgain(ctx)
	for _, s := range services {
		if s.asked {
			questions = append(questions, question{s.name, dns.TypeSRV, s.answer})
		}
	}
	parallel(servers, func(server string) { c.authority(ctx, server, questions) })
}

// askAgain asks the resolver for what isn't a service. What it doesn't answer has
// been said by then.
func (c *check) askAgain(ctx context.Context) []question {
	var all []question
	for _, label := range specialLabels {
		name := label + "." + dns.Fqdn(c.domain)
		all = append(all, question{name: name, kind: dns.TypeA}, question{name: name, kind: dns.TypeAAAA})
	}
	for _, label := range []string{"_caldavs._tcp", "_carddavs._tcp", pacc.Label} {
		all = append(all, question{name: label + "." + dns.Fqdn(c.domain), kind: dns.TypeTXT})
	}
	answered := make([]bool, len(all))
	var group sync.WaitGroup
	for i := range all {
		group.Go(func() {
			var err error
			all[i].answer, err = c.Resolver.Ask(ctx, all[i].name, all[i].kind)
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

func (c *check) authority(ctx context.Context, server string, questions []question) {
	for _, q := range questions {
		theirs, err := c.AskServer(ctx, server, c.domain, q.name, q.kind)
		switch {
		case errors.Is(err, probe.ErrReferral):
			continue // a zone of its own, with other servers
		case errors.Is(err, probe.ErrForbidden):
			c.report(Finding{
				Code: DNSServerFailed, Severity: Info, Subject: server,
				Seen: err.Error(), Remedy: "Permit its network, if it is yours: --allow-network.",
			})
			return
		case err != nil && (errors.Is(err, probe.ErrLame) || err.Error() == "REFUSED" || err.Error() == "NOTAUTH"):
			c.report(Finding{Code: DNSServerLame, Subject: server, Seen: err.Error()})
			return
		case err != nil:
			c.report(Finding{Code: DNSServerFailed, Subject: server, Seen: err.Error()})
			return
		}
		if answerText(theirs) != answerText(q.answer) {
			c.report(Finding{
				Code: DNSDisagree, Subject: q.String(),
				Seen: fmt.Sprintf("%s says %q, the resolver %q", server, answerText(theirs), answerText(q.answer)),
			})
		}
	}
}
