package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/settings"
)

// srvPorts are the registered ports of the services that are looked at.
var srvPorts = map[string]int{
	"_imaps._tcp": 993, "_imap._tcp": 143, "_pop3s._tcp": 995, "_pop3._tcp": 110,
	"_submissions._tcp": 465, "_submission._tcp": 587, "_autodiscover._tcp": 443,
	"_caldavs._tcp": 443, "_carddavs._tcp": 443, "_caldav._tcp": 80, "_carddav._tcp": 80, "_jmap._tcp": 443, "_sieve._tcp": 4190,
}

// service is what a domain publishes at one SRV name.
type service struct {
	label   string
	name    string // absolute
	answer  Answer
	asked   bool // it got an answer
	dot     bool
	targets []*dns.SRV
}

// dns asks for everything that programs ask for by name, and judges it.
func (x *examination) dns(ctx context.Context) {
	byLabel := map[string]*service{}
	var services []*service
	for label := range srvPorts {
		s := &service{label: label, name: label + "." + dns.Fqdn(x.domain)}
		byLabel[label] = s
		services = append(services, s)
	}
	each(services, func(s *service) { x.askService(ctx, s) })
	for _, s := range services {
		if s.asked {
			x.judgeService(s, byLabel)
		}
	}
	x.judgePreference(byLabel)
	x.judgePaths(ctx)
	each(services, func(s *service) { x.judgeTargets(ctx, s) })
	x.judgeWildcard(ctx)
	x.specialNames(ctx)
	x.signed(ctx)
	x.authorities(ctx, services)
}

func (x *examination) askService(ctx context.Context, s *service) {
	answer, err := x.Resolver.Ask(ctx, s.name, dns.TypeSRV)
	if err != nil {
		x.inconclusive(s.name+" SRV", err)
		return
	}
	s.answer, s.asked = answer, true
	for _, rr := range answer.Records {
		srv := rr.(*dns.SRV)
		if srv.Target == "." {
			s.dot = true
		} else {
			s.targets = append(s.targets, srv)
		}
	}
}

// wanted are the records of the plan at a service's name.
func (x *examination) wanted(s *service) (records []Record, real []*dns.SRV) {
	if x.plan == nil {
		return nil, nil
	}
	for _, r := range x.plan.Records() {
		if r.Type != "SRV" || r.Name != s.name {
			continue
		}
		records = append(records, r)
		if rr, err := r.rr(); err == nil && r.Data != notOffered {
			real = append(real, rr.(*dns.SRV))
		}
	}
	return records, real
}

func (x *examination) judgeService(s *service, byLabel map[string]*service) {
	if s.dot && len(s.targets) > 0 {
		x.found(Finding{Code: SRVDotMixed, Subject: s.name + " SRV", Seen: texts(s.answer.Records)})
	}
	for i, srv := range s.targets {
		for _, other := range s.targets[:i] {
			if sameTarget(srv, other) && srv.Priority == other.Priority && srv.Weight == other.Weight {
				x.found(Finding{Code: SRVDuplicate, Subject: s.name + " SRV", Seen: recordOf(srv).Data})
			}
		}
		if ttl := srv.Hdr.Ttl; ttl < 60 || ttl > 86400 {
			x.found(Finding{Code: SRVTTL, Subject: s.name + " SRV", Seen: fmt.Sprintf("%d seconds", ttl)})
		}
	}
	records, real := x.wanted(s)
	switch {
	case x.plan == nil || len(records) == 0:
		x.judgePorts(s, nil)
	case len(real) == 0 && len(s.targets) > 0:
		x.found(Finding{Code: SRVOffered, Subject: s.name + " SRV", Seen: texts(s.answer.Records), Expected: notOffered, Records: records})
	case len(real) == 0 && !s.dot:
		x.found(Finding{Code: SRVNullMissing, Subject: s.name + " SRV", Seen: "nothing", Expected: notOffered, Records: records})
	case len(real) == 0:
	case s.dot && len(s.targets) == 0:
		x.found(Finding{Code: SRVNotOffered, Subject: s.name + " SRV", Seen: notOffered, Expected: datas(records), Records: records})
	case len(s.targets) == 0:
		x.missing(s, records, byLabel)
	default:
		x.judgePorts(s, real)
		x.judgeAgainst(s, records, real)
	}
}

// missing: of two ways to submit, the safer one alone may be missing.
func (x *examination) missing(s *service, records []Record, byLabel map[string]*service) {
	f := Finding{Code: SRVMissing, Subject: s.name + " SRV", Seen: "nothing", Expected: datas(records), Records: records}
	switch s.label {
	case "_submissions._tcp":
		if len(byLabel["_submission._tcp"].targets) > 0 {
			f.Code = SRVSubmissions
		}
	case "_autodiscover._tcp":
		f.Severity = Info // autodiscover.D is asked first, and does as well
	}
	x.found(f)
}

// judgePorts looks at ports that the plan doesn't have either.
func (x *examination) judgePorts(s *service, real []*dns.SRV) {
	for _, srv := range s.targets {
		if int(srv.Port) == srvPorts[s.label] {
			continue
		}
		known := slices.ContainsFunc(real, func(r *dns.SRV) bool { return strings.EqualFold(r.Target, srv.Target) })
		if known && !slices.ContainsFunc(real, func(r *dns.SRV) bool { return sameTarget(r, srv) }) {
			continue // the port is wrong, which is said anyway
		}
		f := Finding{Code: SRVPortUnusual, Subject: s.name + " SRV", Seen: fmt.Sprintf("port %d", srv.Port), Expected: fmt.Sprintf("port %d", srvPorts[s.label])}
		if s.label == "_autodiscover._tcp" {
			f.Severity = Error
		}
		x.found(f)
	}
}

