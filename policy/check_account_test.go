package policy_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"autoconfig/policy"
	"autoconfig/policy/policytest"
	"autoconfig/settings"
)

// An account alone is judged as the whole site with it is, where no other account
// has its addresses.
func TestAnAccountAloneIsJudgedAsInItsSite(t *testing.T) {
	t.Parallel()
	var refused, accepted int
	rapid.Check(t, func(t *rapid.T) {
		site := policytest.Site().Draw(t, "site")
		if rapid.Bool().Draw(t, "no pop3") {
			for i := range site.Domains {
				site.Domains[i].Servers.POP3 = policy.ServerList{}
			}
		}
		site.Accounts = []policy.Account{doubtful(t)}
		terms, ok := site.Terms("example.com")
		if !ok {
			t.Fatal("no example.com")
		}
		var want settings.Problems
		for _, p := range site.Check().Errors() {
			if path, ours := strings.CutPrefix(p.Path, "accounts[0]"); ours {
				p.Path = strings.TrimPrefix(path, ".")
				want = append(want, p)
			}
		}
		var got settings.Problems
		if err := terms.CheckAccount(site.Accounts[0]); err != nil {
			if !errors.As(err, &got) {
				t.Fatal(err)
			}
			refused++
		} else {
			accepted++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%+v: %s", site.Accounts[0], diff)
		}
	})
	if refused == 0 || accepted == 0 {
		t.Errorf("%d were refused and %d accepted: this tested nothing", refused, accepted)
	}
}

// doubtful draws an account that is good, or one of which anything may be wrong, but
// that its domain is another one of the site: of that, an account alone can't know.
func doubtful(t *rapid.T) policy.Account {
	good := rapid.Bool().Draw(t, "good")
	// some draws one of the good values, or one of all.
	some := func(good bool, of []string, wrong ...string) *rapid.Generator[string] {
		if good {
			return rapid.SampledFrom(of)
		}
		return rapid.SampledFrom(append(of, wrong...))
	}
	addresses := some(good, []string{"a@example.com", `"c d"@example.com`},
		"", "A@example.com", "b@example.com", "a@example.net", "a@elsewhere.example", "a+b@example.com")
	address := func(label string) settings.Address {
		var a settings.Address
		if err := a.UnmarshalText([]byte(addresses.Draw(t, label))); err != nil {
			t.Fatal(err)
		}
		return a
	}
	texts := some(good, []string{"", "a", "kiosk"}, "line\nbreak", "\xff", "\u202e")
	a := policy.Account{
		Address:  address("address"),
		Name:     texts.Draw(t, "name"),
		Login:    texts.Draw(t, "login"),
		Devices:  policy.Devices(some(good, []string{"", "one", "several"}, "two").Draw(t, "devices")),
		Groups:   rapid.SliceOfN(texts, 0, 3).Draw(t, "groups"),
		Protocol: settings.Protocol(some(good, []string{"", "imap"}, "pop3", "smtp").Draw(t, "protocol")),
	}
	most := 3
	if good {
		most = 0 // they would have to differ
	}
	for i := range rapid.IntRange(0, most).Draw(t, "others") {
		a.Addresses = append(a.Addresses, address(fmt.Sprint("other ", i)))
	}
	return a
}

func BenchmarkCheckAccount(b *testing.B) {
	var servers policy.Servers
	servers.IMAP = policy.ServerList{{Host: "imap.example.com"}}
	servers.SMTP = policy.ServerList{{Host: "smtp.example.com"}}
	domain := policy.Domain{Name: "example.com", Aliases: []string{"example.net"}, Offer: policy.Offer{Servers: servers}}.Normalize()
	terms := policy.TermsOf("", domain, policy.Plan{}, settings.Provider{})
	account := policy.Account{
		Address: settings.MustAddress("a@example.com"), Name: "Anna", Groups: slices.Repeat([]string{"staff"}, 3),
		Protocol: settings.IMAP, Addresses: []settings.Address{settings.MustAddress("b@example.com")},
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := terms.CheckAccount(account); err != nil {
			b.Fatal(err)
		}
	}
}
