package store

import (
	"context"
	"iter"
	"slices"

	"autoconfig/internal/database"
	"autoconfig/policy"
)

// Bulk is one transaction with many changes, which reads what it has written.
type Bulk struct {
	store   *Store
	tx      database.Queryer
	writer  *writer
	names   map[string][]string // by domain, of those that were used
	changed bool
}

// Bulk runs do in one transaction, which invalidates caches once.
func (s *Store) Bulk(ctx context.Context, do func(*Bulk) error) error {
	return s.change(ctx, func(tx database.Queryer) (bool, error) {
		w, err := s.newWriter(ctx, tx)
		if err != nil {
			return false, err
		}
		b := &Bulk{store: s, tx: tx, writer: w, names: map[string][]string{}}
		if err := do(b); err != nil {
			return false, err
		}
		return b.changed, w.flush(ctx)
	})
}

// SiteConfig returns the site without its accounts.
func (b *Bulk) SiteConfig(ctx context.Context) (policy.Site, error) { return siteConfig(ctx, b.tx) }

// Terms is like [Store.TermsOf].
func (b *Bulk) Terms(ctx context.Context, names []string) (map[string]*policy.Terms, error) {
	return termsOf(ctx, b.tx, names)
}

// Accounts is like [Store.AccountsOf].
func (b *Bulk) Accounts(ctx context.Context, keys []string) ([]policy.Account, error) {
	if err := b.writer.flush(ctx); err != nil {
		return nil, err
	}
	return accountsOf(ctx, b.tx, keys)
}

// AllAccounts is like [Store.AllAccounts].
func (b *Bulk) AllAccounts(ctx context.Context, domain string) iter.Seq2[policy.Account, error] {
	return items(b.accountPages(ctx, domain))
}

// accountPages includes what is written until the page is read.
func (b *Bulk) accountPages(ctx context.Context, domain string) iter.Seq2[[]policy.Account, error] {
	return pages(accountKey, func(after string) ([]policy.Account, error) {
		if err := b.writer.flush(ctx); err != nil {
			return nil, err
		}
		return accountPage(ctx, b.tx, domain, after, pageSize)
	})
}

// PutAccounts stores validated accounts, replacing those with the same primary addresses.
func (b *Bulk) PutAccounts(ctx context.Context, accounts []policy.Account) error {
	if err := b.writer.flush(ctx); err != nil {
		return err
	}
	b.changed = true
	keys := make([]string, len(accounts))
	for i, a := range accounts {
		keys[i] = a.Address.Key()
	}
	if err := removeAccounts(ctx, b.tx, keys); err != nil {
		return err
	}
	for _, a := range accounts {
		names, err := b.namesOf(ctx, a.Address.Domain())
		if err != nil {
			return err
		}
		if err := b.writer.put(ctx, a, names); err != nil {
			return err
		}
	}
	return nil
}

func (b *Bulk) namesOf(ctx context.Context, domain string) ([]string, error) {
	if names, known := b.names[domain]; known {
		return names, nil
	}
	names, err := domainNames(ctx, b.tx, domain)
	if err == nil {
		b.names[domain] = names
	}
	return names, err
}

// PutSiteConfig replaces all providers, plans and domains by validated ones. Accounts stay, and
// get new digests if their domain's names have changed.
func (b *Bulk) PutSiteConfig(ctx context.Context, config policy.Site) error {
	if err := b.writer.flush(ctx); err != nil {
		return err
	}
	old, err := siteConfig(ctx, b.tx)
	if err != nil {
		return err
	}
	changed, err := b.store.replaceConfig(ctx, b.tx, old, config)
	if err != nil {
		return err
	}
	b.changed = b.changed || changed
	b.names = map[string][]string{}
	before := allNames(old)
	for _, d := range config.Domains {
		if names, was := before[d.Name]; was && !slices.Equal(names, namesOf(d)) {
			if err := b.renew(ctx, d.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// renew writes the accounts of a domain again.
func (b *Bulk) renew(ctx context.Context, domain string) error {
	for accounts, err := range b.accountPages(ctx, domain) {
		if err != nil {
			return err
		}
		if err := b.PutAccounts(ctx, accounts); err != nil {
			return err
		}
	}
	return nil
}

// AccountsOf returns the accounts that have one of the addresses, in the form of
// settings.Address.Key; each once.
func (s *Store) AccountsOf(ctx context.Context, keys []string) ([]policy.Account, error) {
	return accountsOf(ctx, s.db, keys)
}

func accountsOf(ctx context.Context, q database.Queryer, keys []string) ([]policy.Account, error) {
	var all []policy.Account
	for part := range slices.Chunk(keys, batchRows) {
		found, err := documents[policy.Account](ctx, q, `SELECT document FROM accounts WHERE id IN (SELECT account `+
			`FROM addresses WHERE address IN (`+database.Marks(len(part))+`)) ORDER BY address`, arguments(part)...)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	if len(keys) > batchRows { // an account may be found by addresses of several batches
		seen := map[string]bool{}
		all = slices.DeleteFunc(all, func(a policy.Account) bool {
			key := a.Address.Key()
			twice := seen[key]
			seen[key] = true
			return twice
		})
	}
	return all, nil
}

func arguments[T any](list []T) []any {
	args := make([]any, len(list))
	for i, item := range list {
		args[i] = item
	}
	return args
}

// removeAccounts removes accounts by their primary addresses' keys. It first asks which exist:
// usually none does.
func removeAccounts(ctx context.Context, tx database.Queryer, keys []string) error {
	for part := range slices.Chunk(keys, batchRows) {
		ids, err := idsOf(ctx, tx, part)
		if err != nil {
			return err
		}
		if len(ids) == 0 {
			continue
		}
		for _, statement := range []string{
			`DELETE FROM digests WHERE account IN (`, `DELETE FROM addresses WHERE account IN (`,
			`DELETE FROM accounts WHERE id IN (`,
		} {
			if _, err := tx.ExecContext(ctx, statement+database.Marks(len(ids))+`)`, arguments(ids)...); err != nil {
				return err
			}
		}
	}
	return nil
}

func idsOf(ctx context.Context, tx database.Queryer, keys []string) ([]int64, error) {
	rows, err := tx.QueryContext(ctx, `SELECT id FROM accounts WHERE address IN (`+database.Marks(len(keys))+`)`,
		arguments(keys)...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(row scanner) (id int64, err error) { return id, row.Scan(&id) })
}
