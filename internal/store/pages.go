package store

import (
	"context"
	"iter"

	"autoconfig/internal/doctor"
	"autoconfig/policy"
)

// pageSize is how many rows are read at once where all of them are wanted.
const pageSize = 1000

// pages reads a list a page at a time: a long one is never in memory as a whole, and
// no transaction is open between two pages. read gives at most pageSize items whose
// keys come after the given one, in their order. An error is the last that is yielded.
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

// items are those of the pages, one by one.
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

// AllAccounts are the accounts of a domain (of all of them if it is ""), by their
// keys, a page at a time.
func (s *Store) AllAccounts(ctx context.Context, domain string) iter.Seq2[policy.Account, error] {
	return items(pages(accountKey, func(after string) ([]policy.Account, error) {
		return s.Accounts(ctx, domain, after, pageSize)
	}))
}

func accountKey(a policy.Account) string { return a.Address.Key() }

// DomainPages are the domains by their primary names.
func (s *Store) DomainPages(ctx context.Context) iter.Seq2[[]policy.Domain, error] {
	key := func(d policy.Domain) string { return d.Name }
	return pages(key, func(after string) ([]policy.Domain, error) { return s.Domains(ctx, nil, after, pageSize) })
}

// AllOverrides are the overrides by their keys, a page at a time.
func (s *Store) AllOverrides(ctx context.Context) iter.Seq2[policy.Override, error] {
	key := func(o policy.Override) string { return o.Address.Key() }
	return items(pages(key, func(after string) ([]policy.Override, error) { return s.Overrides(ctx, after, pageSize) }))
}

// AllChecks are the last results by their names, a page at a time.
func (s *Store) AllChecks(ctx context.Context) iter.Seq2[doctor.Result, error] {
	key := func(r doctor.Result) string { return r.Report.Domain }
	return items(pages(key, func(after string) ([]doctor.Result, error) { return s.Checks(ctx, nil, after, pageSize) }))
}

// PublishedPages are the names with their terms and documents, by their names. The
// documents of a page can be written together.
func (s *Store) PublishedPages(ctx context.Context) iter.Seq2[[]Published, error] {
	key := func(p Published) string { return p.Name }
	return pages(key, func(after string) ([]Published, error) { return s.PublishedPage(ctx, after, pageSize) })
}
