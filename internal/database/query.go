package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
)

// Queryer is a pool or a transaction in it.
type Queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// QueryContext is like that of sql.DB.
func (db *DB) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if all := db.joined(ctx); all != nil {
		return all.QueryContext(ctx, query, args...)
	}
	return db.pool.QueryContext(ctx, db.Kind.bind(query), args...)
}

// QueryRowContext is like that of sql.DB, with a statement that is prepared once and kept: it
// should be one of a few.
func (db *DB) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if all := db.joined(ctx); all != nil {
		return all.QueryRowContext(ctx, query, args...)
	}
	if db.Kind == SQLite {
		// The driver starts a goroutine for each cancellable query, a good part of its cost.
		// Reading one row never waits.
		ctx = context.WithoutCancel(ctx)
	}
	if statement := db.prepared(ctx, query); statement != nil { //nolint:sqlclosecheck // kept, see there
		return statement.QueryRowContext(ctx, args...)
	}
	return db.pool.QueryRowContext(ctx, db.Kind.bind(query), args...)
}

// maxPrepared bounds the prepared statements.
const maxPrepared = 100

// prepared returns a prepared statement, or nil. Without it, SQLite parses the text each time,
// which takes as long as the query, and MySQL needs three round trips. PostgreSQL's driver
// keeps statements itself.
func (db *DB) prepared(ctx context.Context, query string) *sql.Stmt {
	if db.Kind == PostgreSQL {
		return nil
	}
	if kept, found := db.statements.Load(query); found {
		return kept.(*sql.Stmt)
	}
	if db.prepares.Load() >= maxPrepared {
		return nil
	}
	statement, err := db.pool.PrepareContext(ctx, query)
	if err != nil {
		return nil // the query itself will return the error
	}
	if kept, found := db.statements.LoadOrStore(query, statement); found { // by a concurrent call
		_ = statement.Close() //nolint:sqlclosecheck // only the one that isn't kept
		return kept.(*sql.Stmt)
	}
	db.prepares.Add(1)
	return statement
}

// ExecContext is like that of sql.DB. After a deadlock it is retried, as a single statement is
// all or nothing.
func (db *DB) ExecContext(ctx context.Context, query string, args ...any) (result sql.Result, err error) {
	if all := db.joined(ctx); all != nil {
		return all.ExecContext(ctx, query, args...)
	}
	done, err := db.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	err = Repeat(ctx, func() error {
		result, err = db.pool.ExecContext(ctx, db.Kind.bind(query), args...)
		return err
	})
	return result, explained(db.noted(err))
}

// Pool returns the pool, for libraries.
func (db *DB) Pool() *sql.DB { return db.pool }

// transaction binds parameters as its pool does.
type transaction struct {
	*sql.Tx
	kind Kind
}

func (t transaction) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return t.Tx.QueryContext(ctx, t.kind.bind(query), args...)
}

func (t transaction) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return t.Tx.QueryRowContext(ctx, t.kind.bind(query), args...)
}

func (t transaction) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return t.Tx.ExecContext(ctx, t.kind.bind(query), args...)
}

// Change runs f in a transaction: the context's if it has one (see [DB.Together]). If f fails,
// the transaction is rolled back. f may be called again (see [Repeat]).
func (db *DB) Change(ctx context.Context, f func(tx Queryer) error) error {
	if all := db.joined(ctx); all != nil {
		return all.change(f)
	}
	options := &sql.TxOptions{}
	if db.Kind != SQLite { // MySQL's default would read the state before a lock was acquired
		options.Isolation = sql.LevelReadCommitted
	}
	return db.change(ctx, options, f)
}

// ChangeAlone is [DB.Change] for a transaction that begins by removing all rows of a table: on
// MySQL nobody else can insert any until it ends. The others don't need that, or have a lock
// for it.
func (db *DB) ChangeAlone(ctx context.Context, f func(tx Queryer) error) error {
	options := &sql.TxOptions{}
	if db.Kind != SQLite {
		options.Isolation = sql.LevelReadCommitted
	}
	if db.Kind == MySQL {
		options.Isolation = sql.LevelRepeatableRead
	}
	return db.change(ctx, options, f)
}

func (db *DB) change(ctx context.Context, options *sql.TxOptions, f func(tx Queryer) error) error {
	done, err := db.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	tx, err := db.pool.BeginTx(ctx, options)
	if err != nil {
		return explained(db.noted(err))
	}
	defer func() { _ = tx.Rollback() }() // no effect after Commit
	if err := f(transaction{tx, db.Kind}); err != nil {
		return explained(db.noted(err))
	}
	return db.noted(tx.Commit())
}

