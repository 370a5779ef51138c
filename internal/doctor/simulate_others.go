package doctor

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/miekg/dns"

	"autoconfig/autodiscover"
	"autoconfig/mobileconfig"
	"autoconfig/settings"
)

func isWellFormed(body []byte) bool {
	d := xml.NewDecoder(bytes.NewReader(body))
	elements := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return elements > 0
		}
		if err != nil {
			return false
		}
		switch token := token.(type) {
		case xml.StartElement:
			elements++
		case xml.Directive: // Go's reader takes HTML's as well, which is no XML
			if !bytes.HasPrefix(token, []byte("DOCTYPE")) {
				return false
			}
		}
	}
}

// post is Autodiscover's request.
func (w *walk) post(u string) request {
	return request{http.MethodPost, u, poxRequest(w.address.String()), map[string]string{"Content-Type": "text/xml; charset=utf-8"}}
}

// thunderbirdPOX: the first of four that answers counts; an error answer too.
func (w *walk) thunderbirdPOX(ctx context.Context) *Setup {
	urls := []string{"https://autodiscover." + w.domain + poxFile, "https://" + w.domain + poxFile, "http://autodiscover." + w.domain + poxFile}
	if target := w.autodiscoverSRV(ctx, func(a, b *dns.SRV) int { return int(a.Weight) - int(b.Weight) }); target != "" {
		urls = append(urls, "https://"+target+poxFile) // the port is ignored
	}
	var taken *Setup
	ended := false
	for _, u := range urls {
		p, answer, ok := w.ask(ctx, w.post(u))
		switch {
		case ended:
			w.step("POST "+u, answer, "asked as well, not needed")
			continue
		case !ok || p.status != http.StatusOK || !p.isXML():
			w.step("POST "+u, answer, "goes on")
			continue
		}
		reply, err := autodiscover.ParseResponse(p.body)
		if err != nil {
			w.step("POST "+u, answer, "goes on: "+err.Error())
			continue
		}
		ended = true
		if reply.Error != nil {
			w.step("POST "+u, answer, "takes it for an answer: error "+reply.Error.Code.String())
			continue
		}
		if taken = w.fromPOX(reply, []string{"IMAP", "POP3"}); taken == nil {
			w.step("POST "+u, answer, "finds no IMAP or POP3 in it")
			continue
		}
		taken.Origin = u
		for _, e := range []*Endpoint{&taken.Incoming, &taken.Outgoing} {
			e.Username = mangled(e.Username)
		}
		w.step("POST "+u, answer, "keeps it, in case no autoconfig is found: "+describe(taken))
	}
	return taken
}

// autodiscoverSRV is the target of the best record.
func (w *walk) autodiscoverSRV(ctx context.Context, order func(a, b *dns.SRV) int) string {
	name := "_autodiscover._tcp." + w.domain
	answer, err := w.Resolver.Ask(ctx, name, dns.TypeSRV)
	if err != nil {
		w.step("SRV "+name, err.Error(), "goes on without")
		return ""
	}
	var targets []*dns.SRV
	for _, rr := range answer.Records {
		if srv := rr.(*dns.SRV); srv.Target != "." {
			targets = append(targets, srv)
		}
	}
	if len(targets) == 0 {
		w.step("SRV "+name, "nothing", "goes on without")
		return ""
	}
	target := strings.ToLower(strings.TrimSuffix(slices.MinFunc(targets, order).Target, "."))
	verdict := "asks there"
	if !dns.IsSubDomain(dns.Fqdn(w.domain), dns.Fqdn(target)) {
		verdict = "asks there, if the person agrees"
		w.note("The SRV record leads out of the domain to %s: the program asks the person to agree.", target)
	}
	w.step("SRV "+name, texts(answer.Records), verdict)
	return target
}

