package store

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // Evolution names its account so; nothing is secured by it
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"autoconfig/policy"
	"autoconfig/settings"
)

// Replace makes a checked site what is stored: all of it or nothing. A site
// without an identity keeps the stored one.
func (s *Store) Replace(ctx context.Context, new policy.Site) error {
	return s.change(ctx, func(tx *sql.Tx) (bool, error) {
		old, err := site(ctx, tx)
		if err != nil {
			return false, err
		}
		return replace(ctx, tx, old, new)
	})
}

// Change lets f change the stored site, and stores what it leaves: all of it or
// nothing. f must check it.
func (s *Store) Change(ctx context.Context, f func(*policy.Site) error) error {
	return s.change(ctx, func(tx *sql.Tx) (bool, error) {
		old, err := site(ctx, tx)
		if err != nil {
			return false, err
		}
		new := old
		new.Providers, new.Plans, new.Domains = slices.Clone(old.Providers), slices.Clone(old.Plans), slices.Clone(old.Domains)
		new.Accounts = slices.Clone(old.Accounts)
		if err := f(&new); err != nil {
			return false, err
		}
		return replace(ctx, tx, old, new)
	})
}

// PutAccount stores a checked account, in the place of one with the same primary
// address.
func (s *Store) PutAccount(ctx context.Context, a policy.Account) error {
	return s.change(ctx, func(tx *sql.Tx) (bool, error) {
		names, err := domainNames(ctx, tx, a.Address.Domain())
		if err != nil {
			return false, err
		}
		if err := removeAccount(ctx, tx, a.Address.Key()); err != nil {
			return false, err
		}
		return true, insertAccount(ctx, tx, a, names)
	})
}

// RemoveAccount removes an account by its primary address's key.
func (s *Store) RemoveAccount(ctx context.Context, key string) error {
	return s.change(ctx, func(tx *sql.Tx) (bool, error) { return true, removeAccount(ctx, tx, key) })
}

// RemoveDomain removes a domain by its primary name, and its accounts if told so;
// a domain that has some is otherwise [ErrHasAccounts].
func (s *Store) RemoveDomain(ctx context.Context, name string, withAccounts bool) error {
	return s.Change(ctx, func(all *policy.Site) error {
		kept := slices.DeleteFunc(slices.Clone(all.Accounts), func(a policy.Account) bool { return a.Address.Domain() == name })
		if n := len(all.Accounts) - len(kept); n > 0 && !withAccounts {
			return fmt.Errorf("%w: %s has %d; remove them with it by --accounts", ErrHasAccounts, name, n)
		}
		before := len(all.Domains)
		all.Domains = slices.DeleteFunc(all.Domains, func(d policy.Domain) bool { return d.Name == name })
		if len(all.Domains) == before {
			return fmt.Errorf("%w: %s", ErrNoSuchDomain, name)
		}
		all.Accounts = kept
		return nil
	})
}

func replace(ctx context.Context, tx *sql.Tx, old, new policy.Site) (changed bool, err error) {
	if new.ID == "" {
		new.ID = old.ID
	}
	if new.ID != old.ID {
		if _, err := tx.ExecContext(ctx, `UPDATE meta SET value = ? WHERE name = ?`, new.ID, metaSiteID); err != nil {
			return false, err
		}
	}
	frame := func(s policy.Site) policy.Site { s.Accounts = nil; return s }
	oldText, newText := encode(frame(old)), encode(frame(new))
	if !bytes.Equal(oldText, newText) {
		changed = true
		if err := replaceFrame(ctx, tx, new); err != nil {
			return false, err
		}
	}
	accountsChanged, err := replaceAccounts(ctx, tx, old, new)
	return changed || accountsChanged, err
}

