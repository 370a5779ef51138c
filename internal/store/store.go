package store

import (
	"cmp"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
)

// Why a database isn't opened.
var (
	ErrNewerSchema = errors.New("the database was written by a newer version of autoconfig")
	ErrOlderSchema = errors.New("the database was written by an autoconfig from before its first release")
	ErrEncoding    = errors.New("the database can't keep every character")
	ErrURL         = database.ErrURL
)

// Conflicts of a change with what is stored.
var (
	ErrExists       = directory.ErrExists
	ErrNoSuchDomain = directory.ErrNoSuchDomain
	ErrHasAccounts  = directory.ErrHasAccounts
)

//go:embed migrations
var embedded embed.FS

// Store is a database. It is safe for concurrent use, also by several processes.
type Store struct {
	db         *database.DB
	migrations fs.FS // the embedded ones if nil
	kept       atomic.Pointer[shared]
}

// Options configure how a database is opened. All are optional.
type Options struct {
	// Folder is the folder of a relative SQLite file.
	Folder string
	// Connections bounds the pool; see [database.Options].
	Connections int
	// Patience is how long to wait for another process that changes the schema; two minutes
	// if 0.
	Patience time.Duration

	migrations fs.FS // for tests
}

// Open opens a database and migrates its schema. "sqlite::memory:" lasts as long as the Store.
func Open(ctx context.Context, address database.Address, o Options) (*Store, error) {
	db, err := database.Open(address, database.Options{Folder: o.Folder, Connections: o.Connections})
	if err != nil {
		return nil, err
	}
	s := &Store{db: db, migrations: o.migrations}
	if err := s.prepare(ctx, cmp.Or(o.Patience, 2*time.Minute)); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", address, err), db.Close())
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

// Together runs f in one transaction, which everything that f does through this Store with its context
// joins; see [database.DB.Together].
func (s *Store) Together(ctx context.Context, f func(ctx context.Context) error) error {
	return s.db.Together(ctx, f)
}

var dialects = map[database.Kind]goose.Dialect{
	database.SQLite: goose.DialectSQLite3, database.PostgreSQL: goose.DialectPostgres, database.MySQL: goose.DialectMySQL,
}

// prepare migrates the schema, and gives a new database its identity. If replicas start together, one
// does it and the others wait.
func (s *Store) prepare(ctx context.Context, patience time.Duration) error {
	connection, err := s.connect(ctx)
	if err != nil {
		return err
	}
	// Patience begins here: a server that is slow to let us in is no other process.
	patient, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("%w for %s", errOtherChanges, patience))
	defer cancel()
	release, err := s.lockSchema(patient, connection)
	if err != nil {
		if cause := context.Cause(patient); errors.Is(cause, errOtherChanges) {
			err = cause
		}
		return fmt.Errorf("wait for other processes that start: %w", err)
	}
	defer release()
	if err := s.checkEncoding(ctx); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	return s.begin(ctx)
}

// checkEncoding refuses a PostgreSQL database with another encoding than UTF-8: a request with a
// character that it lacks would cause a database error, and a few of those would look like an outage.
func (s *Store) checkEncoding(ctx context.Context) error {
	if s.db.Kind != database.PostgreSQL {
		return nil
	}
	var encoding, name string
	asked := s.db.QueryRowContext(ctx, `SELECT current_setting('server_encoding'), current_database()`)
	if err := asked.Scan(&encoding, &name); err != nil {
		return fmt.Errorf("ask for the database's encoding: %w", err)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("%w: its encoding is %s, and must be UTF8; make another one: "+
			"CREATE DATABASE %s_utf8 ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0", ErrEncoding, encoding, name)
	}
	return nil
}

