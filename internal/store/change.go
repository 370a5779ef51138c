package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"autoconfig/internal/database"
	"autoconfig/policy"
)

// Replace replaces the stored site by a validated one. A site without an identity keeps the
// stored one.
func (s *Store) Replace(ctx context.Context, whole policy.Site) error {
	return s.change(ctx, func(tx database.Queryer) (bool, error) {
		old, err := site(ctx, tx)
		if err != nil {
			return false, err
		}
		return s.replace(ctx, tx, old, whole)
	})
}

// PutAccount stores a validated account, replacing one with the same primary address.
func (s *Store) PutAccount(ctx context.Context, a policy.Account) error {
	return s.change(ctx, func(tx database.Queryer) (bool, error) {
		w, err := s.newWriter(ctx, tx)
		if err != nil {
			return false, err
		}
		names, err := domainNames(ctx, tx, a.Address.Domain())
		if err != nil {
			return false, err
		}
		if err := removeAccounts(ctx, tx, []string{a.Address.Key()}); err != nil {
			return false, err
		}
		if err := w.put(ctx, a, names); err != nil {
			return false, err
		}
		return true, w.flush(ctx)
	})
}

// RemoveAccount removes an account by its primary address's key.
func (s *Store) RemoveAccount(ctx context.Context, key string) error {
	return s.change(ctx, func(tx database.Queryer) (bool, error) { return true, removeAccounts(ctx, tx, []string{key}) })
}

// RemoveDomain removes a domain by its primary name, with its accounts if withAccounts is set;
// otherwise a domain with accounts is [ErrHasAccounts].
func (s *Store) RemoveDomain(ctx context.Context, name string, withAccounts bool) error {
	return s.change(ctx, func(tx database.Queryer) (bool, error) {
		names, err := domainNames(ctx, tx, name)
		if err != nil {
			return false, err
		}
		var accounts int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM accounts WHERE domain = ?`,
			name).Scan(&accounts); err != nil {
			return false, err
		}
		if accounts > 0 && !withAccounts {
			return false, fmt.Errorf("%w: %s has %d", ErrHasAccounts, name, accounts)
		}
		for _, statement := range []string{
			`DELETE FROM digests WHERE account IN (SELECT id FROM accounts WHERE domain = ?)`,
			`DELETE FROM addresses WHERE account IN (SELECT id FROM accounts WHERE domain = ?)`,
			`DELETE FROM accounts WHERE domain = ?`,
			`DELETE FROM domains WHERE name = ?`,
			`DELETE FROM domain_names WHERE domain = ?`,
		} {
			if _, err := tx.ExecContext(ctx, statement, name); err != nil {
				return false, err
			}
		}
		return true, errors.Join(removePublished(ctx, tx, names), raiseConfig(ctx, tx))
	})
}

// ofNames are the tables whose rows belong to a domain name.
var ofNames = []string{"pacc", "checks"}

// removePublished removes what belongs to names that are no longer served.
func removePublished(ctx context.Context, tx database.Queryer, names []string) error {
	for part := range slices.Chunk(names, batchRows) {
		for _, table := range ofNames {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE name IN (`+database.Marks(len(part))+`)`,
				arguments(part)...); err != nil {
				return err
			}
		}
	}
	return nil
}

// removeOrphans removes what belongs to names that no domain has.
func removeOrphans(ctx context.Context, tx database.Queryer) error {
	for _, table := range ofNames {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+
			` WHERE name NOT IN (SELECT name FROM domain_names) AND name NOT IN (SELECT name FROM source_names)`); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) replace(ctx context.Context, tx database.Queryer, before, after policy.Site) (changed bool, err error) {
	if after.ID == "" {
		after.ID = before.ID
	}
	if after.ID != before.ID {
		changed = true
		if _, err := tx.ExecContext(ctx, `UPDATE meta SET value = ? WHERE name = ?`, after.ID, metaSiteID); err != nil {
			return false, err
		}
	}
	if changed {
		if err := raiseConfig(ctx, tx); err != nil { // terms include the identity
			return false, err
		}
	}
	configChanged, err := s.replaceConfig(ctx, tx, before, after)
	if err != nil {
		return false, err
	}
	accountsChanged, err := s.replaceAccounts(ctx, tx, before, after)
	if err != nil || after.Overrides == nil { // not mentioned, so they stay
		return changed || configChanged || accountsChanged, err
	}
	overridesChanged, err := s.replaceOverrides(ctx, tx, before.Overrides, after.Overrides)
	return changed || configChanged || accountsChanged || overridesChanged, err
}

// row is a stored provider, plan or domain.
type row struct {
	key      string
	position int
	document string
	names    []string // of a domain
}

func rowsOf[T any](list []T, key func(T) string) []row {
	rows := make([]row, len(list))
	for i, item := range list {
		rows[i] = row{key: key(item), position: i, document: encode(item)}
	}
	return rows
}

