package main

import (
	"context"
	"fmt"

	"autoconfig/internal/migrate"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
	"autoconfig/policy"
)

// stored is the store as an import reads it.
type stored struct{ *store.Store }

var _ migrate.Reader = stored{}

func (s stored) Accounts(ctx context.Context, keys []string) ([]policy.Account, error) {
	return s.AccountsOf(ctx, keys)
}

// changeBulk lets do work on the store in one transaction, and writes it down as one
// entry. do isn't run again: what it reads was read then. So where the database gives
// the transaction up for another's sake after do has ended, it is [errMeanwhile].
func (o *opened) changeBulk(c *call, e staff.Entry, do func(migrate.Target) error) error {
	ran := false
	var first error
	return o.act(c, func(ctx context.Context) (staff.Entry, error) {
		switch {
		case !ran:
			ran = true
			first = o.store.Bulk(ctx, func(b *store.Bulk) error { return do(b) })
		case first == nil: // it is undone
			first = errMeanwhile
		}
		return e, first
	})
}

// imported is the entry of an import: numbers, not names.
func imported(what string, counts migrate.Counts) staff.Entry {
	return staff.Entry{Action: what + " imported", Detail: fmt.Sprintf("%d added, %d changed", counts.Added, counts.Changed)}
}
