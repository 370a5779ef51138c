package database

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
)

// Unwritable is since when changes have failed because of what the database lies on,
// and why; nil while they can be made.
type Unwritable struct {
	Since time.Time
	Err   error
}

// Unwritable is what the last changes found out; it is over when [DB.CanWrite] says
// so. Reading may go on meanwhile.
func (db *DB) Unwritable() *Unwritable { return db.unwritable.Load() }

// CanWrite notes whether a small change can be made; try makes it.
func (db *DB) CanWrite(ctx context.Context, try func(context.Context) error) error {
	err := try(ctx)
	if err == nil {
		db.unwritable.Store(nil)
	}
	return err
}

// noted keeps what tells that nothing can be written.
func (db *DB) noted(err error) error {
	if err != nil && isUnwritable(err) {
		db.unwritable.CompareAndSwap(nil, &Unwritable{time.Now().UTC(), err})
	}
	return err
}

// isUnwritable tells whether a change failed for want of room, or since what it is
// written to can't be or mustn't.
func isUnwritable(err error) bool {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	switch {
	case errors.As(err, &lite):
		switch lite.Code() & 0xff {
		case 8, 10, 13, 14: // SQLITE_READONLY, SQLITE_IOERR, SQLITE_FULL, SQLITE_CANTOPEN
			return true
		}
	case errors.As(err, &pg):
		switch pg.Code {
		case "53100", "58030", "25006": // disk_full, io_error, read_only_sql_transaction
			return true
		}
	case errors.As(err, &my):
		switch my.Number {
		case 3, 1021, 1026, 1114, 1290, 1836: // ER_ERROR_ON_WRITE, ER_DISK_FULL, ER_RECORD_FILE_FULL, read only
			return true
		}
	}
	return false
}

// NotDurable is what a server is set to that lets it lose what it has acknowledged
// when it loses power; "" for nothing. SQLite is opened so that it doesn't.
func (db *DB) NotDurable(ctx context.Context) (string, error) {
	settings := map[Kind][]struct{ name, good string }{
		PostgreSQL: {
			{"fsync", "on"},
			{"synchronous_commit", "on local remote_write remote_apply"},
			{"full_page_writes", "on"},
		},
		MySQL: {{"innodb_flush_log_at_trx_commit", "1"}},
	}[db.Kind]
	var weak []string
	for _, s := range settings {
		query := "SELECT current_setting('" + s.name + "')"
		if db.Kind == MySQL {
			query = "SELECT @@GLOBAL." + s.name
		}
		var value string
		if err := db.pool.QueryRowContext(ctx, query).Scan(&value); err != nil {
			return "", err
		}
		if !strings.Contains(" "+s.good+" ", " "+value+" ") {
			good, _, _ := strings.Cut(s.good, " ")
			weak = append(weak, fmt.Sprintf("%s is %s instead of %s", s.name, value, good))
		}
	}
	return strings.Join(weak, ", "), nil
}
