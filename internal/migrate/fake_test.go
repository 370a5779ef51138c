package migrate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"

	"autoconfig/policy"
	"autoconfig/settings"
)

// fake is a store in memory. Like a real one it refuses an address that another
// account has.
type fake struct {
	config   policy.Site
	accounts map[string]policy.Account
	owner    map[string]string // address keys, with their account's
	puts     int               // accounts that were put, also in transactions that failed
}

func newFake(t *testing.T, site policy.Site) *fake {
	t.Helper()
	f := &fake{config: site, accounts: map[string]policy.Account{}, owner: map[string]string{}}
	f.config.Accounts = nil
	for some := range slices.Chunk(site.Accounts, Batch) {
		if err := f.PutAccounts(t.Context(), some); err != nil {
			t.Fatal(err)
		}
	}
	f.puts = 0
	return f
}

func (f *fake) SiteConfig(context.Context) (policy.Site, error) { return f.config, nil }

func (f *fake) Terms(_ context.Context, names []string) (map[string]*policy.Terms, error) {
	all := map[string]*policy.Terms{}
	for _, t := range f.config.AllTerms() {
		own := append([]string{t.Name}, t.Aliases...)
		if !slices.ContainsFunc(own, func(name string) bool { return slices.Contains(names, name) }) {
			continue
		}
		for _, name := range own {
			all[name] = t
		}
	}
	return all, nil
}

func (f *fake) Accounts(_ context.Context, keys []string) ([]policy.Account, error) {
	if len(keys) > MaxKeys {
		return nil, fmt.Errorf("%d keys at once", len(keys))
	}
	found := map[string]policy.Account{}
	for _, key := range keys {
		if owner, ok := f.owner[key]; ok {
			found[owner] = f.accounts[owner]
		}
	}
	var list []policy.Account
	for _, a := range found {
		list = append(list, a)
	}
	return list, nil
}

func (f *fake) AllAccounts(_ context.Context, domain string) iter.Seq2[policy.Account, error] {
	return func(yield func(policy.Account, error) bool) {
		for _, key := range slices.Sorted(maps.Keys(f.accounts)) {
			a := f.accounts[key]
			if (domain == "" || a.Address.Domain() == domain) && !yield(a, nil) {
				return
			}
		}
	}
}

func (f *fake) PutAccounts(_ context.Context, accounts []policy.Account) error {
	if len(accounts) > Batch {
		return fmt.Errorf("%d accounts at once", len(accounts))
	}
	for _, a := range accounts {
		for _, address := range addressesOf(f.accounts[a.Address.Key()]) {
			delete(f.owner, address.Key())
		}
	}
	for _, a := range accounts {
		f.puts++
		f.accounts[a.Address.Key()] = a
		for _, address := range addressesOf(a) {
			if other, taken := f.owner[address.Key()]; taken {
				return fmt.Errorf("%s is taken by %s", address, other)
			}
			f.owner[address.Key()] = a.Address.Key()
		}
	}
	return nil
}

func (f *fake) PutSiteConfig(_ context.Context, config policy.Site) error {
	f.config = config
	return nil
}

// change is a transaction.
func (f *fake) change(do func(Target) error) error {
	copied := &fake{f.config, map[string]policy.Account{}, map[string]string{}, 0}
	for key, a := range f.accounts {
		copied.accounts[key] = a
	}
	for key, owner := range f.owner {
		copied.owner[key] = owner
	}
	err := do(copied)
	f.puts += copied.puts
	if err == nil {
		f.config, f.accounts, f.owner = copied.config, copied.accounts, copied.owner
	}
	return err
}

func (f *fake) site() policy.Site {
	all := f.config
	for _, a := range f.accounts {
		all.Accounts = append(all.Accounts, a)
	}
	slices.SortFunc(all.Accounts, func(a, b policy.Account) int { return cmp.Compare(a.Address.Key(), b.Address.Key()) })
	return all
}

// outcome is what an import came to.
type outcome struct {
	Counts
	refused []string
	changed []string
}

// importAccounts judges and, if nothing is refused, writes.
func importAccounts(t testing.TB, into *fake, format Format, text string) outcome {
	t.Helper()
	var got outcome
	i := AccountImport{
		Format:  format,
		Refused: func(r Refusal) { got.refused = append(got.refused, r.String()) },
		Changed: func(before *policy.Account, after policy.Account, _ *policy.Terms) {
			sign := "~ "
			if before == nil {
				sign = "+ "
			}
			got.changed = append(got.changed, sign+after.Address.String())
		},
	}
	var err error
	if got.Counts, err = i.Judge(t.Context(), into, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if into.puts != 0 {
		t.Fatal("judging has written")
	}
	if got.Refused != len(got.refused) {
		t.Errorf("%d were refused, and %d counted", len(got.refused), got.Refused)
	}
	i.Refused = nil // it was told
	err = into.change(func(to Target) error { _, err := i.Write(t.Context(), to, strings.NewReader(text)); return err })
	if (got.Refused > 0) != errors.Is(err, ErrRefused) || got.Refused == 0 && err != nil {
		t.Fatalf("writing gives %v after %q", err, got.refused)
	}
	return got
}

// demo has two domains, of which one has no POP3 server.
func demo() policy.Site {
	return policy.Site{
		Providers: []settings.Provider{{ID: "example", Name: "Example Mail"}},
		Plans: []policy.Plan{
			{Name: "standard", Offer: policy.Offer{Provider: "example", Servers: policy.Servers{
				IMAP: policy.ServerList{{Host: "imap.example.com"}},
				POP3: policy.ServerList{{Host: "pop.example.com"}},
				SMTP: policy.ServerList{{Host: "smtp.example.com"}},
			}}},
			{Name: "imap only", Offer: policy.Offer{Servers: policy.Servers{
				IMAP: policy.ServerList{{Host: "imap.example.com"}},
				SMTP: policy.ServerList{{Host: "smtp.example.com"}},
			}}},
		},
		Domains: []policy.Domain{
			{Name: "example.com", Aliases: []string{"example.net"}, Plan: "standard"},
			{Name: "example.org", Plan: "imap only"},
		},
		Accounts: []policy.Account{
			{Address: settings.MustAddress("office@example.com"), Name: "Front Office", Devices: policy.SeveralDevices, Addresses: []settings.Address{settings.MustAddress("info@example.com")}},
			{Address: settings.MustAddress("workshop@example.com"), Name: "Workshop", Devices: policy.OneDevice, Quota: 200e6, Groups: []string{"hall 3", "staff"}},
		},
	}.Normalize()
}

// domainsOf are a site's domains, one by one.
func domainsOf(site policy.Site) iter.Seq2[policy.Domain, error] {
	return func(yield func(policy.Domain, error) bool) {
		for _, d := range site.Domains {
			if !yield(d, nil) {
				return
			}
		}
	}
}
