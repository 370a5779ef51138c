package database

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// turn lets one at a time change a SQLite file: it has one writer anyway, and who
// waits for another process's, as for an import's, would keep a connection each,
// until nothing can be read.
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

// maxRepeats bounds how often something is tried that others get in the way of:
// each time one of them at least gets on.
const maxRepeats = 10

// Repeat does something, which is all or nothing, again as long as the database
// gives it up because it and others would wait for each other for ever.
func Repeat(ctx context.Context, do func() error) error {
	for n := 1; ; n++ {
		if err := do(); n == maxRepeats || ctx.Err() != nil || !isDeadlock(err) {
			return err
		}
	}
}

// isDeadlock tells whether a transaction was ended so that others can go on.
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

// busy is why a change could not begin: another one has not ended.
type busy struct{ error }

func (b busy) Error() string {
	return fmt.Sprintf("something else is changing the database, such as an import; try again when it has ended (%v)",
		b.error)
}

func (b busy) Unwrap() error { return b.error }

// Is makes it what it is for whoever asked: there was not enough time.
func (busy) Is(target error) bool { return target == context.DeadlineExceeded }

// explained says of a database's own time-out what it was waiting for.
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
