package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/pressly/goose/v3"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"autoconfig/internal/directory"
)

// Why a database isn't opened.
var (
	ErrNewerSchema = errors.New("the database was written by a newer version of autoconfig")
	ErrURL         = errors.New("not a database")
)

// What a change would break.
var (
	ErrExists       = directory.ErrExists
	ErrNoSuchDomain = directory.ErrNoSuchDomain
	ErrHasAccounts  = directory.ErrHasAccounts
)

//go:embed migrations/*.sql
var migrations embed.FS

// Store is a database. It is safe for concurrent use, by several processes too.
type Store struct{ db *sql.DB }

// Open opens a database and brings its schema up to date. address is
// "sqlite:FILE", relative to folder, or "sqlite::memory:" for one that is gone
// with the Store.
func Open(ctx context.Context, address, folder string) (*Store, error) {
	file, isSQLite := strings.CutPrefix(address, "sqlite:")
	if !isSQLite || file == "" {
		return nil, fmt.Errorf("%w: %q; write sqlite:FILE", ErrURL, withoutPassword(address))
	}
	db, err := openSQLite(file, folder)
	if err != nil {
		return nil, err
	}
	s := &Store{db}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

// Close closes the database.
func (s *Store) Close() error { return s.db.Close() }

func withoutPassword(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return "..."
}

func openSQLite(file, folder string) (*sql.DB, error) {
	if file == ":memory:" {
		db, err := sql.Open("sqlite", "file::memory:?_pragma=foreign_keys(1)&_txlock=immediate")
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(1) // each connection would have a memory of its own
		db.SetConnMaxIdleTime(0)
		return db, nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(folder, file)
	}
	// What we know of people is nobody else's business on this machine.
	created, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := created.Close(); err != nil {
		return nil, err
	}
	query := url.Values{
		// busy_timeout comes first: switching to WAL may itself have to wait.
		"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(NORMAL)", "foreign_keys(1)"},
		"_txlock": {"immediate"},
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?"+query.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(8)
	return db, nil
}

// migrate brings the schema up to date, and refuses a newer one.
func (s *Store) migrate(ctx context.Context) error {
	folder, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, s.db, folder)
	if err != nil {
		return err
	}
	version, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the database: %w", err)
	}
	sources := provider.ListSources()
	newest := sources[len(sources)-1].Version
	if version > newest {
		return fmt.Errorf("%w: its schema is version %d, this binary knows %d; use the newer autoconfig, or restore the backup that was made before it", ErrNewerSchema, version, newest)
	}
	if _, err := provider.Up(ctx); err != nil {
		// Another process may have done it at the same time.
		if version, again := provider.GetDBVersion(ctx); again == nil && version == newest {
			return nil
		}
		return fmt.Errorf("bring the database's schema up to date: %w", err)
	}
	return nil
}