// fromPOX makes an account of a reply: the first of the types, in its order.
func (w *walk) fromPOX(reply *autodiscover.Response, accepted []string) *Setup {
	s := &Setup{}
	for _, p := range reply.Protocols {
		if p.Port == "" || p.Server == "" {
			continue
		}
		e := Endpoint{Host: strings.ToLower(p.Server), Port: p.Port, Security: poxSecurity(p), Auth: "password", Username: p.LoginName}
		if e.Username == "" {
			e.Username = w.address.String()
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
func (w *walk) outlook(ctx context.Context) *Setup {
	w.note("Outlook 2016 and later asks Microsoft's AutoDetect first, and may never come this far; the new Outlook never does.")
	urls := []string{"https://" + w.domain + poxFile, "https://autodiscover." + w.domain + poxFile}
	if setup := w.outlookPOX(ctx, urls); setup != nil {
		return setup
	}
	plain := "http://autodiscover." + w.domain + poxFile
	p, answer, ok := w.get(ctx, plain)
	if ok && len(p.hops) > 0 && strings.HasPrefix(p.hops[0], "https:") {
		w.step("GET "+plain, answer, "follows to "+p.hops[0]+", if the person agrees")
		if setup := w.outlookPOX(ctx, p.hops[:1]); setup != nil {
			return setup
		}
	} else {
		w.step("GET "+plain, answer, "goes on: only a redirect to https counts")
	}
	if target := w.autodiscoverSRV(ctx, func(a, b *dns.SRV) int { return int(a.Priority) - int(b.Priority) }); target != "" {
		return w.outlookPOX(ctx, []string{"https://" + target + poxFile})
	}
	return nil
}

func (w *walk) outlookPOX(ctx context.Context, urls []string) *Setup {
	for _, u := range urls {
		p, answer, ok := w.ask(ctx, w.post(u))
		if !ok || p.status != http.StatusOK {
			w.step("POST "+u, answer, "goes on")
			continue
		}
		reply, err := autodiscover.ParseResponse(p.body)
		if err != nil || reply.Error != nil {
			w.step("POST "+u, answer, "goes on: no settings in it")
			continue
		}
		if setup := w.fromPOX(reply, []string{"IMAP", "POP3"}); setup != nil {
			setup.Origin = u
			w.step("POST "+u, answer, "takes it: "+describe(setup))
			return setup
		}
		w.step("POST "+u, answer, "goes on: neither IMAP nor POP3 in it")
	}
	return nil
}

// apple asks nothing: the person opens a profile.
func (w *walk) apple(ctx context.Context) *Setup {
	if w.profileHost == "" {
		w.result.Why = "it asks the domain nothing, and no profile of it is known here"
		return nil
	}
	u := "https://" + w.profileHost + "/email.mobileconfig?emailaddress=" + url.QueryEscape(w.address.String())
	p, answer, ok := w.get(ctx, u)
	if !ok || p.status != http.StatusOK || p.header.Get("Content-Type") != mobileconfig.MediaType {
		w.step("GET "+u, answer, "doesn't offer to install it")
		return nil
	}
	profile, err := mobileconfig.Parse(p.body)
	if err != nil {
		w.step("GET "+u, answer, err.Error())
		return nil
	}
	side := func(s mobileconfig.Endpoint) Endpoint {
		security := settings.None
		if s.UseSSL {
			security = settings.TLS
		}
		return Endpoint{s.Host, strconv.Itoa(s.Port), security, s.Authentication, s.Username}
	}
	s := &Setup{Protocol: profile.Protocol, Incoming: side(profile.Incoming), Outgoing: side(profile.Outgoing), Origin: u}
	w.step("GET "+u, answer, "the person installs it: "+describe(s))
	if !profile.Signed {
		w.note("The profile isn't signed: the device says so.")
	}
	return s
}

// fairemail believes SRV before autoconfig, and knows IMAP only.
func (w *walk) fairemail(ctx context.Context) *Setup {
	if setup := w.fairemailSRV(ctx); setup != nil {
		return setup
	}
	r := reading{protocols: []settings.Protocol{settings.IMAP}, firstOnly: true, only: true, anyAuth: true}
	d, q := w.domain, w.rawQuery()
	setup, _ := w.tries(ctx, []string{
		"https://autoconfig." + d + configFile + q, "https://" + d + wellKnown + q,
		"http://autoconfig." + d + configFile + q, "http://" + d + wellKnown + q, database + d,
	}, r, never)
	if setup != nil {
		return setup
	}
	for _, host := range []string{d, "autodiscover." + d} {
		u := "https://" + host + poxFile
		p, answer, ok := w.ask(ctx, request{http.MethodPost, u, poxRequest(w.address.String()), map[string]string{"Content-Type": "application/x-www-form-urlencoded"}})
		if ok && p.status == http.StatusOK {
			if reply, err := autodiscover.ParseResponse(p.body); err == nil && reply.Error == nil {
				if setup := w.fromPOX(reply, []string{"IMAP"}); setup != nil && setup.Outgoing.Host != "" {
					setup.Origin = u
					w.step("POST "+u, answer, "takes it: "+describe(setup))
					return setup
				}
			}
		}
		w.step("POST "+u, answer, "goes on")
	}
	return nil
}

func (w *walk) fairemailSRV(ctx context.Context) *Setup {
	best := func(labels ...string) (*dns.SRV, settings.Security) {
		for i, label := range labels {
			name := label + "." + w.domain
			answer, err := w.Resolver.Ask(ctx, name, dns.TypeSRV)
			if err != nil {
				w.step("SRV "+name, err.Error(), "goes on")
				continue
			}
			var targets []*dns.SRV
			for _, rr := range answer.Records {
				if srv := rr.(*dns.SRV); srv.Target != "." {
					targets = append(targets, srv)
				}
			}
			if len(targets) > 0 {
				w.step("SRV "+name, texts(answer.Records), "keeps it")
				return slices.MinFunc(targets, func(a, b *dns.SRV) int { return int(a.Priority) - int(b.Priority) }), []settings.Security{settings.TLS, settings.STARTTLS}[i]
			}
			w.step("SRV "+name, "nothing", "goes on")
		}
		return nil, ""
	}
	in, inSecurity := best("_imaps._tcp", "_imap._tcp")
	out, outSecurity := best("_submissions._tcp", "_submission._tcp")
	if in == nil || out == nil {
		return nil // it needs both
	}
	side := func(s *dns.SRV, security settings.Security) Endpoint {
		return Endpoint{strings.ToLower(strings.TrimSuffix(s.Target, ".")), strconv.Itoa(int(s.Port)), security, "", w.address.String()}
	}
	return &Setup{Protocol: settings.IMAP, Incoming: side(in, inSecurity), Outgoing: side(out, outSecurity), Origin: "SRV"}
}
