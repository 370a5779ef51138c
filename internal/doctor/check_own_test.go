package doctor

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"autoconfig/policy"
	"autoconfig/settings"
)

// ownWorld publishes exactly the records of a plan, in a zone with the addresses of the
// hosts that they lead to, and nothing else.
func ownWorld(t *testing.T, p Plan, hosts ...string) *world {
	t.Helper()
	w := newWorld(t)
	w.plan = p
	w.records = []string{
		p.Domain + ". 300 SOA ns.example.net. hostmaster.example.net. 1 3600 600 86400 60", p.Domain + ". 300 NS ns.example.net.", "ns.example.net. 300 A 192.0.2.53",
	}
	w.add(hosts...)
	for _, r := range p.Records() {
		w.add(r.String())
	}
	w.dns.Set(t, w.records...)
	return w
}

// What we say to publish is never warned of, whatever the policy is.
func TestOurOwnRecordsAreNoWarning(t *testing.T) {
	t.Parallel()
	server := func(host string, port int, security settings.Security) policy.ServerList {
		return list(settings.Server{Host: host, Port: port, Security: security})
	}
	hoster := policy.Servers{
		IMAP: server("imap.hoster.example", 993, settings.TLS), POP3: server("pop.hoster.example", 995, settings.TLS),
		SMTP: server("smtp.hoster.example", 465, settings.TLS),
	}
	const hosts = "imap.hoster.example. 300 A 192.0.2.1\npop.hoster.example. 300 A 192.0.2.1\nsmtp.hoster.example. 300 A 192.0.2.1\ndav.hoster.example. 300 A 192.0.2.1\n" +
		"mail.shop.example. 300 A 192.0.2.1\nsetup.hoster.example. 300 A 192.0.2.80\nautoconfig.shop.example. 300 A 192.0.2.80"
	for name, c := range map[string]struct {
		offer policy.Offer
		host  string // of this service
		plan  func(*Plan)
		hosts string
	}{
		"on the hoster's hosts":    {offer: policy.Offer{Servers: hoster}},
		"on hosts of its own":      {offer: policy.Offer{Servers: policy.Servers{IMAP: server("mail.shop.example", 993, settings.TLS), SMTP: server("mail.shop.example", 465, settings.TLS)}}},
		"POP3 alone":               {offer: policy.Offer{Servers: policy.Servers{POP3: hoster.POP3, SMTP: hoster.SMTP}}},
		"STARTTLS":                 {offer: policy.Offer{Servers: policy.Servers{IMAP: server("imap.hoster.example", 143, settings.STARTTLS), SMTP: server("smtp.hoster.example", 587, settings.STARTTLS)}}},
		"TLS and STARTTLS":         {offer: policy.Offer{Servers: policy.Servers{IMAP: append(slices.Clone(hoster.IMAP), server("imap.hoster.example", 143, settings.STARTTLS)...), SMTP: append(server("smtp.hoster.example", 587, settings.STARTTLS), hoster.SMTP...)}}},
		"ports of their own":       {offer: policy.Offer{Servers: policy.Servers{IMAP: server("imap.hoster.example", 9993, settings.TLS), SMTP: server("smtp.hoster.example", 2465, settings.TLS)}}},
		"calendars":                {offer: policy.Offer{Servers: hoster, Services: settings.Services{CalDAV: "https://dav.hoster.example:8443/a b;\"c/", CardDAV: "https://dav.hoster.example/", JMAP: "https://dav.hoster.example/jmap"}}},
		"ManageSieve":              {offer: policy.Offer{Servers: hoster, Services: settings.Services{ManageSieve: &settings.Server{Host: "imap.hoster.example", Port: 4190, Security: settings.STARTTLS}}}},
		"both protocols":           {offer: policy.Offer{Servers: hoster}, plan: func(p *Plan) { p.Given = []settings.Protocol{settings.IMAP, settings.POP3}; p.Misled = 2 }},
		"a PACC document":          {offer: policy.Offer{Servers: hoster}, plan: func(p *Plan) { p.Documents = [][]byte{[]byte("one"), []byte("two")} }},
		"the service's own domain": {offer: policy.Offer{Servers: hoster}, host: "autoconfig.shop.example"},
		"a host that is an alias":  {offer: policy.Offer{Servers: hoster}, hosts: strings.NewReplacer("imap.hoster.example. 300 A 192.0.2.1", "imap.hoster.example. 300 CNAME pop.hoster.example.", "setup.hoster.example. 300 A 192.0.2.80", "setup.hoster.example. 300 CNAME www.hoster.example.\nwww.hoster.example. 300 A 192.0.2.80").Replace(hosts)},
		"a wildcard beside them":   {offer: policy.Offer{Servers: hoster}, hosts: hosts + "\nrandom.shop.example. 300 A 192.0.2.99"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := plan(t, policy.Domain{Name: "shop.example", Offer: c.offer})
			p.Host = "setup.hoster.example"
			if c.host != "" {
				p.Host = c.host
			}
			if c.plan != nil {
				c.plan(&p)
			}
			if c.hosts == "" {
				c.hosts = hosts
			}
			w := ownWorld(t, p, strings.Split(c.hosts, "\n")...)
			w.checker.Label = func() string { return "random" }
			r := w.checker.Check(t.Context(), "shop.example", &p)
			if slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity != Info }) {
				t.Errorf("findings:\n%s", r.text())
			}
			for _, f := range r.with(SRVTargetForeign) {
				if !strings.Contains(f.Remedy, "Nothing") {
					t.Errorf("%s is to be mended by %q", f.Subject, f.Remedy)
				}
			}
		})
	}
}

