package simulate

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/miekg/dns"

	"autoconfig/autodiscover"
	"autoconfig/internal/doctor/probe"
	"autoconfig/settings"
)

// fairemail believes SRV before autoconfig, and knows IMAP only.
func (sim *simulation) fairemail(ctx context.Context) *Setup {
	if setup := sim.fairemailSRV(ctx); setup != nil {
		return setup
	}
	r := traits{protocols: []settings.Protocol{settings.IMAP}, firstOnly: true, only: true, anyAuth: true}
	d, q := sim.domain, sim.rawQuery()
	setup := sim.tries(ctx, []string{
		atHost("https", d) + q, atDomain("https", d) + q,
		atHost("http", d) + q, atDomain("http", d) + q, database + d,
	}, r, never)
	if setup != nil {
		return setup
	}
	for _, host := range []string{d, autodiscover.HostLabel + "." + d} {
		u := poxAt("https", host)
		p, answer, ok := sim.ask(ctx, probe.Request{Method: http.MethodPost, URL: u, Body: autodiscover.RequestFor(sim.address.String()), Header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
		if ok && p.Status == http.StatusOK {
			if reply, err := autodiscover.ParseResponse(p.Body); err == nil && reply.Error == nil {
				if setup := sim.fromPOX(reply, []string{"IMAP"}); setup != nil && setup.Outgoing.Host != "" {
					setup.Origin = u
					sim.step("POST "+u, answer, "takes it: "+describe(setup))
					return setup
				}
			}
		}
		sim.step("POST "+u, answer, "goes on")
	}
	return nil
}

func (sim *simulation) fairemailSRV(ctx context.Context) *Setup {
	best := func(labels ...string) (*dns.SRV, settings.Security) {
		for i, label := range labels {
			name := label + "." + sim.domain
			answer, err := sim.Resolver.Ask(ctx, name, dns.TypeSRV)
			if err != nil {
				sim.step("SRV "+name, err.Error(), "goes on")
				continue
			}
			if targets := answer.Services(); len(targets) > 0 {
				sim.step("SRV "+name, answer.String(), "keeps it")
				return slices.MinFunc(targets, func(a, b *dns.SRV) int { return int(a.Priority) - int(b.Priority) }), []settings.Security{settings.TLS, settings.STARTTLS}[i]
			}
			sim.step("SRV "+name, "nothing", "goes on")
		}
		return nil, ""
	}
	in, inSecurity := best("_imaps._tcp", "_imap._tcp")
	out, outSecurity := best("_submissions._tcp", "_submission._tcp")
	if in == nil || out == nil {
		return nil // it needs both
	}
	side := func(s *dns.SRV, security settings.Security) Endpoint {
		return Endpoint{probe.Host(s.Target), strconv.Itoa(int(s.Port)), security, "", sim.address.String()}
	}
	return &Setup{Protocol: settings.IMAP, Incoming: side(in, inSecurity), Outgoing: side(out, outSecurity), Origin: "SRV"}
}
