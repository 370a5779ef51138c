package main

import (
	"context"

	"autoconfig/internal/migrate"
	"autoconfig/internal/store"
	"autoconfig/policy"
)

// stored is the store as an import reads it.
type stored struct{ *store.Store }

var _ migrate.Reader = stored{}

func (s stored) Accounts(ctx context.Context, keys []string) ([]policy.Account, error) {
	return s.AccountsOf(ctx, keys)
}

func (s stored) Page(ctx context.Context, domain, after string, limit int) ([]policy.Account, error) {
	return s.Store.Accounts(ctx, domain, after, limit)
}

// changeBulk lets do work on the store in one transaction.
func changeBulk(ctx context.Context, db *store.Store, do func(migrate.Target) error) error {
	return db.Bulk(ctx, func(b *store.Bulk) error { return do(b) })
}
