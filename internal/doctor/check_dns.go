package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/autodiscover"
	"autoconfig/internal/doctor/probe"
	"autoconfig/settings"
)

// srvPorts are the registered ports of the services that are checked.
var srvPorts = map[string]int{
	"_imaps._tcp": 993, "_imap._tcp": 143, "_pop3s._tcp": 995, "_pop3._tcp": 110,
	"_submissions._tcp": 465, "_submission._tcp": 587, autodiscover.SRVLabel: 443,
	"_caldavs._tcp": 443, "_carddavs._tcp": 443, "_caldav._tcp": 80, "_carddav._tcp": 80,
	"_jmap._tcp": 443, "_sieve._tcp": 4190,
}

// service is what a domain publishes at one SRV name.
type service struct {
	label   string
	name    string // absolute
	answer  probe.Answer
	asked   bool // it was answered
	dot     bool
	targets []*dns.SRV
}

// dns asks for every name that programs ask for, and judges the answers.
func (c *check) dns(ctx context.Context) {
	byLabel := map[string]*service{}
	var services []*service
	for label := range srvPorts {
		s := &service{label: label, name: label + "." + dns.Fqdn(c.domain)}
		byLabel[label] = s
		services = append(services, s)
	}
	parallel(services, func(s *service) { c.askService(ctx, s) })
	for _, s := range services {
		if s.asked {
			c.judgeService(s, byLabel)
		}
	}
	c.judgePreference(byLabel)
	c.judgePaths(ctx)
	parallel(services, func(s *service) { c.judgeTargets(ctx, s) })
	c.judgeWildcard(ctx)
	c.judgeMX(ctx)
	c.specialNames(ctx)
	c.signed(ctx)
	c.authorities(ctx, services)
}

func (c *check) askService(ctx context.Context, s *service) {
	answer, err := c.Resolver.Ask(ctx, s.name, dns.TypeSRV)
	if err != nil {
		c.inconclusive(s.name+" SRV", err)
		return
	}
	s.answer, s.asked = answer, true
	s.targets = answer.Services()
	s.dot = len(s.targets) < len(answer.Records)
}

// wanted are the plan's records at a service's name.
func (c *check) wanted(s *service) (records []Record, offered []*dns.SRV) {
	if c.plan == nil {
		return nil, nil
	}
	for _, r := range c.plan.Records() {
		if r.Type != "SRV" || r.Name != s.name {
			continue
		}
		records = append(records, r)
		if rr, err := r.rr(); err == nil && r.Data != notOffered {
			offered = append(offered, rr.(*dns.SRV))
		}
	}
	return records, offered
}

// judgeRecords reports mistakes in a service's records that don't depend on the plan.
func (c *check) judgeRecords(s *service) {
	if s.dot && len(s.targets) > 0 {
		c.report(Finding{Code: SRVDotMixed, Subject: s.name + " SRV", Seen: s.answer.String(), Records: c.right(s, nil)})
	}
	for i, srv := range s.targets {
		for _, other := range s.targets[:i] {
			if sameTarget(srv, other) && srv.Priority == other.Priority && srv.Weight == other.Weight {
				c.report(Finding{Code: SRVDuplicate, Subject: s.name + " SRV", Seen: recordOf(srv).Data, Records: c.right(s, nil)})
			}
		}
		if ttl := srv.Hdr.Ttl; ttl < 60 || ttl > 86400 {
			c.report(Finding{
				Code: SRVTTL, Subject: s.name + " SRV", Seen: fmt.Sprintf("%d seconds", ttl),
				Records: c.right(s, func(srv *dns.SRV) { srv.Hdr.Ttl = recordTTL }),
			})
		}
	}
}

func (c *check) judgeService(s *service, byLabel map[string]*service) {
	c.judgeRecords(s)
	records, offered := c.wanted(s)
	switch {
	case c.plan == nil || len(records) == 0:
		c.judgePorts(s, nil)
	case len(offered) == 0 && len(s.targets) > 0:
		c.report(Finding{
			Code: SRVOffered, Subject: s.name + " SRV",
			Seen: s.answer.String(), Expected: notOffered, Records: records,
		})
	case len(offered) == 0 && !s.dot:
		c.report(Finding{
			Code: SRVNullMissing, Subject: s.name + " SRV",
			Seen: "nothing", Expected: notOffered, Records: records,
		})
	case len(offered) == 0:
	case s.dot && len(s.targets) == 0:
		c.report(Finding{
			Code: SRVNotOffered, Subject: s.name + " SRV",
			Seen: notOffered, Expected: datas(records), Records: records,
		})
	case len(s.targets) == 0:
		c.missing(s, records, byLabel)
	default:
		c.judgePorts(s, offered)
		c.judgeAgainst(s, records, offered)
	}
}

