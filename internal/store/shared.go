package store

import (
	"context"
	"slices"

	"autoconfig/internal/database"
	"autoconfig/policy"
)

// accountsWithOwn are the accounts that a plan can be wrong for: the others take what
// there is.
const accountsWithOwn = `SELECT document FROM accounts WHERE own = 1 ORDER BY address`

// ChangeShared lets f change the providers and plans that domains share, and stores those
// that differ: all of them or none. f is given a part of the site: all providers, plans
// and domains, and the accounts that have a protocol, a login or another address of their
// own. It must check what it leaves; domains and accounts stay as they are.
func (s *Store) ChangeShared(ctx context.Context, f func(*policy.Site) error) error {
	return s.change(ctx, func(tx database.Queryer) (bool, error) {
		old, err := siteConfig(ctx, tx)
		if err != nil {
			return false, err
		}
		if err := read(ctx, tx, &old.Accounts, accountsWithOwn); err != nil {
			return false, err
		}
		fresh := old
		fresh.Providers, fresh.Plans = slices.Clone(old.Providers), slices.Clone(old.Plans)
		if err := f(&fresh); err != nil {
			return false, err
		}
		providers, err := s.replaceRows(ctx, tx, "providers", "id", rowsOf(old.Providers, providerID),
			rowsOf(fresh.Providers, providerID))
		if err != nil {
			return false, err
		}
		plans, err := s.replaceRows(ctx, tx, "plans", "name", rowsOf(old.Plans, planName), rowsOf(fresh.Plans, planName))
		if err != nil || !providers && !plans {
			return false, err
		}
		return true, raiseConfig(ctx, tx)
	})
}