func (x *examination) judgeAgainst(s *service, records []Record, real []*dns.SRV) {
	for _, srv := range s.targets {
		f := Finding{Subject: s.name + " SRV", Seen: recordOf(srv).Data, Expected: datas(records), Records: records}
		switch {
		case slices.ContainsFunc(real, func(r *dns.SRV) bool { return sameTarget(r, srv) }):
			continue
		case slices.ContainsFunc(real, func(r *dns.SRV) bool { return strings.EqualFold(r.Target, srv.Target) }):
			f.Code = SRVPortWrong
		case s.label == "_autodiscover._tcp":
			continue // it may lead to any name of this service: HTTP says where it ends
		default:
			f.Code = SRVTargetWrong
		}
		x.found(f)
	}
}

// judgePaths compares where calendars and contacts are on their hosts (RFC 6764,
// section 4).
func (x *examination) judgePaths(ctx context.Context) {
	if x.plan == nil {
		return
	}
	for _, want := range x.plan.services() {
		if want.Type != "TXT" {
			continue
		}
		have, err := published(ctx, x.Resolver, want.Name, "TXT")
		if err != nil {
			x.inconclusive(want.Name+" TXT", err)
			continue
		}
		have = slices.DeleteFunc(have, func(r Record) bool { return !ours(r) })
		if !sameRecords(have, []Record{want}) {
			x.found(Finding{Code: DAVPath, Subject: want.Name + " TXT", Seen: cmp.Or(datas(have), "nothing"), Expected: want.Data, Records: []Record{want}})
		}
	}
}

func sameTarget(a, b *dns.SRV) bool { return a.Port == b.Port && strings.EqualFold(a.Target, b.Target) }

// judgePreference looks at the numbers across services (RFC 6186, section 3.4).
func (x *examination) judgePreference(byLabel map[string]*service) {
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
			x.found(Finding{Code: SRVCleartext, Subject: at + " SRV", Seen: fmt.Sprintf("priority %d, with %s at %d", starttls, names.tls, tls), Expected: fmt.Sprintf("more than %d", tls)})
		}
	}
	if x.plan == nil {
		return
	}
	first := x.plan.Terms.DefaultProtocol()
	second := map[settings.Protocol]settings.Protocol{settings.IMAP: settings.POP3, settings.POP3: settings.IMAP}[first]
	if !slices.Contains(x.plan.Given, second) {
		return // what isn't given at all is another finding
	}
	ours, _ := lowest(mailServices[first].tls, mailServices[first].starttls)
	theirs, at := lowest(mailServices[second].tls, mailServices[second].starttls)
	if ours >= 0 && theirs >= 0 && theirs <= ours {
		x.found(Finding{Code: SRVPreference, Subject: at + " SRV", Seen: fmt.Sprintf("priority %d, with %s at %d", theirs, strings.ToUpper(string(first)), ours), Expected: fmt.Sprintf("more than %d", ours), Records: x.plan.incoming()})
	}
}

// judgeTargets resolves where records lead to.
func (x *examination) judgeTargets(ctx context.Context, s *service) {
	seen := map[string]bool{}
	for _, srv := range s.targets {
		target := strings.ToLower(srv.Target)
		if seen[target] {
			continue
		}
		seen[target] = true
		if !dns.IsSubDomain(dns.Fqdn(x.domain), target) && !s.answer.Authentic {
			x.found(Finding{Code: SRVTargetForeign, Subject: s.name + " SRV", Seen: target, Expected: "a host within " + x.domain})
		}
		ips, answer, err := x.Resolver.Addresses(ctx, target)
		switch {
		case err != nil:
			x.inconclusive(target, err)
		case len(answer.Aliases) > 0 && len(ips) > 0:
			x.found(Finding{Code: SRVTargetCNAME, Subject: s.name + " SRV", Seen: target + " is an alias of " + strings.Join(answer.Aliases, ", "), Expected: answer.Aliases[len(answer.Aliases)-1]})
		case len(ips) == 0:
			x.found(Finding{Code: SRVUnresolvable, Subject: s.name + " SRV", Seen: target + nameless(answer)})
		}
	}
}

func nameless(a Answer) string {
	if a.NoName {
		return " doesn't exist"
	}
	return " has no address"
}

func (x *examination) judgeWildcard(ctx context.Context) {
	name := "_" + x.label() + "._tcp." + dns.Fqdn(x.domain)
	answer, err := x.Resolver.Ask(ctx, name, dns.TypeSRV)
	if err != nil {
		x.inconclusive("a random name below _tcp."+x.domain, err)
	} else if len(answer.Records) > 0 {
		x.found(Finding{Code: SRVWildcard, Subject: "*._tcp." + dns.Fqdn(x.domain) + " SRV", Seen: texts(answer.Records)})
	}
}

func (x *examination) signed(ctx context.Context) {
	if !x.Resolver.Trusted {
		return // whoever isn't trusted can't vouch for it: not known
	}
	answer, err := x.Resolver.Ask(ctx, x.domain, dns.TypeSOA)
	if err == nil && !answer.Authentic {
		x.found(Finding{Code: DNSSECUnsigned, Subject: dns.Fqdn(x.domain)})
	}
}

func texts(list []dns.RR) string {
	all := make([]string, len(list))
	for i, rr := range list {
		all[i] = recordOf(rr).Data
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

func datas(records []Record) string {
	all := make([]string, len(records))
	for i, r := range records {
		all[i] = r.Data
	}
	return strings.Join(all, "; ")
}
