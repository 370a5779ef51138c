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

// specialLabels are the labels of the special names.
var specialLabels = []string{thunderbird.HostLabel, autodiscover.HostLabel, pacc.HostLabel}

// specialNames checks the special names.
func (c *check) specialNames(ctx context.Context) {
	if c.plan == nil {
		parallel(specialLabels, func(label string) { c.dangling(ctx, label+"."+dns.Fqdn(c.domain)) })
		return // a domain that isn't ours may publish in any way
	}
	service := c.ownName(ctx)
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

// ownName checks this service's own name, at which the special names point.
func (c *check) ownName(ctx context.Context) []netip.Addr {
	ips, answer, err := c.Resolver.Addresses(ctx, c.plan.Host)
	if err != nil {
		c.inconclusive(c.plan.Host, err)
		return nil
	}
	special := slices.ContainsFunc(specialLabels, func(label string) bool { return c.plan.Host == label+"."+c.domain })
	if len(ips) > 0 || special { // special names are checked by specialName
		return ips
	}
	f := Finding{
		Code: HostMissing, Subject: dns.Fqdn(c.plan.Host), Seen: strings.TrimSpace(answer.Lack()),
		Records: c.addressesOf(c.plan.Host),
		Remedy:  "Publish the record: it is this service's own name (public_url), to which the others lead.",
	}
	if len(answer.Aliases) > 0 {
		f.Code = HostDangling
		f.Seen = "an alias of " + strings.Join(answer.Aliases, ", ") + answer.Lack()
	}
	f.Expected = datas(f.Records)
	c.report(f)
	return nil
}

func (c *check) specialName(ctx context.Context, label string, service, wild []netip.Addr) {
	name := label + "." + c.domain
	ips, answer, err := c.Resolver.Addresses(ctx, name)
	if err != nil {
		c.inconclusive(name, err)
		return
	}
	f := Finding{Subject: dns.Fqdn(name), Seen: addressList(ips), Records: c.hostRecords(name)}
	f.Expected = datas(f.Records)
	switch {
	case len(ips) == 0 && len(answer.Aliases) > 0:
		f.Code = HostDangling
		f.Seen = "an alias of " + strings.Join(answer.Aliases, ", ") + answer.Lack()
		if answer.Aliases[len(answer.Aliases)-1] == dns.Fqdn(c.plan.Host) { // the alias is right, its target isn't
			f.Records = c.addressesOf(c.plan.Host)
			f.Expected = datas(f.Records)
			f.Remedy = "Publish the record of this service's own name."
		}
	case len(ips) == 0:
		f.Code = HostMissing
		f.Seen = strings.TrimSpace(answer.Lack())
	case len(wild) > 0 && slices.Equal(ips, wild) && !overlap(ips, service):
		f.Code = HostWildcard
		f.Subject = "*." + dns.Fqdn(c.domain)
		f.Expected = addressList(service)
	case len(service) > 0 && !overlap(ips, service):
		f.Code = HostNotOurs
		f.Expected = addressList(service)
	default:
		return
	}
	if label == pacc.HostLabel && !c.hasDigest(ctx) {
		f.Severity = Info
	}
	c.report(f)
}

// hostRecords are the records to publish at a special name.
func (c *check) hostRecords(name string) []Record {
	if c.plan == nil {
		return nil
	}
	if name == c.plan.Host { // for which the plan has no record
		return c.addressesOf(name)
	}
	return slices.DeleteFunc(c.plan.hosts(), func(r Record) bool { return r.Name != dns.Fqdn(name) })
}

// addressesOf are the address records for a host: this service's addresses if they are
// known, otherwise placeholders for the operator.
func (c *check) addressesOf(host string) []Record {
	host = probe.Host(host)
	if c.plan != nil && host == c.plan.Host && len(c.plan.Addresses) > 0 {
		return addressRecords(host, c.plan.Addresses)
	}
	return []Record{{Name: dns.Fqdn(host), Type: "A", TTL: recordTTL, Data: "<the address of " + host + ">"}}
}

func addressRecords(host string, ips []netip.Addr) []Record {
	var all []Record
	for _, ip := range ips {
		all = append(all, Record{Name: dns.Fqdn(host), Type: addressType(ip), TTL: recordTTL, Data: ip.String()})
	}
	return all
}

// hasDigest reports whether a PACC digest is published. Without one, no program asks for
// the document.
func (c *check) hasDigest(ctx context.Context) bool {
	answer, err := c.Resolver.Ask(ctx, pacc.Label+"."+c.domain, dns.TypeTXT)
	return err == nil && slices.ContainsFunc(answer.Texts(), pacc.IsTXT)
}

// dangling reports an alias of a name that doesn't exist. Whoever registers that name can
// tell programs where to send passwords.
func (c *check) dangling(ctx context.Context, name string) {
	ips, answer, err := c.Resolver.Addresses(ctx, name)
	switch {
	case err != nil:
		c.inconclusive(name, err)
	case len(ips) == 0 && len(answer.Aliases) > 0:
		f := Finding{
			Code: HostDangling, Subject: name,
			Seen: "an alias of " + strings.Join(answer.Aliases, ", ") + answer.Lack(),
		}
		if strings.HasPrefix(name, pacc.HostLabel+".") && !c.hasDigest(ctx) {
			f.Severity = Info
		}
		c.report(f)
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

// question is a question that the resolver has answered.
type question struct {
	name   string // absolute
	kind   uint16
	answer probe.Answer
}

func (q question) String() string { return q.name + " " + dns.TypeToString[q.kind] }

// answerText is the answer for the name itself. The target of an alias may be in another
// zone.
func answerText(a probe.Answer) string {
	if len(a.Aliases) > 0 {
		return "an alias of " + a.Aliases[0]
	}
	return a.String()
}

// authorities asks the zone's own servers the same questions. Their addresses come from
// the zone, so the policy for dialling applies.
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

// askAgain repeats the questions that are not about services. Those without an answer have
// been reported already.
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
	defer c.limitsOf(server, Warning)
	for _, q := range questions {
		theirs, err := c.AskServer(ctx, server, c.domain, q.name, q.kind)
		switch {
		case errors.Is(err, probe.ErrReferral):
			continue // a delegated zone, with other servers
		case isKind(err, probe.NoTCP):
			continue // reported with the server's limits; the other servers can be asked
		case errors.Is(err, probe.ErrForbidden):
			c.report(Finding{
				Code: DNSServerFailed, Severity: Info, Subject: server,
				Seen: err.Error(), Remedy: "Permit its network, if it is yours: --allow-network.",
			})
			return
		case err != nil:
			c.serverFailed(server, err)
			return
		}
		if answerText(theirs) != answerText(q.answer) {
			c.report(Finding{
				Code: DNSDisagree, Subject: q.String(), Records: c.planned(q.name),
				Seen: fmt.Sprintf("%s says %q, the resolver %q", server, answerText(theirs), answerText(q.answer)),
			})
		}
	}
}

func isKind(err error, kind probe.FailureKind) bool {
	var f probe.Failure
	return errors.As(err, &f) && f.Kind == kind
}

// serverFailed reports one of the zone's servers; not as an error, as there are others.
func (c *check) serverFailed(server string, err error) {
	f := Finding{Code: DNSServerFailed, Severity: Warning, Subject: server, Seen: err.Error()}
	var failure probe.Failure
	switch {
	case errors.Is(err, probe.ErrLame) || err.Error() == "NOTAUTH":
		f.Code = DNSServerLame
	case errors.As(err, &failure) && kinds[failure.Kind] != "":
		f.Code = kinds[failure.Kind]
	}
	c.report(f)
}

// planned are the plan's records at a name.
func (c *check) planned(name string) []Record {
	if c.plan == nil {
		return nil
	}
	return slices.DeleteFunc(c.plan.Records(), func(r Record) bool { return r.Name != name })
}
