package store

import (
	"context"
	"errors"
	"slices"

	"autoconfig/internal/database"
	"autoconfig/policy"
)

// The queries about domains. Each one uses a key.
const (
	domainByName     = `SELECT document FROM domains WHERE name = ?`
	domainsAfter     = `SELECT document FROM domains WHERE name > ?`
	inOrderOfName    = ` ORDER BY name LIMIT ?`
	domainsByAnyName = `SELECT d.document FROM domain_names n JOIN domains d ON d.name = n.domain WHERE n.name IN (`
	domainsByNames   = `SELECT document FROM domains WHERE name IN (`
	ownersByNames    = `SELECT domain FROM domain_names WHERE name IN (`
	positionForName  = `SELECT COALESCE((SELECT position FROM domains WHERE name = ?),
		(SELECT MAX(position) + 1 FROM domains), 0)`
)

// Domain returns a domain by its primary name, or [directory.ErrNotFound].
func (s *Store) Domain(ctx context.Context, name string) (domain policy.Domain, err error) {
	err = document(ctx, s.db, &domain, domainByName, name)
	return domain, err
}

// Domains returns up to limit domains after the given primary name, in order, that are among
// within (nil for all).
func (s *Store) Domains(ctx context.Context, within []string, after string, limit int) ([]policy.Domain, error) {
	bound, args := among("name", within)
	return documents[policy.Domain](ctx, s.db, domainsAfter+bound+inOrderOfName,
		append(append([]any{after}, args...), limit)...)
}

// ChangeDomain calls f to change, add or remove one domain, and stores what f leaves of that
// domain. f gets a part of the site: all providers and plans, the domain, its accounts, and the
// domains with names that f gives it. To find those, f is called twice. f must validate its
// result.
func (s *Store) ChangeDomain(ctx context.Context, name string, f func(*policy.Site) error) error {
	return s.change(ctx, func(tx database.Queryer) (bool, error) {
		old, err := configWithoutDomains(ctx, tx)
		if err != nil {
			return false, err
		}
		old.Accounts, err = documents[policy.Account](ctx, tx,
			`SELECT document FROM accounts WHERE domain = ? ORDER BY address`, name)
		if err != nil {
			return false, err
		}
		for owners := []string{name}; ; {
			if old.Domains, err = domainsNamed(ctx, tx, owners); err != nil {
				return false, err
			}
			changed, err := changedBy(old, f)
			if err != nil {
				return false, err
			}
			more, err := ownersOf(ctx, tx, changed.Domains, owners)
			if err != nil {
				return false, err
			}
			if len(more) == 0 {
				return s.replaceDomain(ctx, tx, name, old, changed)
			}
			owners = append(owners, more...)
		}
	})
}

// changedBy applies f to a copy of a part of the site.
func changedBy(old policy.Site, f func(*policy.Site) error) (policy.Site, error) {
	changed := old
	changed.Providers = slices.Clone(old.Providers)
	changed.Plans = slices.Clone(old.Plans)
	changed.Accounts = slices.Clone(old.Accounts)
	changed.Domains = slices.Clone(old.Domains)
	for i, d := range changed.Domains {
		changed.Domains[i].Aliases = slices.Clone(d.Aliases)
	}
	return changed, f(&changed)
}

func domainsNamed(ctx context.Context, tx database.Queryer, names []string) ([]policy.Domain, error) {
	question := domainsByNames + database.Marks(len(names)) + `) ORDER BY position`
	return documents[policy.Domain](ctx, tx, question, arguments(names)...)
}

// ownersOf returns the stored domains that have names of these, except for the known ones.
func ownersOf(ctx context.Context, tx database.Queryer, domains []policy.Domain, known []string) ([]string, error) {
	var names, owners []string
	for _, d := range domains {
		names = append(names, namesOf(d)...)
	}
	for part := range slices.Chunk(names, batchRows) {
		rows, err := tx.QueryContext(ctx, ownersByNames+database.Marks(len(part))+`)`, arguments(part)...)
		if err != nil {
			return nil, err
		}
		found, err := scanAll(rows, func(row scanner) (owner string, err error) {
			err = row.Scan(&owner)
			return owner, err
		})
		if err != nil {
			return nil, err
		}
		for _, owner := range found {
			if !slices.Contains(known, owner) && !slices.Contains(owners, owner) {
				owners = append(owners, owner)
			}
		}
	}
	return owners, nil
}

// replaceDomain writes one domain and its accounts if they have changed.
func (s *Store) replaceDomain(
	ctx context.Context, tx database.Queryer, name string, before, after policy.Site,
) (changed bool, err error) {
	var position int
	if err := tx.QueryRowContext(ctx, positionForName, name).Scan(&position); err != nil {
		return false, err
	}
	old, fresh := rowsOfDomain(before, name, position), rowsOfDomain(after, name, position)
	changed, err = s.replaceRows(ctx, tx, "domains", "name", old, fresh)
	if err != nil {
		return false, err
	}
	if changed {
		left := allNames(after)[name]
		gone := slices.DeleteFunc(allNames(before)[name], func(n string) bool { return slices.Contains(left, n) })
		if err := errors.Join(removePublished(ctx, tx, gone), raiseConfig(ctx, tx)); err != nil {
			return false, err
		}
	}
	accountsChanged, err := s.replaceAccounts(ctx, tx, before, after)
	return changed || accountsChanged, err
}

// rowsOfDomain returns a domain's row, if the site has the domain.
func rowsOfDomain(site policy.Site, name string, position int) []row {
	i := slices.IndexFunc(site.Domains, func(d policy.Domain) bool { return d.Name == name })
	if i < 0 {
		return nil
	}
	rows := domainRows(site.Domains[i : i+1])
	rows[0].position = position
	return rows
}
