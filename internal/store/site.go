package store

import (
	"cmp"
	"context"
	"slices"

	"autoconfig/internal/database"
	"autoconfig/policy"
	"autoconfig/settings"
)

// Site returns everything: providers, plans and domains in the order in which they were written,
// accounts and overrides by address.
func (s *Store) Site(ctx context.Context) (all policy.Site, err error) {
	err = s.db.View(ctx, func(q database.Queryer) error {
		all, err = site(ctx, q)
		return err
	})
	return all, err
}

// SiteConfig is [Store.Site] without accounts and overrides.
func (s *Store) SiteConfig(ctx context.Context) (all policy.Site, err error) {
	err = s.db.View(ctx, func(q database.Queryer) error {
		all, err = siteConfig(ctx, q)
		return err
	})
	return all, err
}

// Accounts returns up to limit accounts of a domain (all if it is "") after the given key, in order.
func (s *Store) Accounts(ctx context.Context, domain, after string, limit int) ([]policy.Account, error) {
	return accountPage(ctx, s.db, domain, after, limit)
}

func accountPage(ctx context.Context, q database.Queryer, domain, after string, limit int) ([]policy.Account, error) {
	if domain == "" {
		return documents[policy.Account](ctx, q, `SELECT document FROM accounts WHERE address > ? ORDER BY address LIMIT ?`,
			after, limit)
	}
	return documents[policy.Account](ctx, q, `SELECT document FROM accounts WHERE domain = ? AND address > ? `+
		`ORDER BY address LIMIT ?`, domain, after, limit)
}

func siteConfig(ctx context.Context, q database.Queryer) (policy.Site, error) {
	all, err := configWithoutDomains(ctx, q)
	if err != nil {
		return all, err
	}
	return all, read(ctx, q, &all.Domains, `SELECT document FROM domains ORDER BY position`)
}

// configWithoutDomains returns the identity, providers and plans, which are few.
func configWithoutDomains(ctx context.Context, q database.Queryer) (policy.Site, error) {
	var config policy.Site
	var err error
	if config.ID, err = meta(ctx, q, metaSiteID); err != nil {
		return config, err
	}
	if err = read(ctx, q, &config.Providers, `SELECT document FROM providers ORDER BY position`); err != nil {
		return config, err
	}
	return config, read(ctx, q, &config.Plans, `SELECT document FROM plans ORDER BY position`)
}

// Plans returns all plans, in their order.
func (s *Store) Plans(ctx context.Context) (all []policy.Plan, err error) {
	return all, read(ctx, s.db, &all, `SELECT document FROM plans ORDER BY position`)
}

// Providers returns all providers, in their order.
func (s *Store) Providers(ctx context.Context) (all []settings.Provider, err error) {
	return all, read(ctx, s.db, &all, `SELECT document FROM providers ORDER BY position`)
}

func site(ctx context.Context, q database.Queryer) (policy.Site, error) {
	all, err := siteConfig(ctx, q)
	if err != nil {
		return all, err
	}
	if err := read(ctx, q, &all.Accounts, `SELECT document FROM accounts ORDER BY address`); err != nil {
		return all, err
	}
	rows, err := q.QueryContext(ctx, `SELECT `+overrideColumns+` FROM overrides ORDER BY address`)
	if err != nil {
		return all, err
	}
	all.Overrides, err = scanAll(rows, readOverride)
	return all, err
}

func read[T any](ctx context.Context, q database.Queryer, into *[]T, query string) error {
	list, err := documents[T](ctx, q, query)
	*into = list
	return err
}

func documents[T any](ctx context.Context, q database.Queryer, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var list []T
	for rows.Next() {
		var text []byte
		var item T
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if err := decode(text, &item); err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}

// sorted returns a copy of accounts, sorted by key.
func sorted(accounts []policy.Account) []policy.Account {
	accounts = slices.Clone(accounts)
	slices.SortFunc(accounts, func(a, b policy.Account) int { return cmp.Compare(a.Address.Key(), b.Address.Key()) })
	return accounts
}
