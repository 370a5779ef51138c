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

// bulk lets do work on the store in the context's transaction.
func (o *opened) bulk(ctx context.Context, do func(migrate.Target) error) error {
	return o.store.Bulk(ctx, func(b *store.Bulk) error { return do(b) })
}