// replaceFrame writes providers, plans and domains anew: they are few beside
// the accounts.
func replaceFrame(ctx context.Context, tx *sql.Tx, s policy.Site) error {
	for _, table := range []string{"providers", "plans", "domains", "domain_names"} {
		if _, err := tx.ExecContext(ctx, `DELETE FROM `+table); err != nil { //nolint:gosec // constants
			return err
		}
	}
	for i, p := range s.Providers {
		if _, err := tx.ExecContext(ctx, `INSERT INTO providers (id, position, document) VALUES (?, ?, ?)`, p.ID, i, encode(p)); err != nil {
			return taken(err, "provider "+p.ID)
		}
	}
	for i, p := range s.Plans {
		if _, err := tx.ExecContext(ctx, `INSERT INTO plans (name, position, document) VALUES (?, ?, ?)`, p.Name, i, encode(p)); err != nil {
			return taken(err, "plan "+p.Name)
		}
	}
	for i, d := range s.Domains {
		if _, err := tx.ExecContext(ctx, `INSERT INTO domains (name, position, document) VALUES (?, ?, ?)`, d.Name, i, encode(d)); err != nil {
			return taken(err, "domain "+d.Name)
		}
		for _, name := range namesOf(d) {
			if _, err := tx.ExecContext(ctx, `INSERT INTO domain_names (name, domain) VALUES (?, ?)`, name, d.Name); err != nil {
				return taken(err, "domain "+name)
			}
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM pacc WHERE name NOT IN (SELECT name FROM domain_names)`)
	return err
}

func namesOf(d policy.Domain) []string { return append([]string{d.Name}, d.Aliases...) }

// replaceAccounts writes only the accounts that differ, or whose domain's names
// do: their digests follow them.
func replaceAccounts(ctx context.Context, tx *sql.Tx, old, new policy.Site) (changed bool, err error) {
	oldNames, newNames := allNames(old), allNames(new)
	stored := map[string][]byte{}
	for _, a := range old.Accounts {
		if slices.Equal(oldNames[a.Address.Domain()], newNames[a.Address.Domain()]) {
			stored[a.Address.Key()] = encode(a)
		} else {
			stored[a.Address.Key()] = nil
		}
	}
	var write []policy.Account
	for _, a := range sorted(new.Accounts) {
		key := a.Address.Key()
		text, found := stored[key]
		delete(stored, key)
		if found && bytes.Equal(text, encode(a)) {
			continue
		}
		write = append(write, a)
		if found {
			if err := removeAccount(ctx, tx, key); err != nil { // before any is inserted: an address may move
				return false, err
			}
		}
	}
	for key := range stored {
		if err := removeAccount(ctx, tx, key); err != nil {
			return false, err
		}
	}
	for _, a := range write {
		names, ok := newNames[a.Address.Domain()]
		if !ok {
			return false, fmt.Errorf("%w: %s", ErrNoSuchDomain, a.Address.Domain())
		}
		if err := insertAccount(ctx, tx, a, names); err != nil {
			return false, err
		}
	}
	return len(write)+len(stored) > 0, nil
}

func allNames(s policy.Site) map[string][]string {
	names := map[string][]string{}
	for _, d := range s.Domains {
		names[d.Name] = namesOf(d)
	}
	return names
}

func domainNames(ctx context.Context, tx *sql.Tx, domain string) ([]string, error) {
	var text []byte
	err := tx.QueryRowContext(ctx, `SELECT document FROM domains WHERE name = ?`, domain).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: %s", ErrNoSuchDomain, domain)
	} else if err != nil {
		return nil, err
	}
	var d policy.Domain
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	return namesOf(d), nil
}

func removeAccount(ctx context.Context, tx *sql.Tx, key string) error {
	for _, statement := range []string{
		`DELETE FROM digests WHERE account = (SELECT id FROM accounts WHERE address = ?)`,
		`DELETE FROM addresses WHERE account = (SELECT id FROM accounts WHERE address = ?)`,
		`DELETE FROM accounts WHERE address = ?`,
	} {
		if _, err := tx.ExecContext(ctx, statement, key); err != nil {
			return err
		}
	}
	return nil
}

func insertAccount(ctx context.Context, tx *sql.Tx, a policy.Account, names []string) error {
	own := a.Protocol != "" || a.Login != "" || len(a.Addresses) > 0
	result, err := tx.ExecContext(ctx, `INSERT INTO accounts (address, domain, own, document) VALUES (?, ?, ?, ?)`,
		a.Address.Key(), a.Address.Domain(), own, encode(a))
	if err != nil {
		return taken(err, a.Address.String())
	}
	id, err := result.LastInsertId()
	if err != nil {
		return err
	}
	for _, address := range append([]settings.Address{a.Address}, a.Addresses...) {
		if _, err := tx.ExecContext(ctx, `INSERT INTO addresses (address, account) VALUES (?, ?)`, address.Key(), id); err != nil {
			return taken(err, address.String())
		}
		for _, name := range names {
			for _, digest := range digests(address, name) {
				if _, err := tx.ExecContext(ctx, `INSERT OR IGNORE INTO digests (digest, account) VALUES (?, ?)`, digest, id); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// digests are the MD5 of an address in a domain, as people may type the domain.
func digests(a settings.Address, domain string) [][]byte {
	var all [][]byte
	for _, name := range slices.Compact([]string{domain, settings.UnicodeDomain(domain)}) {
		sum := md5.Sum([]byte(strings.ToLower(a.Local() + "@" + name))) //nolint:gosec // see the import
		all = append(all, sum[:])
	}
	return all
}

// taken makes a broken uniqueness ErrExists.
func taken(err error, what string) error {
	if strings.Contains(err.Error(), "UNIQUE constraint failed") {
		return fmt.Errorf("%s is %w", what, ErrExists)
	}
	return err
}

func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own types, which have no cycles or channels
	}
	return text
}