// View lets f read one consistent state of the database. In a shared transaction it includes
// that one's changes.
func (db *DB) View(ctx context.Context, f func(q Queryer) error) error {
	if all := db.joined(ctx); all != nil {
		return f(all.transaction)
	}
	options := &sql.TxOptions{ReadOnly: true}
	if db.Kind != SQLite { // where reads are consistent anyway
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := db.pool.BeginTx(ctx, options)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing to commit
	return f(transaction{tx, db.Kind})
}

// bind replaces the question marks by the database's parameters. Our statements have no other
// question marks.
func (k Kind) bind(query string) string {
	if k != PostgreSQL || !strings.Contains(query, "?") {
		return query
	}
	var b strings.Builder
	for n := 1; ; n++ {
		before, after, found := strings.Cut(query, "?")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		b.WriteString("$" + strconv.Itoa(n))
		query = after
	}
}

// Upsert returns the statement that inserts a row or, if the key exists, updates the other
// columns (none if set is empty). The values are those of key, then of set.
func (k Kind) Upsert(table string, key, set []string) string {
	columns := append(append([]string{}, key...), set...)
	var b strings.Builder
	b.WriteString("INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES (" + Marks(len(columns)) + ")")
	var assign []string
	if k == MySQL {
		for _, column := range set {
			assign = append(assign, column+" = VALUES("+column+")")
		}
		if len(set) == 0 {
			assign = []string{key[0] + " = " + key[0]}
		}
		return b.String() + " ON DUPLICATE KEY UPDATE " + strings.Join(assign, ", ")
	}
	for _, column := range set {
		assign = append(assign, column+" = excluded."+column)
	}
	if len(set) == 0 {
		return b.String() + " ON CONFLICT DO NOTHING"
	}
	return b.String() + " ON CONFLICT (" + strings.Join(key, ", ") + ") DO UPDATE SET " + strings.Join(assign, ", ")
}

// Insert returns the statement that inserts several rows. Rows that exist already are an error
// ([IsTaken]), or skipped if ignore is set.
func (k Kind) Insert(table string, columns []string, rows int, ignore bool) string {
	var b strings.Builder
	b.WriteString("INSERT ")
	if ignore && k == MySQL {
		b.WriteString("IGNORE ")
	}
	b.WriteString("INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES ")
	one := "(" + Marks(len(columns)) + "), "
	b.WriteString(strings.TrimSuffix(strings.Repeat(one, rows), ", "))
	if ignore && k != MySQL {
		b.WriteString(" ON CONFLICT DO NOTHING")
	}
	return b.String()
}

// Marks returns n question marks, separated by commas.
func Marks(n int) string { return strings.TrimSuffix(strings.Repeat("?, ", n), ", ") }

// IsTaken reports whether a statement failed on a unique key.
func IsTaken(err error) bool {
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	switch {
	case err == nil:
		return false
	case errors.As(err, &pg):
		return pg.Code == "23505" // unique_violation
	case errors.As(err, &my):
		return my.Number == 1062 // ER_DUP_ENTRY
	}
	return strings.Contains(err.Error(), "UNIQUE constraint failed")
}

// IsLost reports whether a call failed because its connection had ended, so that it may succeed
// on another one. Whether it took effect is unknown.
func IsLost(err error) bool {
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &pg):
		return strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "08") // the server ends; the connection did
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled):
		return false
	}
	for _, lost := range []error{
		driver.ErrBadConn, mysql.ErrInvalidConn, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
		syscall.ECONNRESET, syscall.EPIPE,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	return err != nil && pgconn.SafeToRetry(err) && !errors.Is(err, syscall.ECONNREFUSED)
}

// IsForeign reports whether a statement failed because a parameter has characters that a column
// or the database can't hold, so that nothing there equals it.
func IsForeign(err error) bool {
	var pg *pgconn.PgError
	var my *mysql.MySQLError
	switch {
	case errors.As(err, &pg):
		return pg.Code == "22P05" // untranslatable_character
	case errors.As(err, &my):
		return my.Number == 1267 || my.Number == 1270 || my.Number == 1271 // ER_CANT_AGGREGATE_…COLLATIONS
	}
	return false
}
