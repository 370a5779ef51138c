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

// Unwritable says since when and why changes fail for lack of storage; nil if they don't.
type Unwritable struct {
	Since time.Time
	Err   error
}

// Unwritable returns what the last changes showed, until [DB.CanWrite] succeeds. Reading may
// work meanwhile.
func (db *DB) Unwritable() *Unwritable { return db.unwritable.Load() }

// CanWrite calls try, which makes a small change, and records the outcome.
func (db *DB) CanWrite(ctx context.Context, try func(context.Context) error) error {
	err := try(ctx)
	if err == nil {
		db.unwritable.Store(nil)
	}
	return err
}

// noted records an error that means that nothing can be written.
func (db *DB) noted(err error) error {
	if err != nil && isUnwritable(err) {
		db.unwritable.CompareAndSwap(nil, &Unwritable{time.Now().UTC(), err})
	}
	return err
}

// isUnwritable reports whether a change failed because storage is full, broken or read-only.
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

// NotDurable names the setting by which a server may lose acknowledged changes at a power
// failure; "" if there is none. SQLite is opened without such a setting.
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
