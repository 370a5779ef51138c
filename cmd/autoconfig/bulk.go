package main

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"autoconfig/internal/directory"
	"autoconfig/internal/migrate"
	"autoconfig/internal/store"
	"autoconfig/policy"
	"autoconfig/settings"
)

// stored is the store as an import reads it.
type stored struct{ *store.Store }

var _ migrate.Reader = stored{}

func (s stored) Accounts(ctx context.Context, keys []string) ([]policy.Account, error) {
	found := map[string]policy.Account{}
	for _, key := range keys {
		a, err := s.Account(ctx, key)
		if errors.Is(err, directory.ErrNotFound) {
			continue
		} else if err != nil {
			return nil, err
		}
		found[a.Address.Key()] = a
	}
	return values(found), nil
}

func (s stored) Page(ctx context.Context, domain, after string, limit int) ([]policy.Account, error) {
	return s.Store.Accounts(ctx, domain, after, limit)
}

func values(m map[string]policy.Account) []policy.Account {
	list := make([]policy.Account, 0, len(m))
	for _, a := range m {
		list = append(list, a)
	}
	return list
}

// changeBulk lets do work on the site, and stores what it leaves: all of it or
// nothing.
func changeBulk(ctx context.Context, db *store.Store, do func(migrate.Target) error) error {
	site, err := db.Site(ctx)
	if err != nil {
		return err
	}
	t := &inChange{site: &site, at: make(map[string]int, len(site.Accounts)), owner: map[string]string{}}
	for i, a := range site.Accounts {
		t.note(i, a)
	}
	if err := do(t); err != nil {
		return err
	}
	return db.Replace(ctx, site)
}

// inChange is a site in memory that is stored when all went well.
type inChange struct {
	site  *policy.Site
	at    map[string]int    // the accounts' places, by their keys
	owner map[string]string // the accounts' keys, by their addresses' keys
}

func (t *inChange) note(i int, a policy.Account) {
	key := a.Address.Key()
	t.at[key] = i
	for _, address := range append([]settings.Address{a.Address}, a.Addresses...) {
		t.owner[address.Key()] = key
	}
}

func (t *inChange) Frame(context.Context) (policy.Site, error) {
	frame := *t.site
	frame.Accounts = nil
	return frame, nil
}

func (t *inChange) Accounts(_ context.Context, keys []string) ([]policy.Account, error) {
	found := map[string]policy.Account{}
	for _, key := range keys {
		if owner, ok := t.owner[key]; ok {
			found[owner] = t.site.Accounts[t.at[owner]]
		}
	}
	return values(found), nil
}

func (t *inChange) Page(_ context.Context, domain, after string, limit int) ([]policy.Account, error) {
	var page []policy.Account
	for _, a := range t.site.Accounts {
		if a.Address.Key() > after && (domain == "" || a.Address.Domain() == domain) {
			page = append(page, a)
		}
	}
	slices.SortFunc(page, func(a, b policy.Account) int { return cmp.Compare(a.Address.Key(), b.Address.Key()) })
	return page[:min(len(page), limit)], nil
}

func (t *inChange) PutAccounts(_ context.Context, accounts []policy.Account) error {
	for _, a := range accounts {
		i, known := t.at[a.Address.Key()]
		if !known {
			i = len(t.site.Accounts)
			t.site.Accounts = append(t.site.Accounts, a)
		}
		for _, other := range t.site.Accounts[i].Addresses {
			if t.owner[other.Key()] == a.Address.Key() {
				delete(t.owner, other.Key())
			}
		}
		t.site.Accounts[i] = a
		t.note(i, a)
	}
	return nil
}

func (t *inChange) PutFrame(_ context.Context, frame policy.Site) error {
	t.site.Providers, t.site.Plans, t.site.Domains = frame.Providers, frame.Plans, frame.Domains
	return nil
}
