package doctor

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/doctor/probe"
	"autoconfig/internal/testkit"
	"autoconfig/policy"
	"autoconfig/settings"
)

// world is a domain with everything around it, on addresses that aren't ours and
// lead to servers of the test.
type world struct {
	checker *Checker
	dns     *testkit.DNS
	plan    Plan
	records []string
	routes  map[string]string // address:port to what listens for it
	ca      *testkit.CA       // of its servers, if it has any
}

// paccDocument is what the world's service serves.
const paccDocument = `{"protocols":{"imap":{"host":"imap.example.com"},"submit":{"host":"smtp.example.com"}}}`

// newWorld is a world in which everything is right.
func newWorld(t *testing.T) *world {
	t.Helper()
	server := func(host string) policy.ServerList { return list(settings.Server{Host: host}) }
	p := plan(t, policy.Domain{Name: "example.com", Offer: policy.Offer{
		Servers:  policy.Servers{IMAP: server("imap.example.com"), POP3: server("pop.example.com"), SMTP: server("smtp.example.com")},
		Policy:   policy.Policy{Rules: []policy.Rule{{Name: "small", Match: policy.Match{Devices: policy.OneDevice}, Protocol: settings.POP3}}},
		Services: settings.Services{CalDAV: "https://dav.example.com/calendars/"},
	}})
	p.Host, p.Documents = "setup.example.com", [][]byte{[]byte(paccDocument)}
	w := &world{plan: p, routes: map[string]string{}, records: []string{
		"example.com. 300 SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 60",
		"example.com. 300 NS ns.example.com.",
		"example.com. 300 MX 10 mx.example.com.",
		"ns.example.com. 300 A 192.0.2.53", "mx.example.com. 300 A 192.0.2.25", "setup.example.com. 300 A 192.0.2.80",
		"imap.example.com. 300 A 192.0.2.1", "pop.example.com. 300 A 192.0.2.1", "smtp.example.com. 300 A 192.0.2.1",
		"dav.example.com. 300 A 192.0.2.1",
	}}
	for _, r := range p.Records() {
		w.records = append(w.records, r.String())
	}
	w.dns = testkit.StartDNS(t, "127.0.0.1:0", w.records...)
	w.routes["192.0.2.53:53"] = w.dns.Addr
	w.checker = &Checker{Only: []Part{PartDNS}, Prober: probe.Prober{
		Resolver: &probe.Resolver{Servers: []string{w.dns.Addr}, Timeout: time.Minute},
		Dialer:   probe.Dialer{Policy: probe.DialPolicy{Allowed: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}, Connect: w.connect},
		Now:      func() time.Time { return time.Now() },
	}}
	return w
}

func (w *world) connect(ctx context.Context, network, address string) (net.Conn, error) {
	to, ok := w.routes[address]
	if !ok {
		return nil, fmt.Errorf("dial %s: connection refused", address)
	}
	return new(net.Dialer).DialContext(ctx, network, to)
}

// remove takes the records at an owner (and type, if given) away.
func (w *world) remove(t *testing.T, owner string, kinds ...string) {
	t.Helper()
	before := len(w.records)
	w.records = slices.DeleteFunc(w.records, func(line string) bool {
		fields := strings.Fields(line)
		return fields[0] == owner+"." && (len(kinds) == 0 || slices.ContainsFunc(kinds, func(k string) bool { return slices.Contains(fields, k) }))
	})
	if before == len(w.records) {
		t.Fatalf("there is nothing at %s to remove", owner)
	}
}

func (w *world) add(lines ...string) { w.records = append(w.records, lines...) }

// check publishes the world's records and checks the domain.
func (w *world) check(t *testing.T) Report {
	t.Helper()
	w.dns.Set(t, w.records...)
	return w.checker.Check(t.Context(), "example.com", &w.plan)
}

// mend publishes what a finding says.
func (w *world) mend(f Finding) {
	for _, r := range f.Records {
		w.records = slices.DeleteFunc(w.records, func(line string) bool {
			fields := strings.Fields(line)
			return fields[0] == r.Name && (slices.Contains(fields, r.Type) || r.Type == "CNAME")
		})
	}
	for _, r := range f.Records {
		w.records = append(w.records, r.String())
	}
}

func (r Report) with(code Code) []Finding {
	return slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool { return f.Code != code })
}

func (r Report) text() string {
	var b strings.Builder
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "%-8s%s %s: %s; expected %s\n", f.Severity, f.Code, f.Subject, f.Seen, f.Expected)
	}
	return b.String()
}