// Where somebody else's records lead out of the domain, it stays a warning.
func TestForeignTargetsOfOthersAreAWarning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.remove(t, "_imaps"+tcp)
	w.remove(t, "_autodiscover"+tcp)
	w.add("_imaps"+tcp+". 300 SRV 0 1 993 mail.example.net.", "mail.example.net. 300 A 192.0.2.9", "_autodiscover"+tcp+". 300 SRV 0 1 443 mail.example.net.")
	w.dns.Set(t, w.records...)
	r := w.checker.Check(t.Context(), "example.com", nil)
	severities := map[string]Severity{}
	for _, f := range r.with(SRVTargetForeign) {
		severities[strings.TrimSuffix(f.Subject, tcp+". SRV")] = f.Severity
	}
	if severities["_imaps"] != Warning || severities["_autodiscover"] != Info || len(severities) != 2 {
		t.Errorf("findings:\n%s", r.text())
	}
}

// Without a published digest nobody asks for PACC: whatever else of it is missing is
// information. With one, it is an error.
func TestPACCWithoutItsDigestIsInformation(t *testing.T) {
	t.Parallel()
	const name = "ua-auto-config.example.com"
	for what, fault := range map[string]func(*testing.T, *world){
		"missing":  func(t *testing.T, w *world) { w.remove(t, name) },
		"dangling": func(t *testing.T, w *world) { w.remove(t, name); w.add(name + ". 300 CNAME gone.example.net.") },
		"not ours": func(t *testing.T, w *world) { w.remove(t, name); w.add(name + ". 300 A 192.0.2.99") },
		"a wildcard": func(t *testing.T, w *world) {
			w.remove(t, name)
			w.add(name+". 300 A 192.0.2.99", "random.example.com. 300 A 192.0.2.99")
		},
	} {
		for _, digest := range []bool{true, false} {
			t.Run(what, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.checker.Label = func() string { return "random" }
				w.checker.Only = []Part{PartDNS, PartPACC}
				fault(t, w)
				if !digest {
					w.remove(t, "_ua-auto-config.example.com")
				}
				r := w.check(t)
				if worst := r.Worst(); len(r.Findings) == 0 || digest && worst != Error || !digest && worst != Info {
					t.Errorf("with a digest: %v\n%s", digest, r.text())
				}
				if digest || what != "dangling" {
					return
				}
				if r := w.checker.Check(t.Context(), "example.com", nil); len(r.with(HostDangling)) != 1 || r.Worst() != Info {
					t.Errorf("of somebody else's domain:\n%s", r.text())
				}
			})
		}
	}
}

// Without an address of the service itself nothing works: the record to paste has the
// addresses that are known, and mends the names that lead there too.
func TestTheServicesOwnNameIsMissing(t *testing.T) {
	t.Parallel()
	for _, host := range []string{"setup.example.com", "autoconfig.example.com"} {
		t.Run(host, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.remove(t, "setup.example.com")
			for _, name := range []string{"autoconfig.example.com", "autodiscover.example.com", "ua-auto-config.example.com"} {
				w.remove(t, name)
			}
			w.remove(t, "_autodiscover"+tcp)
			w.plan.Host = host
			for _, r := range w.plan.Records() {
				if r.Type == "CNAME" || strings.HasPrefix(r.Name, "_autodiscover") {
					w.add(r.String())
				}
			}
			w.plan.Addresses = []netip.Addr{netip.MustParseAddr("192.0.2.80"), netip.MustParseAddr("2001:db8::80")}
			r := w.check(t)
			found := r.with(HostMissing)
			if len(found) != 1 || found[0].Subject != host+"." || datas(found[0].Records) != "192.0.2.80; 2001:db8::80" || found[0].Records[1].Type != "AAAA" || found[0].Severity != Error {
				t.Fatalf("findings:\n%s", r.text())
			}
			w.mend(found[0])
			if r := w.check(t); len(r.Findings) > 0 {
				t.Errorf("still there:\n%s", r.text())
			}
			// Where no address is known, the record says what belongs there.
			w.plan.Addresses = nil
			w.remove(t, host)
			if found := w.check(t).with(HostMissing); len(found) != 1 || len(found[0].Records) != 1 || found[0].Records[0].Data != "<the address of "+host+">" {
				t.Errorf("%+v", found)
			}
		})
	}
}

// Every finding about a record has the record to paste, but those that are mended by
// taking something away or by other means.
func TestFindingsAboutRecordsHaveTheRecord(t *testing.T) {
	t.Parallel()
	for _, b := range dnsFaults {
		for _, served := range []bool{true, false} {
			t.Run(string(b.code), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				b.fault(t, w)
				w.dns.Set(t, w.records...)
				plan := &w.plan
				if !served {
					plan = nil
				}
				for _, f := range w.checker.Check(t.Context(), "example.com", plan).Findings {
					_, kind, record := strings.Cut(f.Subject, " ")
					without := slices.Contains([]Code{SRVWildcard, DNSDisagree}, f.Code) || !served && f.Code == HostDangling
					host := strings.HasPrefix(string(f.Code), "HOST-")
					if (record || host) && !without && len(f.Records) == 0 {
						t.Errorf("%s of a %s record has none to paste", f.Code, kind)
					}
				}
			})
		}
	}
}

func TestADomainWithoutMX(t *testing.T) {
	t.Parallel()
	for _, mx := range []string{"", "0 ."} {
		w := newWorld(t)
		w.records = slices.DeleteFunc(w.records, func(line string) bool { return strings.Contains(line, " MX ") })
		if mx != "" {
			w.add("example.com. 300 MX " + mx)
		}
		found := w.check(t).with(MXMissing)
		if len(found) != 1 || found[0].Severity != Info || found[0].Records[0].Type != "MX" || !strings.Contains(found[0].Seen, mx) {
			t.Errorf("%q: %+v", mx, found)
		}
	}
}
