package store

import (
	"context"
	"iter"

	"autoconfig/internal/doctor"
	"autoconfig/policy"
)

// pageSize is the number of rows per page when all are read.
const pageSize = 1000

// pages reads a list page by page, so that a long one is never in memory as a whole and no
// transaction stays open between pages. read returns up to pageSize items after the given key, in
// order. Iteration ends after an error.
func pages[T any](key func(T) string, read func(after string) ([]T, error)) iter.Seq2[[]T, error] {
	return func(yield func([]T, error) bool) {
		for after := ""; ; {
			page, err := read(after)
			if err != nil {
				yield(nil, err)
				return
			}
			if len(page) > 0 && !yield(page, nil) || len(page) < pageSize {
				return
			}
			after = key(page[len(page)-1])
		}
	}
}

// items yields the items of the pages.
func items[T any](pages iter.Seq2[[]T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for page, err := range pages {
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// AllAccounts yields the accounts of a domain (all if it is ""), sorted by key.
func (s *Store) AllAccounts(ctx context.Context, domain string) iter.Seq2[policy.Account, error] {
	return items(pages(accountKey, func(after string) ([]policy.Account, error) {
		return s.Accounts(ctx, domain, after, pageSize)
	}))
}

func accountKey(a policy.Account) string { return a.Address.Key() }

// DomainPages yields the domains, sorted by primary name.
func (s *Store) DomainPages(ctx context.Context) iter.Seq2[[]policy.Domain, error] {
	key := func(d policy.Domain) string { return d.Name }
	return pages(key, func(after string) ([]policy.Domain, error) { return s.Domains(ctx, nil, after, pageSize) })
}

// AllOverrides yields the overrides, sorted by key.
func (s *Store) AllOverrides(ctx context.Context) iter.Seq2[policy.Override, error] {
	key := func(o policy.Override) string { return o.Address.Key() }
	return items(pages(key, func(after string) ([]policy.Override, error) { return s.Overrides(ctx, after, pageSize) }))
}

// AllChecks yields the last results, sorted by name.
func (s *Store) AllChecks(ctx context.Context) iter.Seq2[doctor.Result, error] {
	key := func(r doctor.Result) string { return r.Report.Domain }
	return items(pages(key, func(after string) ([]doctor.Result, error) { return s.Checks(ctx, nil, after, pageSize) }))
}

// PublishedPages yields the names with their terms and documents, sorted by name. The documents of
// a page can be written together.
func (s *Store) PublishedPages(ctx context.Context) iter.Seq2[[]Published, error] {
	key := func(p Published) string { return p.Name }
	return pages(key, func(after string) ([]Published, error) { return s.PublishedPage(ctx, after, pageSize) })
}

// query is a SELECT whose conditions depend on a filter.
type query struct {
	text string
	args []any
}

// selectFrom begins a query for the rows of domains, or all rows if it is nil.
func selectFrom(columns, table string, domains []string) query {
	bound, args := among("domain", domains)
	return query{`SELECT ` + columns + ` FROM ` + table + ` WHERE 1 = 1` + bound, args}
}

// and adds a condition, if it is wanted.
func (q *query) and(wanted bool, condition string, args ...any) {
	if wanted {
		q.text += ` AND ` + condition
		q.args = append(q.args, args...)
	}
}

// latest returns up to limit rows, those with the greatest ids first.
func latest[T any](ctx context.Context, s *Store, q query, limit int, read func(scanner) (T, error)) ([]T, error) {
	rows, err := s.db.QueryContext(ctx, q.text+` ORDER BY id DESC LIMIT ?`, append(q.args, limit)...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, read)
}
