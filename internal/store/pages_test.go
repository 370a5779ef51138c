package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"testing"

	"autoconfig/internal/directory"
	"autoconfig/internal/doctor"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

func TestPagesOfAccounts(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		replace(t, s, demo(t, account("b@example.com"), account("c@example.org"), account("A@example.com"), account("d@example.com")))
		var got []string
		for after := ""; ; {
			page, err := s.Accounts(t.Context(), "example.com", after, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range page {
				got, after = append(got, a.Address.String()), a.Address.Key()
			}
			if len(page) < 2 {
				break
			}
		}
		if want := []string{"A@example.com", "b@example.com", "d@example.com"}; !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if all, err := s.Accounts(t.Context(), "", "", 10); err != nil || len(all) != 4 {
			t.Errorf("%v %v", all, err)
		}
	})
}

// What is read a page at a time is each there once and in order: where the last page
// is full, where it isn't, and where there is none.
func TestAllPages(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		for _, n := range []int{0, 1, store.PageSize - 1, store.PageSize, store.PageSize + 1} {
			accounts := []policy.Account{account("other@example.org")}
			for i := range n {
				accounts = append(accounts, account(fmt.Sprintf("u%06d@example.com", i)))
			}
			replace(t, s, unchecked(accounts...))
			i := 0
			for a, err := range s.AllAccounts(t.Context(), "example.com") {
				if want := fmt.Sprintf("u%06d@example.com", i); err != nil || a.Address.String() != want {
					t.Fatalf("%s %v, want %s", a.Address, err, want)
				}
				i++
			}
			if i != n {
				t.Errorf("%d accounts of %d", i, n)
			}
		}
		for range s.AllAccounts(t.Context(), "") {
			break // whoever has enough gets no more
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		yields := 0
		for _, err := range s.AllAccounts(cancelled, "") {
			if yields++; !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		}
		if yields != 1 {
			t.Errorf("%d yields with an error", yields)
		}
	})
}

// manyDomains has domains d000.example and so on, each with an alias.
func manyDomains(n int) policy.Site {
	site := unchecked()
	site.Domains = nil
	for i := n - 1; i >= 0; i-- { // as they were written, which isn't their order
		name := fmt.Sprintf("d%03d.example", i)
		site.Domains = append(site.Domains, policy.Domain{Name: name, Aliases: []string{"also-" + name}, Plan: "standard"})
	}
	return site.Normalize()
}

func names(domains []policy.Domain) (all []string) {
	for _, d := range domains {
		all = append(all, d.Name)
	}
	return all
}

func TestDomainsOneByOneAndInPages(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		site := manyDomains(20)
		replace(t, s, site)
		for _, want := range site.Domains {
			if got, err := s.Domain(t.Context(), want.Name); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v %v, want %+v", got, err, want)
			}
		}
		for _, name := range []string{"also-d000.example", "d000", ""} {
			if _, err := s.Domain(t.Context(), name); !errors.Is(err, directory.ErrNotFound) {
				t.Errorf("%q: %v", name, err)
			}
		}
		for _, c := range []struct {
			within []string
			after  string
			limit  int
			want   []string
		}{
			{nil, "", 2, []string{"d000.example", "d001.example"}},
			{nil, "d017.example", 5, []string{"d018.example", "d019.example"}},
			{nil, "z", 5, nil},
			{[]string{}, "", 5, nil},
			{[]string{"d007.example", "d003.example", "not.example", "also-d001.example"}, "", 5, []string{"d003.example", "d007.example"}},
			{[]string{"d007.example", "d003.example"}, "d003.example", 5, []string{"d007.example"}},
		} {
			got, err := s.Domains(t.Context(), c.within, c.after, c.limit)
			if err != nil || !reflect.DeepEqual(names(got), c.want) {
				t.Errorf("%+v: %v %v", c, names(got), err)
			}
		}
	})
}

// A change of a domain is shown that domain, and the others whose names it wants.
func TestAChangeOfADomainReadsNoOther(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		site := manyDomains(20)
		site.Accounts = []policy.Account{account("a@d007.example"), account("a@d008.example")}
		replace(t, s, site)
		var shown [][]string
		change := func(name string, aliases ...string) error {
			shown = nil
			return s.ChangeDomain(t.Context(), name, func(part *policy.Site) error {
				shown = append(shown, names(part.Domains))
				for _, a := range part.Accounts {
					if a.Address.Domain() != name {
						t.Errorf("%s: shown %s", name, a.Address)
					}
				}
				for i := range part.Domains {
					if part.Domains[i].Name == name {
						part.Domains[i].Aliases = append(part.Domains[i].Aliases[:0], aliases...)
						return part.Check().Err()
					}
				}
				part.Domains = append(part.Domains, policy.Domain{Name: name, Aliases: aliases, Plan: "standard"})
				return part.Check().Err()
			})
		}
		for _, c := range []struct {
			name    string
			aliases []string
			good    bool
			shown   [][]string
		}{
			{"d007.example", []string{"new.example"}, true, [][]string{{"d007.example"}}},
			{"d007.example", []string{"d008.example"}, false, [][]string{{"d007.example"}, {"d008.example", "d007.example"}}},
			{"d007.example", []string{"also-d009.example", "d001.example"}, false, [][]string{{"d007.example"}, {"d009.example", "d007.example", "d001.example"}}},
			{"fresh.example", []string{"d001.example"}, false, [][]string{nil, {"d001.example"}}},
			{"also-d001.example", nil, false, [][]string{nil, {"d001.example"}}},
			{"fresh.example", []string{"also-d007.example"}, true, [][]string{nil}}, // which d007.example gave up
		} {
			before := stored(t, s)
			err := change(c.name, c.aliases...)
			if (err == nil) != c.good || !reflect.DeepEqual(shown, c.shown) {
				t.Errorf("%s %v: %v, shown %v, want %v", c.name, c.aliases, err, shown, c.shown)
			}
			if !c.good && !reflect.DeepEqual(stored(t, s), before) {
				t.Errorf("%s %v changed something", c.name, c.aliases)
			}
		}
		want := append(names(site.Domains), "fresh.example")
		if got := names(stored(t, s).Domains); !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v: the order in which they were written", got, want)
		}
		// One that asks nobody is refused by the database.
		err := s.ChangeDomain(t.Context(), "d003.example", func(part *policy.Site) error {
			for i := range part.Domains {
				if part.Domains[i].Name == "d003.example" {
					part.Domains[i].Aliases = []string{"d004.example"}
				}
			}
			return nil
		})
		if !errors.Is(err, store.ErrExists) {
			t.Errorf("%v", err)
		}
	})
}

