package doctor

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"
	"pgregory.net/rapid"

	"autoconfig/policy"
	"autoconfig/policy/policytest"
	"autoconfig/settings"
)

var update = flag.Bool("update", false, "write what the tests compare with")

func plan(t testing.TB, domain policy.Domain) Plan {
	t.Helper()
	site := policy.Site{Domains: []policy.Domain{domain}}.Normalize()
	if err := site.Check().Err(); err != nil {
		t.Fatal(err)
	}
	terms, _ := site.Terms(domain.Name)
	return Plan{Domain: domain.Name, Host: "setup.example.net", Terms: terms, Given: terms.Given()}
}

func list(servers ...settings.Server) policy.ServerList { return servers }

func TestRecords(t *testing.T) {
	t.Parallel()
	both := policy.Servers{IMAP: list(settings.Server{Host: "imap.example.com"}), POP3: list(settings.Server{Host: "pop.example.com"}), SMTP: list(settings.Server{Host: "smtp.example.com"})}
	plans := map[string]Plan{}
	add := func(name string, servers policy.Servers, change func(*policy.Domain, *Plan)) {
		d := policy.Domain{Name: "example.com", Offer: policy.Offer{Servers: servers}}
		var extra Plan
		if change != nil {
			change(&d, &extra)
		}
		p := plan(t, d)
		p.Documents = extra.Documents
		p.Given = append(p.Given, extra.Given...)
		if extra.Host != "" {
			p.Host = extra.Host
		}
		plans[name] = p
	}
	add("imap", both, nil)
	add("imap-and-pop3", both, func(_ *policy.Domain, p *Plan) { p.Given = []settings.Protocol{settings.POP3} })
	add("pop3", policy.Servers{POP3: both.POP3, SMTP: both.SMTP}, nil)
	add("several", policy.Servers{
		IMAP: list(settings.Server{Host: "a.example.com", Security: settings.STARTTLS}, settings.Server{Host: "b.example.com"}, settings.Server{Host: "c.example.com", Port: 1993}),
		SMTP: list(settings.Server{Host: "smtp.example.com", Security: settings.STARTTLS}, settings.Server{Host: "plain.example.com", Port: 25, Security: settings.None, AllowPlaintext: true}),
	}, nil)
	add("services", both, func(d *policy.Domain, p *Plan) {
		d.Services = settings.Services{
			CalDAV: "https://dav.example.com/", CardDAV: `https://dav.example.com:8443/"contacts"/`, JMAP: "https://jmap.example.com/session",
			ManageSieve: &settings.Server{Host: "imap.example.com"},
		}
		p.Documents = [][]byte{[]byte("{}")}
		p.Host = "autoconfig.example.com"
	})
	for name, p := range plans {
		for _, format := range []Format{FormatZone, FormatJSON, FormatOctoDNS, FormatNSUpdate} {
			got, err := Write(format, p.Domain, p.Records())
			if err != nil {
				t.Fatal(err)
			}
			if name != "services" && format != FormatZone {
				continue // one golden of each other format is enough
			}
			file := filepath.Join("testdata/records", name+"."+string(format))
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want, err := os.ReadFile(file); err != nil || string(got) != string(want) {
				t.Errorf("%s: %v, got\n%s", file, err, got)
			}
		}
	}
	if _, err := Write("bind", "example.com", nil); err == nil || !strings.Contains(err.Error(), "use zone, json, octodns or nsupdate") {
		t.Errorf("an unknown format: %v", err)
	}
}

// Whatever the site, the records are legal, none is there twice, no special name
// is both an alias and something else, the default has the lowest priority, and
// implicit TLS comes before STARTTLS.
func TestRecordsOfEveryLegalSite(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		site := policytest.Site().Draw(t, "site")
		domain := rapid.SampledFrom([]string{"example.com", "example.net"}).Draw(t, "domain")
		terms, _ := site.Terms(domain)
		p := Plan{Domain: domain, Host: rapid.SampledFrom([]string{"setup.example.net", "autoconfig.example.com", "192.0.2.1", "2001:db8::1"}).Draw(t, "host"), Terms: terms, Documents: [][]byte{[]byte("x"), []byte("y")}}
		if rapid.Bool().Draw(t, "others") {
			p.Given = terms.Given(settings.IMAP, settings.POP3)
		}
		records := p.Records()
		seen := map[string]bool{}
		lowest := map[settings.Protocol]int{}
		for _, r := range records {
			rr, err := r.rr()
			if err != nil || rr == nil || !dns.IsSubDomain(dns.Fqdn(domain), rr.Header().Name) || seen[r.String()] {
				t.Fatalf("%s: %v", r, err)
			}
			seen[r.String()] = true
			srv, ok := rr.(*dns.SRV)
			if !ok || srv.Target == "." {
				continue
			}
			for protocol, names := range mailServices {
				if label := strings.TrimSuffix(r.Name, "."+dns.Fqdn(domain)); label == names.tls || label == names.starttls {
					if have, found := lowest[protocol]; !found || int(srv.Priority) < have {
						lowest[protocol] = int(srv.Priority)
					}
				}
			}
		}
		first := terms.DefaultProtocol()
		for _, incoming := range []settings.Protocol{settings.IMAP, settings.POP3} {
			if n, found := lowest[incoming]; found && incoming != first && n <= lowest[first] {
				t.Fatalf("%s has %d, the default %s %d:\n%s", incoming, n, first, lowest[first], writeZone(domain, records))
			}
		}
	})
}