// migrate migrates the schema, and refuses a newer one.
func (s *Store) migrate(ctx context.Context) error {
	provider, err := s.provider()
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	version, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the database: %w", err)
	}
	if version > newest {
		return fmt.Errorf("%w: its schema is version %d, this binary knows %d; use the newer autoconfig, or restore the "+
			"backup that was made before it", ErrNewerSchema, version, newest)
	}
	if version == newest {
		return nil
	}
	if _, err := meta(ctx, s.db, metaSiteID); version == 0 && err == nil {
		return fmt.Errorf("%w, whose tables this one can't read; write the site down with that autoconfig "+
			"(autoconfig export > site.yaml), name a new database in the configuration, and give it the site with this one "+
			"(autoconfig apply site.yaml); people, tokens and links are made anew", ErrOlderSchema)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("bring the database's schema up to date: %w", err)
	}
	return nil
}

// schemaTable holds the schema's version. goose's default name might be in use by another program in
// the same database.
const schemaTable = "autoconfig_schema"

// provider returns the migrations.
func (s *Store) provider() (*goose.Provider, error) {
	var all fs.FS = embedded
	if s.migrations != nil {
		all = s.migrations
	}
	folder, err := fs.Sub(all, "migrations/"+string(s.db.Kind))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(dialects[s.db.Kind], s.db.Pool(), folder, goose.WithTableName(schemaTable))
}

// noConnection says in a line why a server can't be used.
type noConnection struct{ error }

func (n noConnection) Error() string {
	return "no connection: " + n.error.Error() + "; see that it runs, and that the configuration has its address, " +
		"database, user and password"
}

func (n noConnection) Unwrap() error { return n.error }

var errOtherChanges = errors.New("another process has been changing the schema")

// connectPatience bounds the first connection.
const connectPatience = 2 * time.Minute

// connect gives a server's connection for the lock; nil for SQLite.
func (s *Store) connect(ctx context.Context) (*sql.Conn, error) {
	if s.db.Kind == database.SQLite {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, connectPatience)
	defer cancel()
	connection, err := s.db.Pool().Conn(ctx)
	if err != nil {
		return nil, noConnection{err}
	}
	return connection, nil
}

// lockSchema lets one process at a time change the schema. The lock ends with the connection, and so
// with the process.
func (s *Store) lockSchema(ctx context.Context, connection *sql.Conn) (release func(), err error) {
	lock := lockPostgreSQL
	switch {
	case s.db.Kind == database.SQLite && s.db.Folder == "":
		return func() {}, nil // nobody else has this database
	case s.db.Kind == database.SQLite:
		return database.LockFolder(ctx, s.db.Folder)
	case s.db.Kind == database.MySQL:
		lock = lockMySQL
	}
	unlock, err := lock(ctx, connection)
	if err != nil {
		return nil, errors.Join(err, connection.Close())
	}
	return func() { unlock(); _ = connection.Close() }, nil
}

// lockPostgreSQL locks within a transaction: a session's lock might stay with the next user of the
// session if there is a pool in between.
func lockPostgreSQL(ctx context.Context, connection *sql.Conn) (release func(), err error) {
	tx, err := connection.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return nil, err
	}
	release = func() { _ = tx.Rollback() }
	if _, err := tx.ExecContext(ctx, `SELECT pg_advisory_xact_lock(hashtext('autoconfig'))`); err != nil {
		release()
		return nil, err
	}
	return release, nil
}

// lockMySQL locks for the session. The lock's name has at most 64 characters, as many as a database's
// may have.
func lockMySQL(ctx context.Context, connection *sql.Conn) (release func(), err error) {
	const name = `CONCAT('autoconfig.', IF(CHAR_LENGTH(DATABASE()) > 53, MD5(DATABASE()), DATABASE()))`
	for {
		var got sql.NullInt64
		// One second at a time, as a server is slow to notice that nobody waits any more.
		if err := connection.QueryRowContext(ctx, `SELECT GET_LOCK(`+name+`, 1)`).Scan(&got); err != nil {
			return nil, err
		}
		if got.Int64 == 1 {
			return func() { _, _ = connection.ExecContext(context.WithoutCancel(ctx), `SELECT RELEASE_LOCK(`+name+`)`) }, nil
		}
	}
}
