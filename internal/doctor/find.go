package doctor

import (
	"context"
	"slices"
	"time"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
	"autoconfig/settings"
)

// findTimeout bounds a search for mail servers, for which a person waits.
const findTimeout = 8 * time.Second

// FoundServer is a mail server that a domain seems to have.
type FoundServer struct {
	Protocol settings.Protocol
	settings.Server
	// Why is the origin of its name: "SRV record", "MX record" or "usual name".
	Why string
	// Wrong are the errors that a check of it finds; empty if programs can use it.
	Wrong []Finding
}

// usualHosts are the labels that hosters usually give their servers, the most common first.
var usualHosts = map[settings.Protocol][]string{
	settings.IMAP: {"imap", "mail"}, settings.POP3: {"pop", "pop3", "mail"}, settings.SMTP: {"smtp", "mail"},
}

// FindServers searches the best server of a domain for each protocol: among those that its
// SRV records name, those under the usual names, and its MX. One that answers but can't be
// used comes with what is wrong; a protocol without an answering server is left out. It
// takes at most 8 seconds, and sends no credential.
func (k *Checker) FindServers(ctx context.Context, domain string) (found []FoundServer) {
	ctx, cancel := context.WithTimeout(ctx, findTimeout)
	defer cancel()
	run := *k
	run.Resolver, run.Only = k.Resolver.Run(), []Part{PartTLS, PartMail}
	all := run.candidates(ctx, domain)
	parallel(all, func(candidate *FoundServer) {
		c := &check{Checker: &run, domain: domain}
		c.server(ctx, mailServer{candidate.Protocol, candidate.Server, ""})
		candidate.Wrong = slices.DeleteFunc(c.findings, func(f Finding) bool {
			return f.Severity != Error && f.Code != TLSConnect
		})
		if len(c.lost) > 0 || ctx.Err() != nil { // inconclusive
			candidate.Wrong = append(candidate.Wrong, Finding{Code: TLSConnect, Severity: Error})
		}
	})
	for _, protocol := range []settings.Protocol{settings.IMAP, settings.POP3, settings.SMTP} {
		if best := bestOf(all, protocol); best != nil {
			found = append(found, *best)
		}
	}
	return found
}

// candidates are the servers to try, best first.
func (k *Checker) candidates(ctx context.Context, domain string) (all []*FoundServer) {
	mx, _ := k.Resolver.Ask(ctx, domain, dns.TypeMX) // if it fails, the usual names are left
	for protocol, service := range mailServices {
		var announced, usual [2][]*FoundServer
		denied := false // "." says that there is no such service (RFC 2782)
		for i, security := range []settings.Security{settings.TLS, settings.STARTTLS} {
			label := []string{service.tls, service.starttls}[i]
			answer, _ := k.Resolver.Ask(ctx, label+"."+domain, dns.TypeSRV)
			denied = denied || len(answer.Records) > 0 && len(answer.Services()) == 0
			for _, srv := range answer.Services() {
				if len(announced[i]) < maxAnnounced {
					server := settings.Server{Host: probe.Host(srv.Target), Port: int(srv.Port), Security: security}
					announced[i] = append(announced[i], &FoundServer{Protocol: protocol, Server: server, Why: "SRV record"})
				}
			}
			for _, host := range usualHosts[protocol] {
				server := settings.Server{Host: host + "." + domain, Security: security}.Normalize(protocol)
				usual[i] = append(usual[i], &FoundServer{Protocol: protocol, Server: server, Why: "usual name"})
			}
			if host := mx.BestMX(); host != "" {
				server := settings.Server{Host: host, Security: security}.Normalize(protocol)
				usual[i] = append(usual[i], &FoundServer{Protocol: protocol, Server: server, Why: "MX record"})
			}
		}
		all = slices.Concat(all, announced[0], announced[1])
		if !denied {
			all = slices.Concat(all, usual[0], usual[1])
		}
	}
	return all
}

// bestOf is the first usable server of a protocol, else the first that answers, else nil.
func bestOf(all []*FoundServer, protocol settings.Protocol) *FoundServer {
	var answers *FoundServer
	for _, s := range all {
		switch {
		case s.Protocol != protocol:
		case len(s.Wrong) == 0:
			return s
		case answers == nil && !slices.ContainsFunc(s.Wrong, func(f Finding) bool { return f.Code == TLSConnect }):
			answers = s
		}
	}
	return answers
}