// What belongs to a name goes with it, and nothing of other names.
func TestNamesTakeTheirPublishedDocumentsAlong(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		replace(t, s, manyDomains(3))
		all := []string{"d000.example", "also-d000.example", "d001.example", "also-d001.example"}
		for _, name := range all {
			publish(t, s, doctor.Documents{Name: name, Served: []byte("{}")})
		}
		left := func() (names []string) {
			for _, name := range all {
				if d, err := s.PACC(t.Context(), name); err != nil {
					t.Fatal(err)
				} else if d.Served != nil {
					names = append(names, name)
				}
			}
			return names
		}
		err := s.ChangeDomain(t.Context(), "d000.example", func(part *policy.Site) error {
			part.Domains[0].Aliases = nil
			return nil
		})
		if got, want := left(), []string{"d000.example", "d001.example", "also-d001.example"}; err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v %v, want %v", err, got, want)
		}
		err = s.RemoveDomain(t.Context(), "d001.example", false)
		if got, want := left(), []string{"d000.example"}; err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v %v, want %v", err, got, want)
		}
	})
}

// The digests of a domain's accounts follow its names.
func TestDigestsFollowAChangedDomain(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		site := manyDomains(2)
		site.Accounts = []policy.Account{account("a@d000.example")}
		replace(t, s, site)
		err := s.ChangeDomain(t.Context(), "d000.example", func(part *policy.Site) error {
			part.Domains[0].Aliases = []string{"new.example"}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for domain, want := range map[string]bool{"d000.example": true, "new.example": true, "also-d000.example": false} {
			typed := settings.MustAddress("a@" + domain)
			kept, err := s.LookupDigest(t.Context(), domain, digest(typed.String()))
			if err != nil || kept.Known != want {
				t.Errorf("%s: %v %v", domain, kept.Known, err)
			}
		}
	})
}

// One domain and one page of them are found by a key, however many there are.
func TestDomainsAreFoundByKeys(t *testing.T) {
	onEachPlace(t, func(t *testing.T, p place) {
		replace(t, p.open(t), manyDomains(1000))
		explain := p.explainer(t)
		bad := regexp.MustCompile(`SCAN [^C]|TEMP B-TREE FOR ORDER|Seq Scan|Sort|filesort|  ALL  |  (domains|domain_names)  index  `)
		for name, plan := range map[string]string{
			"one":      explain(store.DomainByName, "d007.example"),
			"a page":   explain(store.DomainsAfter, "d007.example", 10),
			"some":     explain(store.DomainsByNames, "d007.example", "d008.example"),
			"any name": explain(store.DomainsByAnyName, "d007.example", "also-d008.example"),
			"owners":   explain(store.OwnersByNames, "d007.example", "also-d008.example"),
			"position": explain(store.PositionForName, "new.example"),
		} {
			if found := bad.FindString(plan); found != "" {
				t.Errorf("%s: %q in\n%s", name, found, plan)
			}
		}
	})
}

// Terms are found by any name of a domain, and only those that are asked for.
func TestTermsOfNames(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		site := manyDomains(5)
		replace(t, s, site)
		wanted := []string{"d001.example", "also-d003.example", "also-d001.example", "not.example"}
		all, err := s.TermsOf(t.Context(), wanted)
		if err != nil {
			t.Fatal(err)
		}
		site.ID = stored(t, s).ID
		terms := site.AllTerms()
		want := map[string]*policy.Terms{
			"d001.example": terms["d001.example"], "also-d001.example": terms["d001.example"],
			"d003.example": terms["d003.example"], "also-d003.example": terms["d003.example"],
		}
		if !reflect.DeepEqual(all, want) || all["d001.example"] != all["also-d001.example"] {
			t.Errorf("%v, want %v", all, want)
		}
		err = s.Bulk(t.Context(), func(b *store.Bulk) error {
			again, err := b.Terms(t.Context(), wanted)
			if !reflect.DeepEqual(again, want) {
				t.Errorf("in a transaction: %v", again)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}
