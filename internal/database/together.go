package database

import (
	"context"
	"database/sql"
	"errors"
)

// joinedKey is where a context has the transaction that it belongs to. Databases
// don't join each other's.
type joinedKey struct{ db *DB }

// joined is a transaction that several callers share by their context.
type joined struct {
	transaction
	// failed is why one of them gave up: then nothing of the others may stay.
	failed error
}

// Together runs f in a transaction that everything joins which is done through this
// DB with f's context: all of it happens or nothing. It is run again where others got
// in the way ([Repeat]), so that f should change nothing else. f must not wait for
// anybody who uses the database with another context: a SQLite file has one writer.
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

// joined is the transaction that a context belongs to; nil for none.
func (db *DB) joined(ctx context.Context) *joined {
	all, _ := ctx.Value(joinedKey{db}).(*joined)
	return all
}

// change runs a part of a shared transaction. If it fails, all of it fails, whatever
// its caller makes of the error: MySQL has ended it then, and would do what comes
// after at once.
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

// ExecContext is that of sql.DB. A statement that fails makes the whole fail, as
// PostgreSQL would have it anyway.
func (all *joined) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	err = all.change(func(tx Queryer) error {
		result, err = tx.ExecContext(ctx, query, args...)
		return err
	})
	return result, explained(err)
}
