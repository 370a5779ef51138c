package database

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// turn serialises the changes of a SQLite file, which has one writer anyway. Otherwise each
// change that waits for another process (an import's, say) would hold a connection, until
// none is left for readers.
func (db *DB) turn(ctx context.Context) (done func(), err error) {
	if db.writing == nil {
		return func() {}, nil
	}
	select {
	case db.writing <- struct{}{}:
		return func() { <-db.writing }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// maxRepeats bounds how often a change is retried after a deadlock; each time at least one
// of the others succeeds.
const maxRepeats = 10

// Repeat calls do, which must be all or nothing, again while the database gives it up to
// resolve a deadlock.
func Repeat(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		if err := do(); n == maxRepeats || ctx.Err() != nil || !isDeadlock(err) {
			return err
		}
	}
}

// isDeadlock reports whether a transaction was aborted so that others can continue.
func isDeadlock(err error) bool {
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	switch {
	case errors.As(err, &pg):
		return pg.Code == "40P01" || pg.Code == "40001" // deadlock_detected, serialization_failure
	case errors.As(err, &my):
		return my.Number == 1213 // ER_LOCK_DEADLOCK
	}
	return false
}

// busy means that a change could not begin because another one hasn't ended.
type busy struct{ error }

func (b busy) Error() string {
	return fmt.Sprintf("something else is changing the database, such as an import; try again when it has ended (%v)",
		b.error)
}

func (b busy) Unwrap() error { return b.error }

// Is makes it a timeout for callers.
func (busy) Is(target error) bool { return target == context.DeadlineExceeded }

// explained adds to the database's own timeout what it waited for.
func explained(err error) error {
	const sqliteBusy = 5
	var lite *sqlite.Error
	var my *mysql.MySQLError
	switch {
	case errors.As(err, &lite) && lite.Code()&0xff == sqliteBusy,
		errors.As(err, &my) && my.Number == 1205: // ER_LOCK_WAIT_TIMEOUT
		return busy{err}
	}
	return err
}