func domainRows(list []policy.Domain) []row {
	rows := rowsOf(list, func(d policy.Domain) string { return d.Name })
	for i, d := range list {
		rows[i].names = namesOf(d)
	}
	return rows
}

// replaceConfig writes the providers, plans and domains that have changed.
func (s *Store) replaceConfig(
	ctx context.Context, tx database.Queryer, before, after policy.Site,
) (changed bool, err error) {
	for _, table := range []struct {
		name, key     string
		before, after []row
	}{
		{"providers", "id", rowsOf(before.Providers, providerID), rowsOf(after.Providers, providerID)},
		{"plans", "name", rowsOf(before.Plans, planName), rowsOf(after.Plans, planName)},
		{"domains", "name", domainRows(before.Domains), domainRows(after.Domains)},
	} {
		tableChanged, err := s.replaceRows(ctx, tx, table.name, table.key, table.before, table.after)
		if err != nil {
			return false, err
		}
		changed = changed || tableChanged
	}
	if changed {
		err = errors.Join(removeOrphans(ctx, tx), raiseConfig(ctx, tx))
	}
	return changed, err
}

// replaceRows first removes the rows that are gone or have changed, then inserts: a name may move
// from one domain to another.
func (s *Store) replaceRows(
	ctx context.Context, tx database.Queryer, table, key string, old, fresh []row,
) (changed bool, err error) {
	stored := make(map[string]row, len(old))
	for _, r := range old {
		stored[r.key] = r
	}
	var write []row
	for _, r := range fresh {
		if before, found := stored[r.key]; found && before.position == r.position && before.document == r.document {
			delete(stored, r.key)
			continue
		}
		write = append(write, r)
	}
	for k, r := range stored {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE `+key+` = ?`, k); err != nil {
			return false, err
		}
		if r.names == nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM domain_names WHERE domain = ?`, k); err != nil {
			return false, err
		}
	}
	rows := &batch{kind: s.db.Kind, table: table, columns: []string{key, "position", "document"}}
	names := &batch{kind: s.db.Kind, table: "domain_names", columns: []string{"name", "domain"}}
	for _, r := range write {
		if err := rows.add(ctx, tx, r.key, r.position, r.document); err != nil {
			return false, err
		}
		for _, name := range r.names {
			if err := names.add(ctx, tx, name, r.key); err != nil {
				return false, err
			}
		}
	}
	return len(write)+len(stored) > 0, errors.Join(rows.flush(ctx, tx), names.flush(ctx, tx))
}

// replaceAccounts writes the accounts that have changed, and those of domains whose names have,
// for their digests.
func (s *Store) replaceAccounts(
	ctx context.Context, tx database.Queryer, before, after policy.Site,
) (changed bool, err error) {
	oldNames, newNames := allNames(before), allNames(after)
	stored := make(map[string]string, len(before.Accounts))
	for _, a := range before.Accounts {
		if slices.Equal(oldNames[a.Address.Domain()], newNames[a.Address.Domain()]) {
			stored[a.Address.Key()] = encode(a)
		} else {
			stored[a.Address.Key()] = ""
		}
	}
	var write []policy.Account
	var remove []string // first of all, as an address may move
	for _, a := range sorted(after.Accounts) {
		key := a.Address.Key()
		text, found := stored[key]
		delete(stored, key)
		if found && text == encode(a) {
			continue
		}
		write = append(write, a)
		if found {
			remove = append(remove, key)
		}
	}
	for key := range stored {
		remove = append(remove, key)
	}
	if err := removeAccounts(ctx, tx, remove); err != nil {
		return false, err
	}
	w, err := s.newWriter(ctx, tx)
	if err != nil {
		return false, err
	}
	for _, a := range write {
		names, ok := newNames[a.Address.Domain()]
		if !ok {
			return false, fmt.Errorf("%w: %s", ErrNoSuchDomain, a.Address.Domain())
		}
		if err := w.put(ctx, a, names); err != nil {
			return false, err
		}
	}
	return len(write)+len(stored) > 0, w.flush(ctx)
}

func allNames(s policy.Site) map[string][]string {
	names := make(map[string][]string, len(s.Domains))
	for _, d := range s.Domains {
		names[d.Name] = namesOf(d)
	}
	return names
}

func domainNames(ctx context.Context, tx database.Queryer, domain string) ([]string, error) {
	var d policy.Domain
	err := document(ctx, tx, &d, domainByName, domain)
	if isNotFound(err) {
		return nil, fmt.Errorf("%w: %s", ErrNoSuchDomain, domain)
	}
	return namesOf(d), err
}

// encode returns a JSON document as a string: a driver that doesn't know the column's type would
// write bytes into a text as \x7b22….
func encode(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types, which have no cycles or channels
	}
	return string(text)
}