// missing reports missing records. Of the two submission services, STARTTLS may be missing.
func (c *check) missing(s *service, records []Record, byLabel map[string]*service) {
	f := Finding{Code: SRVMissing, Subject: s.name + " SRV", Seen: "nothing", Expected: datas(records), Records: records}
	switch s.label {
	case "_submissions._tcp":
		if len(byLabel["_submission._tcp"].targets) > 0 {
			f.Code = SRVSubmissions
		}
	case autodiscover.SRVLabel:
		f.Severity = Info // autodiscover.D is asked first, and is sufficient
	}
	c.report(f)
}

// judgePorts reports unusual ports that the plan doesn't have either.
func (c *check) judgePorts(s *service, offered []*dns.SRV) {
	for _, srv := range s.targets {
		if int(srv.Port) == srvPorts[s.label] {
			continue
		}
		known := slices.ContainsFunc(offered, func(r *dns.SRV) bool { return strings.EqualFold(r.Target, srv.Target) })
		if known && !slices.ContainsFunc(offered, func(r *dns.SRV) bool { return sameTarget(r, srv) }) {
			continue // the wrong port is another finding
		}
		f := Finding{
			Code: SRVPortUnusual, Subject: s.name + " SRV",
			Seen: fmt.Sprintf("port %d", srv.Port), Expected: fmt.Sprintf("port %d", srvPorts[s.label]),
			Records: c.right(s, func(r *dns.SRV) { r.Port = uint16(srvPorts[s.label]) }), //nolint:gosec // a port
		}
		switch {
		case slices.ContainsFunc(offered, func(r *dns.SRV) bool { return sameTarget(r, srv) }):
			f.Severity = Info
			f.Remedy = "It is the port that is handed out. Use the registered one at the server, and then in the policy."
		case s.label == autodiscover.SRVLabel:
			f.Severity = Error
		}
		c.report(f)
	}
}

func (c *check) judgeAgainst(s *service, records []Record, offered []*dns.SRV) {
	for _, srv := range s.targets {
		f := Finding{Subject: s.name + " SRV", Seen: recordOf(srv).Data, Expected: datas(records), Records: records}
		switch {
		case slices.ContainsFunc(offered, func(r *dns.SRV) bool { return sameTarget(r, srv) }):
			continue
		case slices.ContainsFunc(offered, func(r *dns.SRV) bool { return strings.EqualFold(r.Target, srv.Target) }):
			f.Code = SRVPortWrong
		case s.label == autodiscover.SRVLabel:
			continue // it may name any host of this service: the check by HTTP follows it
		default:
			f.Code = SRVTargetWrong
		}
		c.report(f)
	}
}

// judgePaths compares the paths of calendars and contacts (RFC 6764, section 4).
func (c *check) judgePaths(ctx context.Context) {
	if c.plan == nil {
		return
	}
	for _, want := range c.plan.services() {
		if want.Type != "TXT" {
			continue
		}
		have, err := published(ctx, c.Resolver, want.Name, "TXT")
		if err != nil {
			c.inconclusive(want.Name+" TXT", err)
			continue
		}
		have = slices.DeleteFunc(have, func(r Record) bool { return !ours(r) })
		if !sameRecords(have, []Record{want}) {
			c.report(Finding{
				Code: DAVPath, Subject: want.Name + " TXT",
				Seen: cmp.Or(datas(have), "nothing"), Expected: want.Data, Records: []Record{want},
			})
		}
	}
}

func sameTarget(a, b *dns.SRV) bool { return a.Port == b.Port && strings.EqualFold(a.Target, b.Target) }

// judgePreference compares priorities across services (RFC 6186, section 3.4).
func (c *check) judgePreference(byLabel map[string]*service) {
	lowest := func(labels ...string) (int, string) {
		best, name := -1, ""
		for _, label := range labels {
			for _, srv := range byLabel[label].targets {
				if best < 0 || int(srv.Priority) < best {
					best, name = int(srv.Priority), byLabel[label].name
				}
			}
		}
		return best, name
	}
	for _, names := range mailServices {
		tls, _ := lowest(names.tls)
		starttls, at := lowest(names.starttls)
		if tls >= 0 && starttls >= 0 && starttls < tls {
			c.report(Finding{
				Code: SRVCleartext, Subject: at + " SRV",
				Seen:     fmt.Sprintf("priority %d, with %s at %d", starttls, names.tls, tls),
				Expected: fmt.Sprintf("more than %d", tls),
				Records: c.right(byLabel[names.starttls], func(srv *dns.SRV) {
					srv.Priority = max(srv.Priority, uint16(tls)+10) //nolint:gosec // of a record
				}),
			})
		}
	}
	if c.plan == nil {
		return
	}
	first := c.plan.Terms.DefaultProtocol()
	second := map[settings.Protocol]settings.Protocol{settings.IMAP: settings.POP3, settings.POP3: settings.IMAP}[first]
	if !slices.Contains(c.plan.Given, second) {
		return // a service that isn't offered at all is another finding
	}
	ours, _ := lowest(mailServices[first].tls, mailServices[first].starttls)
	theirs, at := lowest(mailServices[second].tls, mailServices[second].starttls)
	if ours >= 0 && theirs >= 0 && theirs <= ours {
		c.report(Finding{
			Code: SRVPreference, Subject: at + " SRV",
			Seen:     fmt.Sprintf("priority %d, with %s at %d", theirs, strings.ToUpper(string(first)), ours),
			Expected: fmt.Sprintf("more than %d", ours), Records: c.plan.incoming(),
		})
	}
}

