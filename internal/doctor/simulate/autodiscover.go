package simulate

import (
	"context"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/autodiscover"
	"autoconfig/clients/reading"
	"autoconfig/internal/doctor/probe"
)

// poxAt is where Autodiscover is asked at a host.
func poxAt(scheme, host string) string { return scheme + "://" + host + autodiscover.Path }

func (sim *simulation) postFor(u, email string) probe.Request {
	return probe.PostXML(u, autodiscover.RequestFor(email))
}

// autodiscoverSRV is the target of the best record.
func (sim *simulation) autodiscoverSRV(ctx context.Context, domain string, order func(a, b *dns.SRV) int) string {
	name := autodiscover.SRVLabel + "." + domain
	answer, err := sim.Resolver.Ask(ctx, name, dns.TypeSRV)
	if err != nil {
		sim.step("SRV "+name, err.Error(), "goes on without")
		return ""
	}
	targets := make([]*dns.SRV, len(answer.Records))
	for i, rr := range answer.Records {
		targets[i] = rr.(*dns.SRV)
	}
	if len(targets) == 0 {
		sim.step("SRV "+name, "nothing", "goes on without")
		return ""
	}
	target := probe.Host(slices.MinFunc(targets, order).Target)
	if target == "" {
		sim.step("SRV "+name, answer.String(), "goes on without: the best record says that there is none")
		return ""
	}
	verdict := "asks there"
	if !dns.IsSubDomain(dns.Fqdn(sim.domain), dns.Fqdn(target)) {
		verdict = "asks there, if the person agrees"
		sim.note("The SRV record leads out of the domain to %s: the program asks the person to agree.", target)
	}
	sim.step("SRV "+name, answer.String(), verdict)
	return target
}

// outlook is the classic one, where Microsoft's AutoDetect is turned off.
func (sim *simulation) outlook(ctx context.Context) *Setup {
	sim.note("Outlook 2016 and later asks Microsoft's AutoDetect first, and may never come this far; " +
		"the new Outlook never does.")
	urls := []string{poxAt("https", sim.domain), poxAt("https", autodiscover.HostLabel+"."+sim.domain)}
	if setup := sim.outlookPOX(ctx, urls); setup != nil {
		return setup
	}
	plain := poxAt("http", autodiscover.HostLabel+"."+sim.domain)
	p, answer, ok := sim.get(ctx, plain)
	if ok && len(p.Hops) > 0 && strings.HasPrefix(p.Hops[0], "https:") {
		sim.step("GET "+plain, answer, "follows to "+p.Hops[0]+", if the person agrees")
		if setup := sim.outlookPOX(ctx, p.Hops[:1]); setup != nil {
			return setup
		}
	} else {
		sim.step("GET "+plain, answer, "goes on: only a redirect to https counts")
	}
	if target := sim.autodiscoverSRV(ctx, sim.domain, func(a, b *dns.SRV) int {
		return int(a.Priority) - int(b.Priority)
	}); target != "" {
		return sim.outlookPOX(ctx, []string{poxAt("https", target)})
	}
	return nil
}

// maxOutlookRedirects bounds how often an answer may send it on.
const maxOutlookRedirects = 10

func (sim *simulation) outlookPOX(ctx context.Context, urls []string) *Setup {
	email := sim.address.String()
	redirects := 0
	for i := 0; i < len(urls); i++ {
		u := urls[i]
		p, answer, ok := sim.ask(ctx, sim.postFor(u, email))
		if !ok || !isOK(p) {
			sim.step("POST "+u, answer, "goes on")
			continue
		}
		account, to, err := reading.Outlook(document(p), sim.person())
		switch {
		case err != nil:
			sim.step("POST "+u, answer, "goes on: "+err.Error())
			continue
		case to == reading.Redirect{}:
			setup := setupOf(account, u)
			sim.step("POST "+u, answer, "takes it: "+describe(setup))
			return setup
		case redirects == maxOutlookRedirects, strings.EqualFold(to.Address, email):
			sim.step("POST "+u, answer, "goes on: it is sent in a circle")
			continue
		}
		redirects++
		next := []string{to.URL}
		if to.Address != "" {
			email = to.Address
			domain := email[strings.LastIndexByte(email, '@')+1:]
			next = []string{poxAt("https", domain), poxAt("https", autodiscover.HostLabel+"."+domain)}
		}
		sim.step("POST "+u, answer, "is sent to "+to.URL+to.Address+", if the person agrees")
		urls = slices.Insert(slices.Clone(urls), i+1, next...)
	}
	return nil
}
