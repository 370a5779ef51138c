package doctor

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"autoconfig/internal/doctor/probe"
	"autoconfig/internal/testkit"
	"autoconfig/pacc"
)

// A healthy domain on real servers: signed by BIND, validated by Unbound. What
// leads out of a signed domain may be believed; what isn't validated is
// inconclusive, not missing.
func TestASignedZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bind := w.startSignedZone(t)

	check := func(anchors bool) Report {
		w.checker.Resolver = &probe.Resolver{Servers: []string{testkit.StartUnbound(t, bind, anchors, "example.com")}, Trusted: true}
		return w.checker.Check(t.Context(), "example.com", &w.plan)
	}
	if r := check(true); len(r.Findings) > 0 {
		t.Errorf("a healthy signed zone:\n%s", r.text())
	}
	answer, err := w.checker.Resolver.Ask(t.Context(), "_imaps._tcp.example.com", dns.TypeSRV)
	if err != nil || !answer.Authentic {
		t.Errorf("not authentic: %+v %v", answer, err)
	}
	w.checker.Resolver.Trusted = false
	if answer, err := w.checker.Resolver.Ask(t.Context(), "_imaps._tcp.example.com", dns.TypeSRV); err != nil || answer.Authentic {
		t.Errorf("authentic by a resolver that isn't trusted: %v", err)
	}
	r := check(false)
	if failed := r.with(DNSLookupFailed); len(failed) < len(srvPorts) || len(failed) != len(r.Findings) || !strings.Contains(failed[0].Seen, "SERVFAIL") {
		t.Errorf("bogus signatures:\n%s", r.text())
	}
}

// startSignedZone serves the world's records by BIND.
func (w *world) startSignedZone(t *testing.T) *testkit.BIND {
	t.Helper()
	var zone strings.Builder
	for _, line := range w.records {
		fields := strings.Fields(line)
		inside := strings.HasSuffix(fields[0], ".example.com.") || fields[0] == "example.com." && fields[2] == "A"
		if inside && fields[0] != "ns.example.com." {
			zone.WriteString(line + "\n")
		}
	}
	bind := testkit.StartSignedBIND(t, "127.0.0.1:0", map[string]string{"example.com": zone.String() + "@ MX 10 mx\n"})
	w.routes["127.0.0.1:53"] = bind.Addr // ns.example.com, in its zone
	w.checker.Dialer.Policy.Allowed = append(w.checker.Dialer.Policy.Allowed, netip.MustParsePrefix("127.0.0.0/8"))
	return bind
}

// Every part of a check at once, on real servers: BIND and Unbound with a signed
// zone, Dovecot, Postfix, and web servers with what this service answers.
func TestAHealthyDomainOnRealServersHasNoFinding(t *testing.T) {
	t.Parallel()
	w := newWebWorld(t)
	w.sites["https://ua-auto-config.example.com"] = only(pacc.Path, say(http.StatusOK, "application/json", paccDocument), http.NotFound)
	w.startMailServers(t, "", "")
	w.checker.Only = nil
	bind := w.startSignedZone(t)
	w.checker.Resolver = &probe.Resolver{Servers: []string{testkit.StartUnbound(t, bind, true, "example.com")}, Trusted: true}
	r := w.checker.Check(t.Context(), "example.com", &w.plan)
	if len(r.Findings) > 0 {
		t.Errorf("findings:\n%s", r.text())
	}
	if r.CertificateDays == nil {
		t.Error("no certificate was looked at")
	}
}

// An unsigned zone of the same servers is said to be one.
func TestAnUnsignedZone(t *testing.T) {
	t.Parallel()
	bind := testkit.StartBIND(t, "127.0.0.1:0", map[string]string{"example.com": ""})
	c := &Checker{Only: []Part{PartDNS}, Prober: probe.Prober{
		Resolver: &probe.Resolver{Servers: []string{testkit.StartUnbound(t, bind, true, "example.com")}, Trusted: true},
	}}
	c.Dialer.Policy.Allowed = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	if r := c.Check(t.Context(), "example.com", nil); len(r.with(DNSSECUnsigned)) != 1 {
		t.Errorf("findings:\n%s", r.text())
	}
}
