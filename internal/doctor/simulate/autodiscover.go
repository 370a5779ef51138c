package simulate

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/autodiscover"
	"autoconfig/internal/doctor/probe"
	"autoconfig/settings"
)

// poxAt is where Autodiscover is asked at a host.
func poxAt(scheme, host string) string { return scheme + "://" + host + autodiscover.Path }

func (sim *simulation) post(u string) probe.Request { return sim.postFor(u, sim.address.String()) }

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
	targets := answer.Services()
	if len(targets) == 0 {
		sim.step("SRV "+name, "nothing", "goes on without")
		return ""
	}
	target := probe.Host(slices.MinFunc(targets, order).Target)
	verdict := "asks there"
	if !dns.IsSubDomain(dns.Fqdn(sim.domain), dns.Fqdn(target)) {
		verdict = "asks there, if the person agrees"
		sim.note("The SRV record leads out of the domain to %s: the program asks the person to agree.", target)
	}
	sim.step("SRV "+name, answer.String(), verdict)
	return target
}

// fromPOX makes an account of a reply: the first of the types, in its order.
func (sim *simulation) fromPOX(reply *autodiscover.Response, accepted []string) *Setup {
	s := &Setup{}
	for _, p := range reply.Protocols {
		if p.Port == "" || p.Server == "" {
			continue
		}
		e := Endpoint{Host: strings.ToLower(p.Server), Port: p.Port, Security: poxSecurity(p), Auth: "password", Username: p.LoginName}
		if e.Username == "" {
			e.Username = sim.address.String()
		}
		switch {
		case slices.Contains(accepted, p.Type) && s.Protocol == "":
			s.Protocol, s.Incoming = settings.Protocol(strings.ToLower(p.Type)), e
		case p.Type == "SMTP" && s.Outgoing.Host == "":
			s.Outgoing = e
		}
	}
	if s.Protocol == "" {
		return nil
	}
	return s
}

// poxSecurity is what Thunderbird makes of the three elements.
func poxSecurity(p autodiscover.Protocol) settings.Security {
	port, _ := strconv.Atoi(p.Port)
	switch {
	case strings.EqualFold(p.SSL, "off") || strings.EqualFold(p.Encryption, "none"):
		return settings.None
	case port == 143 || port == 110 || port == 25 || port == 587:
		return settings.STARTTLS
	}
	return settings.TLS
}

// outlook is the classic one, where Microsoft's AutoDetect is turned off.
func (sim *simulation) outlook(ctx context.Context) *Setup {
	sim.note("Outlook 2016 and later asks Microsoft's AutoDetect first, and may never come this far; the new Outlook never does.")
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
	if target := sim.autodiscoverSRV(ctx, sim.domain, func(a, b *dns.SRV) int { return int(a.Priority) - int(b.Priority) }); target != "" {
		return sim.outlookPOX(ctx, []string{poxAt("https", target)})
	}
	return nil
}

// maxOutlookRedirects bounds how often a redirectUrl of an answer is followed.
const maxOutlookRedirects = 10

func (sim *simulation) outlookPOX(ctx context.Context, urls []string) *Setup {
	redirects := 0
	for i := 0; i < len(urls); i++ {
		u := urls[i]
		p, answer, ok := sim.ask(ctx, sim.post(u))
		if !ok || p.Status != http.StatusOK {
			sim.step("POST "+u, answer, "goes on")
			continue
		}
		reply, err := autodiscover.ParseResponse(p.Body)
		if err != nil || reply.Error != nil {
			sim.step("POST "+u, answer, "goes on: no settings in it")
			continue
		}
		if to := reply.RedirectURL; strings.EqualFold(reply.Action, "redirectUrl") && strings.HasPrefix(to, "https:") && redirects < maxOutlookRedirects {
			redirects++
			sim.step("POST "+u, answer, "follows to "+to+", if the person agrees")
			urls = slices.Insert(slices.Clone(urls), i+1, to)
			continue
		}
		if setup := sim.fromPOX(reply, []string{"IMAP", "POP3"}); setup != nil {
			setup.Origin = u
			sim.step("POST "+u, answer, "takes it: "+describe(setup))
			return setup
		}
		sim.step("POST "+u, answer, "goes on: neither IMAP nor POP3 in it")
	}
	return nil
}
