package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base32"
	"strings"
)

// The facts in the table meta.
const (
	metaSiteID     = "site_id"
	metaGeneration = "generation"
)

// begin gives a new database its identity.
func (s *Store) begin(ctx context.Context) error {
	return s.change(ctx, func(tx *sql.Tx) (bool, error) {
		_, err := tx.ExecContext(ctx, `INSERT INTO meta (name, value) VALUES (?, ?), (?, '1') ON CONFLICT (name) DO NOTHING`,
			metaSiteID, newID(), metaGeneration)
		return false, err
	})
}

// newID is 130 random bits.
func newID() string {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw))[:26]
}

// SiteID is the site's random identity.
func (s *Store) SiteID(ctx context.Context) (string, error) { return meta(ctx, s.db, metaSiteID) }

// Generation is a number that every change raises.
func (s *Store) Generation(ctx context.Context) (int64, error) {
	var generation int64
	err := s.db.QueryRowContext(ctx, `SELECT CAST(value AS INTEGER) FROM meta WHERE name = ?`, metaGeneration).Scan(&generation)
	return generation, err
}

func meta(ctx context.Context, q queryer, name string) (string, error) {
	var value string
	err := q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, name).Scan(&value)
	return value, err
}

// queryer is a database or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// change runs f in a transaction, and raises the generation in it if f changed
// anything. If f fails, nothing has happened.
func (s *Store) change(ctx context.Context, f func(tx *sql.Tx) (changed bool, err error)) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	changed, err := f(tx)
	if err != nil {
		return err
	}
	if changed {
		if _, err := tx.ExecContext(ctx, `UPDATE meta SET value = CAST(value AS INTEGER) + 1 WHERE name = ?`, metaGeneration); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// view lets f read one state of the database, whatever is changed meanwhile.
func (s *Store) view(ctx context.Context, f func(q queryer) error) error {
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // there is nothing to commit
	return f(tx)
}