// judgeTargets resolves the targets of records.
func (c *check) judgeTargets(ctx context.Context, s *service) {
	seen := map[string]bool{}
	for _, srv := range s.targets {
		target := strings.ToLower(srv.Target)
		if seen[target] {
			continue
		}
		seen[target] = true
		_, offered := c.wanted(s)
		ours := slices.ContainsFunc(offered, func(r *dns.SRV) bool { return strings.EqualFold(r.Target, target) })
		if !dns.IsSubDomain(dns.Fqdn(c.domain), target) && !s.answer.Authentic {
			f := Finding{
				Code: SRVTargetForeign, Subject: s.name + " SRV", Records: c.right(s, nil),
				Seen: target, Expected: "a host within " + c.domain,
			}
			if ours || s.label == autodiscover.SRVLabel {
				f.Severity = Info
				f.Expected = ""
				f.Remedy = "Nothing, if that host is meant. Programs may ask the person to agree; a signed zone spares that."
			}
			c.report(f)
		}
		ips, answer, err := c.Resolver.Addresses(ctx, target)
		switch {
		case err != nil:
			c.inconclusive(target, err)
		case len(answer.Aliases) > 0 && len(ips) > 0:
			c.aliasedTarget(s, target, answer.Aliases, ips, ours)
		case len(ips) == 0:
			c.report(Finding{
				Code: SRVUnresolvable, Subject: s.name + " SRV", Seen: target + answer.Lack(),
				Records: c.addressesOf(target),
			})
		}
	}
}

// aliasedTarget reports a target that is an alias. One that the policy names can't be
// changed in the DNS alone.
func (c *check) aliasedTarget(s *service, target string, aliases []string, ips []netip.Addr, ours bool) {
	end := aliases[len(aliases)-1]
	f := Finding{
		Code: SRVTargetCNAME, Subject: s.name + " SRV",
		Seen: target + " is an alias of " + strings.Join(aliases, ", "), Expected: end,
	}
	if ours {
		f.Severity = Info
		f.Expected = addressList(ips)
		f.Remedy = "The policy names that host. Give it addresses in the place of the alias, " +
			"or hand out the host that the alias leads to."
		f.Records = addressRecords(target, ips)
	} else {
		f.Records = c.right(s, func(srv *dns.SRV) {
			if strings.EqualFold(srv.Target, target) {
				srv.Target = end
			}
		})
	}
	c.report(f)
}

// right are the records that belong at a service's name: those of the plan or, without
// one, the published ones after mend has corrected them.
func (c *check) right(s *service, mend func(*dns.SRV)) []Record {
	if records, _ := c.wanted(s); len(records) > 0 {
		return records
	}
	var all []Record
	for _, srv := range s.targets {
		better := *srv
		if mend != nil {
			mend(&better)
		}
		if r := recordOf(&better); !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// judgeMX checks whether the domain receives mail at all.
func (c *check) judgeMX(ctx context.Context) {
	if c.plan == nil {
		return
	}
	answer, err := c.Resolver.Ask(ctx, c.domain, dns.TypeMX)
	if err != nil {
		c.inconclusive(dns.Fqdn(c.domain)+" MX", err)
	} else if answer.BestMX() == "" {
		mx := Record{
			Name: dns.Fqdn(c.domain), Type: "MX", TTL: recordTTL,
			Data: "10 <the host that receives mail for " + c.domain + ">",
		}
		c.report(Finding{
			Code: MXMissing, Subject: mx.Name + " MX", Seen: cmp.Or(answer.String(), "nothing"),
			Expected: mx.Data, Records: []Record{mx},
		})
	}
}

func (c *check) judgeWildcard(ctx context.Context) {
	name := "_" + c.label() + "._tcp." + dns.Fqdn(c.domain)
	answer, err := c.Resolver.Ask(ctx, name, dns.TypeSRV)
	if err != nil {
		c.inconclusive("a random name below _tcp."+c.domain, err)
	} else if len(answer.Records) > 0 {
		c.report(Finding{Code: SRVWildcard, Subject: "*._tcp." + dns.Fqdn(c.domain) + " SRV", Seen: answer.String()})
	}
}

func (c *check) signed(ctx context.Context) {
	if !c.Resolver.Trusted {
		return // unknown: an untrusted resolver can't vouch for it
	}
	answer, err := c.Resolver.Ask(ctx, c.domain, dns.TypeSOA)
	if err == nil && !answer.Authentic {
		c.report(Finding{Code: DNSSECUnsigned, Subject: dns.Fqdn(c.domain)})
	}
}

func datas(records []Record) string {
	all := make([]string, len(records))
	for i, r := range records {
		all[i] = r.Data
	}
	return strings.Join(all, "; ")
}
