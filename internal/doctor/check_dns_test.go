package doctor

import (
	"strings"
	"testing"
)

func TestAHealthyDomainHasNoFinding(t *testing.T) {
	t.Parallel()
	if r := newWorld(t).check(t); len(r.Findings) > 0 {
		t.Errorf("findings:\n%s", r.text())
	}
}

// broken is a world with one fault and the one finding that it gives.
type broken struct {
	code Code
	// fault breaks the world.
	fault func(t *testing.T, w *world)
	// seen is in what the finding says.
	seen string
	// mend does what the remedy says in words, where that isn't "publish these
	// records"; nil publishes the finding's records.
	mend func(t *testing.T, w *world)
}

const tcp = "._tcp.example.com"

var dnsFaults = []broken{
	{SRVMissing, func(t *testing.T, w *world) { w.remove(t, "_imaps"+tcp) }, "nothing", nil},
	{SRVNullMissing, func(t *testing.T, w *world) { w.remove(t, "_imap"+tcp) }, "nothing", nil},
	{SRVNotOffered, func(t *testing.T, w *world) { w.remove(t, "_imaps"+tcp); w.add("_imaps" + tcp + ". 300 SRV 0 0 0 .") }, "0 0 0 .", nil},
	{SRVOffered, func(t *testing.T, w *world) {
		w.remove(t, "_imap"+tcp)
		w.add("_imap" + tcp + ". 300 SRV 0 1 143 imap.example.com.")
		w.add("_imaps" + tcp + ". 300 SRV 0 1 993 imap.example.com.")
	}, "143 imap.example.com.", nil},
	{SRVDotMixed, func(_ *testing.T, w *world) { w.add("_imaps" + tcp + ". 300 SRV 0 0 0 .") }, "0 0 0 .", func(t *testing.T, w *world) {
		w.remove(t, "_imaps"+tcp)
		w.add("_imaps" + tcp + ". 300 SRV 0 1 993 imap.example.com.")
	}},
	{SRVUnresolvable, func(t *testing.T, w *world) { w.remove(t, "imap.example.com") }, "imap.example.com. doesn't exist", func(_ *testing.T, w *world) {
		w.add("imap.example.com. 300 A 192.0.2.1")
	}},
	{SRVTargetCNAME, func(t *testing.T, w *world) {
		w.remove(t, "imap.example.com")
		w.add("imap.example.com. 300 CNAME pop.example.com.")
	}, "is an alias of pop.example.com.", func(t *testing.T, w *world) {
		w.remove(t, "imap.example.com")
		w.add("imap.example.com. 300 A 192.0.2.1")
	}},
	{SRVTargetWrong, func(t *testing.T, w *world) {
		w.remove(t, "_imaps"+tcp)
		w.add("_imaps"+tcp+". 300 SRV 0 1 993 old.example.com.", "old.example.com. 300 A 192.0.2.9")
	}, "old.example.com.", nil},
	{SRVTargetForeign, func(t *testing.T, w *world) {
		w.remove(t, "_autodiscover"+tcp)
		w.add("_autodiscover"+tcp+". 300 SRV 0 1 443 mail.example.net.", "mail.example.net. 300 A 192.0.2.9")
	}, "mail.example.net.", func(t *testing.T, w *world) {
		w.remove(t, "_autodiscover"+tcp)
		w.add("_autodiscover" + tcp + ". 300 SRV 0 1 443 setup.example.com.")
	}},
	{SRVPortWrong, func(t *testing.T, w *world) {
		w.remove(t, "_pop3s"+tcp)
		w.add("_pop3s" + tcp + ". 300 SRV 10 1 110 pop.example.com.")
	}, "110 pop.example.com.", nil},
	{SRVPortUnusual, func(t *testing.T, w *world) {
		w.remove(t, "_autodiscover"+tcp)
		w.add("_autodiscover" + tcp + ". 300 SRV 0 1 8443 autoconfig.example.com.")
	}, "port 8443", func(t *testing.T, w *world) {
		w.remove(t, "_autodiscover"+tcp)
		w.add("_autodiscover" + tcp + ". 300 SRV 0 1 443 setup.example.com.")
	}},
	{SRVPreference, func(t *testing.T, w *world) {
		w.remove(t, "_pop3s"+tcp)
		w.add("_pop3s" + tcp + ". 300 SRV 0 1 995 pop.example.com.")
	}, "priority 0, with IMAP at 0", nil},
	{SRVCleartext, func(t *testing.T, w *world) {
		w.remove(t, "_submissions"+tcp)
		w.remove(t, "_submission"+tcp)
		w.add("_submissions"+tcp+". 300 SRV 5 1 465 smtp.example.com.", "_submission"+tcp+". 300 SRV 0 1 587 smtp.example.com.")
	}, "priority 0, with _submissions._tcp at 5", func(t *testing.T, w *world) {
		w.remove(t, "_submission"+tcp)
		w.add("_submission" + tcp + ". 300 SRV 10 1 587 smtp.example.com.")
	}},
	{SRVSubmissions, func(t *testing.T, w *world) {
		w.remove(t, "_submissions"+tcp)
		w.remove(t, "_submission"+tcp)
		w.add("_submission" + tcp + ". 300 SRV 0 1 587 smtp.example.com.")
	}, "nothing", nil},
	{SRVDuplicate, func(_ *testing.T, w *world) { w.add("_imaps" + tcp + ". 300 SRV 0 1 993 imap.example.com.") }, "0 1 993 imap.example.com.", func(t *testing.T, w *world) {
		w.remove(t, "_imaps"+tcp)
		w.add("_imaps" + tcp + ". 300 SRV 0 1 993 imap.example.com.")
	}},
	{DAVPath, func(t *testing.T, w *world) {
		w.remove(t, "_caldavs"+tcp, "TXT")
		w.add("_caldavs" + tcp + `. 300 TXT "path=/old"`)
	}, "path=/old", nil},
	{SRVTTL, func(t *testing.T, w *world) {
		w.remove(t, "_imaps"+tcp)
		w.add("_imaps" + tcp + ". 10 SRV 0 1 993 imap.example.com.")
	}, "10 seconds", func(t *testing.T, w *world) {
		w.remove(t, "_imaps"+tcp)
		w.add("_imaps" + tcp + ". 300 SRV 0 1 993 imap.example.com.")
	}},
	{SRVWildcard, func(_ *testing.T, w *world) {
		w.checker.Label = func() string { return "random" }
		w.add("_random" + tcp + ". 300 SRV 0 1 443 www.example.com.")
	}, "www.example.com.", func(t *testing.T, w *world) { w.remove(t, "_random"+tcp) }},
	{HostMissing, func(t *testing.T, w *world) { w.remove(t, "autoconfig.example.com") }, "doesn't exist", nil},
	{HostDangling, func(t *testing.T, w *world) {
		w.remove(t, "autodiscover.example.com")
		w.add("autodiscover.example.com. 300 CNAME gone.example.net.")
	}, "gone.example.net. doesn't exist", nil},
	{HostNotOurs, func(t *testing.T, w *world) {
		w.remove(t, "autoconfig.example.com")
		w.add("autoconfig.example.com. 300 A 192.0.2.99")
	}, "192.0.2.99", nil},
	{HostWildcard, func(t *testing.T, w *world) {
		w.checker.Label = func() string { return "random" }
		w.remove(t, "autoconfig.example.com")
		w.add("random.example.com. 300 A 192.0.2.99", "autoconfig.example.com. 300 A 192.0.2.99")
	}, "192.0.2.99", nil},
	{DNSServerFailed, func(_ *testing.T, w *world) { delete(w.routes, "192.0.2.53:53") }, "connection refused", func(_ *testing.T, w *world) {
		w.routes["192.0.2.53:53"] = w.dns.Addr
	}},
	{PolicyMisleads, func(_ *testing.T, w *world) { w.plan.Misled = 2 }, "2 accounts with another protocol than IMAP", func(_ *testing.T, w *world) { w.plan.Misled = 0 }},
	{PolicyServerless, func(_ *testing.T, w *world) { w.plan.Serverless = 3 }, "3 accounts whose protocol has no server", func(_ *testing.T, w *world) { w.plan.Serverless = 0 }},
	{DNSSECUnsigned, func(_ *testing.T, w *world) { w.checker.Resolver.Trusted = true }, "", func(_ *testing.T, w *world) {
		w.checker.Resolver.Trusted = false // with a signed zone: TestSignedZone
	}},
}

func TestEveryFaultInTheDNSIsFoundAndMended(t *testing.T) {
	t.Parallel()
	for _, b := range dnsFaults {
		t.Run(string(b.code), func(t *testing.T) {
			t.Parallel()
			b.test(t, newWorld(t))
		})
	}
}

func (b broken) test(t *testing.T, w *world) {
	t.Helper()
	b.fault(t, w)
	r := w.check(t)
	found := r.with(b.code)
	if len(found) == 0 || !strings.Contains(found[0].Seen, b.seen) || found[0].Remedy == "" || found[0].Subject == "" {
		t.Fatalf("not found:\n%s", r.text())
	}
	if b.mend != nil {
		b.mend(t, w)
	} else {
		w.mend(found[0])
	}
	if r := w.check(t); len(r.with(b.code)) > 0 {
		t.Errorf("still there:\n%s", r.text())
	}
}
