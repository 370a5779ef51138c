package main

import (
	"context"

	"autoconfig/internal/migrate"
	"autoconfig/internal/store"
	"autoconfig/policy"
)

// importReader is the store as an import reads it.
type importReader struct{ *store.Store }

var _ migrate.Reader = importReader{}

func (s importReader) Accounts(ctx context.Context, keys []string) ([]policy.Account, error) {
	return s.AccountsOf(ctx, keys)
}

func (s importReader) Terms(ctx context.Context, names []string) (map[string]*policy.Terms, error) {
	return s.TermsOf(ctx, names)
}

// bulk lets do work on the store in the context's transaction.
func (app *application) bulk(ctx context.Context, do func(migrate.Target) error) error {
	return app.store.Bulk(ctx, func(b *store.Bulk) error { return do(b) })
}
