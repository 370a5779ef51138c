package directory

import (
	"fmt"
	"runtime"
	"testing"

	"autoconfig/policy"
	"autoconfig/settings"
)

// terms are those of a domain on the plan that all tests have.
func terms(name string, change ...func(*policy.Domain)) *policy.Terms {
	domain := policy.Domain{Name: name, Plan: "standard"}
	for _, f := range change {
		f(&domain)
	}
	list := func(host string) policy.ServerList {
		return policy.ServerList{{Host: host, Port: 993, Security: settings.TLS, Auth: []settings.Auth{settings.AuthPlain}}}
	}
	plan := policy.Plan{Name: "standard", Offer: policy.Offer{
		Provider: "example",
		Servers:  policy.Servers{IMAP: list("imap.example.com"), POP3: list("pop.example.com"), SMTP: list("smtp.example.com")},
		Policy:   policy.Policy{Rules: []policy.Rule{{Name: "kiosk machines", Match: policy.Match{Group: "kiosk"}, Protocol: settings.POP3}}},
	}}
	return policy.TermsOf("site", domain, plan, settings.Provider{ID: "example", Name: "Example Mail"})
}

func template(t *testing.T, size int) *settings.Template {
	t.Helper()
	kept, err := settings.NewTemplate(make([]byte, size))
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func shape(format string) settings.TemplateKey { return (&settings.Settings{}).TemplateKey(format) }

func TestFormsAreMadeOnceForAllDomainsOfAnOffer(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	made := 0
	want := func(e *Entry, format string, now int) {
		t.Helper()
		if _, found := e.Template(shape(format)); !found {
			made++
			e.KeepTemplate(shape(format), template(t, 1))
		}
		if made != now {
			t.Errorf("%s, %s: made %d forms, want %d", e.Name, format, made, now)
		}
	}
	for range 3 {
		for i := range 100 {
			want(d.newEntry(fmt.Sprintf("d%d.example", i), terms("d.example")), "one", 1)
		}
	}
	want(d.newEntry("a.example", terms("a.example")), "other", 2)
	changed := func(domain *policy.Domain) { domain.Username = "{local}" }
	want(d.newEntry("a.example", terms("a.example", changed)), "one", 3)
	want(d.newEntry("a.example", terms("a.example")), "one", 3) // it was changed back
}

func TestFormsAreBounded(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	d.templates = newTemplates(1 << 20)
	entry := d.newEntry("a.example", terms("a.example"))
	for i := range 1000 {
		entry.KeepTemplate(shape(fmt.Sprint(i)), template(t, 10_000))
	}
	d.templates.CleanUp()
	if size := d.templates.WeightedSize(); size > 1<<20 || size == 0 {
		t.Errorf("%d bytes of templates", size)
	}
}

func TestOffersAreSharedAsLongAsAnybodyHasThem(t *testing.T) {
	t.Parallel()
	d := New(Options{})
	one, other := d.newEntry("a.example", terms("a.example")), d.newEntry("b.example", terms("b.example"))
	own := d.newEntry("c.example", terms("c.example", func(d *policy.Domain) { d.Policy.Rules = []policy.Rule{} }))
	if one.Terms.Common != other.Terms.Common || one.Terms.Common == own.Terms.Common {
		t.Error("an offer isn't shared, or one with rules is shared with one without")
	}
	if one.Terms.Name != "a.example" || other.Terms.Name != "b.example" || len(one.Terms.Policy.Rules) != 1 || len(own.Terms.Policy.Rules) != 0 {
		t.Errorf("%+v %+v %+v", one.Terms, other.Terms, own.Terms)
	}
	runtime.KeepAlive(own)
	left := func() int { d.offers.mu.Lock(); defer d.offers.mu.Unlock(); return len(d.offers.kept) }
	for range 100 { // the runtime calls back some time after it has collected
		if runtime.GC(); left() == 1 {
			break
		}
		runtime.Gosched()
	}
	if left() != 1 {
		t.Errorf("%d offers are kept, but only one is in use", left())
	}
	runtime.KeepAlive(one)
}

// BenchmarkEntryMemory measures what one of 100,000 domains on one plan costs,
// without its place in the cache.
func BenchmarkEntryMemory(b *testing.B) {
	const many = 100_000
	inUse := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		d := New(Options{})
		before := inUse()
		entries := make([]*Entry, many)
		for i := range entries {
			name := fmt.Sprintf("d%06d.example", i)
			entries[i] = d.newEntry(name, terms(name))
		}
		b.ReportMetric(float64(inUse()-before)/many, "B/entry")
		runtime.KeepAlive(entries)
		runtime.KeepAlive(d)
	}
}
