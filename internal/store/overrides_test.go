package store_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/directory"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

// A site that says nothing of overrides leaves them; one that does has them replaced.
func TestASitesOverrides(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		boss := policy.Override{Address: settings.MustAddress("boss@example.com"), Protocol: settings.POP3, ChangedBy: "eva", ChangedAt: time.Unix(1e9, 0).UTC()}
		lobby := policy.Override{Address: settings.MustAddress("lobby@example.com"), Note: "why"}
		since := time.Unix(1e9, 0).UTC()
		if err := errors.Join(s.PutOverride(t.Context(), boss), s.MarkGone(t.Context(), "boss@example.com", since)); err != nil {
			t.Fatal(err)
		}
		holds := func(what string, site policy.Site, changed bool, want ...policy.Override) {
			t.Helper()
			at := generation(t, s)
			replace(t, s, site)
			if got := generation(t, s) > at; got != changed {
				t.Errorf("%s: something changed: %v", what, got)
			}
			if got := stored(t, s).Overrides; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %+v, want %+v", what, got, want)
			}
		}
		gone := boss
		gone.GoneAt = since
		site := demo(t)
		holds("nothing is said", site, true, gone)
		site.Overrides = []policy.Override{boss, lobby}
		holds("one more", site, true, gone, lobby)
		holds("the same again", site, false, gone, lobby)
		gone.Protocol, boss.Protocol = settings.IMAP, settings.IMAP
		site.Overrides = []policy.Override{boss}
		holds("one less, and another protocol", site, true, gone)
		boss.Address, boss.ChangedAt = settings.MustAddress(`"Boss"@example.com`), time.Date(2026, 11, 24, 12, 0, 0, 5, time.FixedZone("", 3600))
		site.Overrides = []policy.Override{boss}
		site = site.Normalize()
		gone.ChangedAt = time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC)
		holds("as people write it", site, true, gone)
		holds("the same once more", site, false, gone)
		site.Overrides = []policy.Override{}
		holds("none", site, true)
	})
}

func TestOverrides(t *testing.T) {
	onEach(t, testOverrides)
}

func testOverrides(t *testing.T, s *store.Store) {
	ctx := t.Context()
	now := time.Unix(1e9, 0).UTC()
	o := policy.Override{Address: settings.MustAddress("boss@example.com"), Protocol: settings.POP3, Devices: policy.OneDevice, Note: "50% \"x\" 'y' \\ ü", ChangedBy: "command", ChangedAt: now}
	other := policy.Override{Address: settings.MustAddress("a@example.com"), Note: "why"}
	for _, put := range []policy.Override{{Address: o.Address, Note: "first"}, o, other} {
		at := generation(t, s)
		if err := s.PutOverride(ctx, put); err != nil {
			t.Fatal(err)
		}
		if generation(t, s) <= at {
			t.Error("caches don't hear of it")
		}
	}
	if got, err := s.Override(ctx, "boss@example.com"); err != nil || !reflect.DeepEqual(got, o) {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := s.Override(ctx, "nobody@example.com"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("nobody's: %v", err)
	}
	if page, err := s.Overrides(ctx, "", 1); err != nil || len(page) != 1 || page[0].Address != other.Address {
		t.Errorf("first page %+v %v", page, err)
	}
	if page, err := s.Overrides(ctx, "a@example.com", 10); err != nil || len(page) != 1 || page[0].Address != o.Address {
		t.Errorf("second page %+v %v", page, err)
	}
	// One that says nothing is none.
	if err := s.PutOverride(ctx, policy.Override{Address: other.Address}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Override(ctx, "a@example.com"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("removed: %v", err)
	}
	// It goes with its account, after the time that the operator gave, and not before.
	expire := func(before time.Time) error {
		t.Helper()
		if err := s.Expire(ctx, store.Expiry{Overrides: before}, now); err != nil {
			t.Fatal(err)
		}
		_, err := s.Override(ctx, "boss@example.com")
		return err
	}
	if err := expire(now.AddDate(1, 0, 0)); err != nil {
		t.Errorf("while the account is there: %v", err)
	}
	if err := s.MarkGone(ctx, "boss@example.com", now); err != nil {
		t.Fatal(err)
	}
	if err := expire(now); err != nil {
		t.Errorf("too early: %v", err)
	}
	if err := s.MarkGone(ctx, "boss@example.com", time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := expire(now.AddDate(1, 0, 0)); err != nil {
		t.Errorf("when the account is back: %v", err)
	}
	if err := s.MarkGone(ctx, "boss@example.com", now); err != nil {
		t.Fatal(err)
	}
	if err := expire(now.Add(time.Second)); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("when it has been gone long enough: %v", err)
	}
	// Forgetting an address removes it at once, and caches hear of it.
	if err := s.PutOverride(ctx, o); err != nil {
		t.Fatal(err)
	}
	at := generation(t, s)
	if n, err := s.Forget(ctx, formsOf("boss@example.com"), "forgotten", now, false); err != nil || n != 1 || generation(t, s) <= at {
		t.Errorf("forgotten: %d %v", n, err)
	}
	if _, err := s.Override(ctx, "boss@example.com"); !errors.Is(err, directory.ErrNotFound) {
		t.Errorf("forgotten: %v", err)
	}
}

// A domain that another source knows has the plan that the source names.
func TestPlanTerms(t *testing.T) {
	onEach(t, func(t *testing.T, s *store.Store) {
		replace(t, s, demo(t))
		terms, err := s.PlanTerms(t.Context(), policy.Domain{Name: "elsewhere.example", Aliases: []string{"x.example"}, Plan: "standard"})
		if err != nil || terms.Name != "elsewhere.example" || terms.Provider.Name != "Example Mail" || terms.Servers.IMAP[0].Host != "imap.example.com" || len(terms.Aliases) != 1 {
			t.Errorf("%+v %v", terms, err)
		}
		if _, err := s.PlanTerms(t.Context(), policy.Domain{Name: "elsewhere.example", Plan: "gold"}); err == nil || errors.Is(err, directory.ErrNotFound) {
			t.Errorf("a plan that isn't there: %v", err)
		}
		// No domain of the site has this plan, so that nobody has judged it.
		site := demo(t)
		site.Plans = append(site.Plans, policy.Plan{Name: "silver", Offer: policy.Offer{Servers: policy.Servers{IMAP: policy.ServerList{{Host: "imap.example.com"}}}}})
		replace(t, s, site.Normalize())
		if _, err := s.PlanTerms(t.Context(), policy.Domain{Name: "elsewhere.example", Plan: "silver"}); !errors.Is(err, directory.ErrUnusable) || !strings.Contains(err.Error(), "elsewhere.example has no smtp server") {
			t.Errorf("a plan without servers to send by: %v", err)
		}
	})
}
