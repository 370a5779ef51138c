package database

import (
	"context"
	"database/sql"
	"errors"
)

// joinedKey is the key of a context's transaction. Each database has its own.
type joinedKey struct{ db *DB }

// joined is a transaction that several callers share through their context.
type joined struct {
	transaction
	// failed is the first failure of any of them, after which nothing is committed.
	failed error
}

// Together runs f in a transaction that every use of this DB with f's context joins: all of it
// happens or nothing. It is retried after a deadlock ([Repeat]), so f should change nothing
// else. f must not wait for anyone who uses the database with another context, as a SQLite file
// has one writer.
func (db *DB) Together(ctx context.Context, f func(ctx context.Context) error) error {
	if all := db.joined(ctx); all != nil {
		return all.change(func(Queryer) error { return f(ctx) })
	}
	return Repeat(ctx, func() error {
		return db.Change(ctx, func(tx Queryer) error {
			all := &joined{transaction: tx.(transaction)}
			err := f(context.WithValue(ctx, joinedKey{db}, all))
			switch {
			case err == nil:
				return all.failed
			case isDeadlock(all.failed) && !isDeadlock(err):
				return errors.Join(err, all.failed)
			}
			return err
		})
	})
}

// joined returns the transaction of a context, or nil.
func (db *DB) joined(ctx context.Context) *joined {
	all, _ := ctx.Value(joinedKey{db}).(*joined)
	return all
}

// change runs a part of a shared transaction. If it fails, the whole fails even if its caller
// ignores the error: MySQL has ended the transaction then, and would commit later statements
// one by one.
func (all *joined) change(f func(tx Queryer) error) error {
	if all.failed != nil {
		return all.failed
	}
	err := f(all.transaction)
	if err != nil && all.failed == nil {
		all.failed = err
	}
	return err
}

// ExecContext is like that of sql.DB. If a statement fails, the whole transaction does, as in
// PostgreSQL.
func (all *joined) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	err = all.change(func(tx Queryer) error {
		result, err = tx.ExecContext(ctx, query, args...)
		return err
	})
	return result, explained(err)
}
