package store_test

import (
	"slices"
	"testing"
	"time"

	"autoconfig/internal/links"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

// What is kept of people goes when its time is over, and a forgotten address is
// nowhere.
func TestRetentionAndForgetting(t *testing.T) {
	onEach(t, testRetention)
}

// Addresses that only a database's collation takes for one are several.
func TestAddressesThatWereWrittenDown(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		k := &links.Keeper{Store: s, Secret: []byte("x")}
		want := []settings.Address{settings.MustAddress("Office+a@example.com"), settings.MustAddress("office+a@example.com"), settings.MustAddress("öffice+a@example.com")}
		for _, a := range append(want, want...) {
			if _, _, err := k.Make(t.Context(), links.Order{Address: a, Domain: "example.com", By: "staff:eva"}); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := s.Written(t.Context(), "example.com"); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v %v", got, err)
		}
	})
}

func testRetention(t *testing.T, s *store.Store) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	k := &links.Keeper{Store: s, Secret: []byte("x"), Now: func() time.Time { return now }}
	order := func(address string) links.Link {
		_, l, err := k.Make(t.Context(), links.Order{Address: settings.MustAddress(address), Domain: "example.com", By: "staff:eva", Note: "for " + address})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.AddEntry(t.Context(), staff.Entry{At: now, Actor: "staff:eva", Action: "link made", Subject: address, Domain: "example.com", Detail: address}); err != nil {
			t.Fatal(err)
		}
		return l
	}
	forgotten, kept := order("Office@example.com"), order("workshop@example.com")
	n, err := s.Forget(t.Context(), formsOf("office@example.com"), "forgotten-1", now, false)
	if err != nil || n != 2 {
		t.Errorf("%d rows, %v", n, err)
	}
	l, err := s.Link(t.Context(), forgotten.ID)
	if err != nil || l.Address != "forgotten-1" || l.Note != "" || l.State(now) != links.Revoked {
		t.Errorf("%+v %v", l, err)
	}
	entries, err := s.Entries(t.Context(), staff.EntryFilter{Limit: 10, Domains: []string{"example.com"}})
	if err != nil || len(entries) != 2 || entries[1].Subject != "forgotten-1" || entries[1].Detail != "" || entries[0].Subject != "workshop@example.com" {
		t.Errorf("%+v %v", entries, err)
	}
	if l, err := s.Link(t.Context(), kept.ID); err != nil || l.Address != "workshop@example.com" {
		t.Errorf("%+v %v", l, err)
	}
	if err := s.Expire(t.Context(), store.Expiry{Links: now, Audit: now, Overrides: now}, now); err != nil {
		t.Fatal(err)
	}
	if all, err := s.Links(t.Context(), links.Filter{Limit: 10}); err != nil || len(all) != 2 {
		t.Errorf("too early: %d, %v", len(all), err)
	}
	later := now.AddDate(0, 0, 2)
	if err := s.Expire(t.Context(), store.Expiry{Links: later, Audit: later, Overrides: later}, later); err != nil {
		t.Fatal(err)
	}
	all, err := s.Links(t.Context(), links.Filter{Limit: 10})
	entries, err2 := s.Entries(t.Context(), staff.EntryFilter{Limit: 10})
	if err != nil || err2 != nil || len(all) != 0 || len(entries) != 0 {
		t.Errorf("%d links and %d entries are kept for ever", len(all), len(entries))
	}
}

// formsOf are the ways to write an address in a domain without aliases and tags.
func formsOf(address string) (forms policy.Forms) {
	none := ""
	a := settings.MustAddress(address)
	forms.Add(&policy.Terms{Name: a.Domain(), Common: &policy.Common{Offer: policy.Offer{RecipientDelimiter: &none}}}, a)
	return forms
}

// An address is forgotten however it was written, and no other one, whatever letters
// the database takes for the same.
func TestForgettingMeansOneAddress(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		for address, names := range map[string][]string{
			"Ärger@example.com":  {"Ärger@example.com", "ÄrGER@Example.com"}, // letter case is that of ASCII
			"straße@example.com": {"STRAßE@example.com", `"straße"@Example.COM`, "straße@example.com"},
			"a_b@example.com":    {"A_b@example.com"},
			"😀@example.com":      {"😀@example.com"},
		} {
			others := []string{"ärger@example.com", "strasse@example.com", "axb@example.com", "☺@example.com", "x" + address, address + "x", "x", ""}
			for _, subject := range append(append([]string{}, names...), others...) {
				if err := s.AddEntry(t.Context(), staff.Entry{At: when, Action: address, Subject: subject, Detail: "kept"}); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := s.Forget(t.Context(), formsOf(address), "forgotten", when, false); err != nil || int(n) != len(names) {
				t.Errorf("%s: %d entries, %v, want %d", address, n, err, len(names))
			}
			entries, err := s.Entries(t.Context(), staff.EntryFilter{Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			left := 0
			for _, e := range entries {
				if e.Action == address && e.Detail == "kept" {
					left++
				}
			}
			if left != len(others) {
				t.Errorf("%s: %d others are left of %d", address, left, len(others))
			}
		}
	})
}

// Whatever is typed is searched for as it is.
func TestSearch(t *testing.T) {
	onEach(t, testSearch)
}

func testSearch(t *testing.T, s *store.Store) {
	site := policy.Site{Domains: []policy.Domain{{Name: "example.com"}, {Name: "other.example"}}}
	for address, name := range map[string]string{"office@example.com": "Front Office", "a_b@example.com": "50% off", "axb@other.example": "O'Neil \"x\""} {
		site.Accounts = append(site.Accounts, policy.Account{Address: settings.MustAddress(address), Name: name})
	}
	if err := s.Replace(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	site.Accounts = append(site.Accounts, policy.Account{Address: settings.MustAddress("Ärger@example.com"), Name: "ZOË Straße 😀"})
	if err := s.Replace(t.Context(), site); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"ärger", "ÄRGER", "zoë", "ZOË", "STRAßE", "😀"} {
		if got, err := s.SearchAccounts(t.Context(), text, nil, 10); err != nil || len(got) != 1 {
			t.Errorf("%q: %d, %v", text, len(got), err)
		}
	}
	for text, want := range map[string]int{"OFFICE": 1, "front": 1, "a_b": 1, "50%": 1, "%": 1, "o'neil": 1, `"x`: 1, "example": 4, `\`: 0, "' OR 1=1 --": 0} {
		if got, err := s.SearchAccounts(t.Context(), text, nil, 10); err != nil || len(got) != want {
			t.Errorf("%q: %d, %v", text, len(got), err)
		}
	}
	if got, err := s.SearchAccounts(t.Context(), "example", []string{"other.example"}, 10); err != nil || len(got) != 1 {
		t.Errorf("one domain: %d, %v", len(got), err)
	}
	if got, err := s.SearchAccounts(t.Context(), "example", []string{}, 10); err != nil || len(got) != 0 {
		t.Errorf("no domain: %d, %v", len(got), err)
	}
}
