package migrate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"autoconfig/policy"
	"autoconfig/settings"
)

// importDomains judges and writes, and says what was refused.
func importDomains(t testing.TB, into *fake, format Format, text string) []string {
	t.Helper()
	change, refused, err := ReadDomains(strings.NewReader(text), format, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, judged, err := change.Judge(t.Context(), into)
	if err != nil {
		t.Fatal(err)
	}
	if refused = append(refused, judged...); len(refused) == len(judged) {
		if err := into.change(func(to Target) error { _, _, err := change.Write(t.Context(), to); return err }); (err != nil) != (len(refused) > 0) {
			t.Fatalf("writing gives %v after %q", err, refused)
		}
	}
	var all []string
	for _, r := range refused {
		all = append(all, r.String())
	}
	return all
}

func TestEveryBadLineOfDomainsIsSaidWithItsPlace(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	for _, c := range []struct {
		name   string
		format Format
		text   string
	}{
		{"no domain", CSV, "domain,plan\n,standard\n"},
		{"no column domain", CSV, "name,plan\na.example,standard\n"},
		{"a key that a CSV can't say", CSV, "domain,servers\na.example,x\n"},
		{"bad name", CSV, "domain,plan\na_b.example,standard\n"},
		{"twice", CSV, "domain,plan\na.example,standard\nA.example,standard\n"},
		{"unknown plan", CSV, "domain,plan\na.example,standard\nb.example,gold\n"},
		{"unreadable, and unknown plan behind it", CSV, "domain,plan\na_b.example,standard\nb.example,gold\n,\n"},
		{"unknown provider", CSV, "domain,plan,provider\na.example,standard,nobody\n"},
		{"alias of another", CSV, "domain,aliases,plan\na.example,b.example example.net,standard\n"},
		{"alias of another in the file", CSV, "domain,aliases,plan\na.example,c.example,standard\nb.example,c.example,standard\n"},
		{"stored domain as an alias of a stored one", CSV, "domain,aliases\nexample.com,example.org\n"},
		{"stored alias as a domain", CSV, "domain,plan\nexample.net,standard\n"},
		{"no plan and no servers", CSV, "domain,plan\na.example,\n"},
		{"accounts that it breaks", CSV, "domain,plan\nexample.com,imap only\n"},
		{"unknown key", JSONL, `{"name":"a.example","plan":"standard","planet":"x"}`},
		{"unknown key below", JSONL, `{"name":"a.example","servers":{"imap":[{"host":"i.example","prot":1}]}}`},
		{"one server without a list", JSONL, `{"name":"a.example","servers":{"imap":{"host":"i.example"}}}`},
		{"no smtp server", JSONL, `{"name":"a.example","servers":{"imap":[{"host":"i.example"}]}}`},
		{"plaintext", JSONL, `{"name":"a.example","plan":"standard","servers":{"imap":[{"host":"i.example","security":"none"}]}}`},
	} {
		store := newFake(t, demo())
		store.accounts["x"] = policy.Account{Address: settings.MustAddress("x@example.com"), Protocol: settings.POP3}
		refused := importDomains(t, store, c.format, c.text)
		fmt.Fprintf(&all, "%s\n", c.name)
		if len(refused) == 0 {
			t.Errorf("%s: nothing was refused", c.name)
		}
		for _, r := range refused {
			fmt.Fprintf(&all, "\tdomains.%s:%s\n", c.format, r)
		}
		if len(store.config.Domains) != 2 || store.config.Domains[0].Plan != "standard" {
			t.Errorf("%s: something was written", c.name)
		}
	}
	golden(t, "testdata/refusals-domains.txt", all.String(), true)
}

func TestDomainsAreAddedAndChanged(t *testing.T) {
	t.Parallel()
	store := newFake(t, demo())
	if refused := importDomains(t, store, CSV, "domain,aliases\nexample.com,example.net bücher.example\n"); len(refused) > 0 {
		t.Fatal(refused)
	}
	if refused := importDomains(t, store, CSV, "domain;plan;provider\nNew.Example;standard;\nexample.org;standard;example\n"); len(refused) > 0 {
		t.Fatal(refused)
	}
	if refused := importDomains(t, store, JSONL, `{"name":"example.org","plan":null,"servers":{"imap":[{"host":"i.example.org"}],"smtp":[{"host":"s.example.org","port":587}]}}`); len(refused) > 0 {
		t.Fatal(refused)
	}
	want := demo()
	want.Domains[0].Aliases = []string{"example.net", "xn--bcher-kva.example"}
	want.Domains[1] = policy.Domain{Name: "example.org", Offer: policy.Offer{Provider: "example", Servers: policy.Servers{
		IMAP: policy.ServerList{{Host: "i.example.org"}}, SMTP: policy.ServerList{{Host: "s.example.org", Port: 587}},
	}}}
	want.Domains = append(want.Domains, policy.Domain{Name: "new.example", Plan: "standard"})
	if diff := cmp.Diff(want.Normalize(), store.site(), compare); diff != "" {
		t.Error(diff)
	}
}

// A CSV has no room for servers of a domain's own; how many domains lose something
// is said.
func TestWhatACSVOfDomainsLosesIsCounted(t *testing.T) {
	t.Parallel()
	site := demo()
	site.Domains[1].Servers.IMAP = policy.ServerList{{Host: "own.example.org"}}
	var out strings.Builder
	lost, err := ExportDomains(domainsOf(site), CSV, &out)
	if want := "domain,aliases,plan,provider\nexample.com,example.net,standard,\nexample.org,,imap only,\n"; err != nil || lost != 1 || out.String() != want {
		t.Errorf("%d, %v, %s", lost, err, out.String())
	}
	if lost, err := ExportDomains(domainsOf(site), JSONL, &out); err != nil || lost != 0 {
		t.Error(lost, err)
	}
}

// A key that is new in a site must be found here, or an export couldn't be read.
func TestEveryKeyOfAnAccountAndADomainIsKnown(t *testing.T) {
	t.Parallel()
	known := func(of reflect.Type, keys []string) {
		for i := range of.NumField() {
			f := of.Field(i)
			key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.Anonymous && !slices.Contains(keys, key) {
				t.Errorf("%s has a key %s that isn't read", of, key)
			}
		}
	}
	account, domain := (&jsonLines[policy.Account]{columns: accountColumns}).keys(), (&jsonLines[policy.Domain]{columns: domainColumns}).keys()
	known(reflect.TypeFor[policy.Account](), account)
	known(reflect.TypeFor[policy.Domain](), domain)
	known(reflect.TypeFor[policy.Offer](), domain)
	// sameAccount looks at each field.
	if n := reflect.TypeFor[policy.Account]().NumField(); n != len(accountColumns) {
		t.Errorf("an account has %d fields, and %d are compared", n, len(accountColumns))
	}
}
