package store

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"strconv"
	"strings"

	"autoconfig/internal/database"
)

// The facts in the table meta.
const (
	metaSiteID     = "site_id"
	metaGeneration = "generation"
	metaConfig     = "config" // generation of providers, plans and domains
	metaNames      = "names"  // generation of the domain names that sources list
)

// begin gives a new database its identity. It doesn't begin a transaction on one that has it: on
// SQLite that would wait for another process's import.
func (s *Store) begin(ctx context.Context) error {
	begun := true
	for _, name := range []string{metaSiteID, metaGeneration, metaConfig, metaNames} {
		_, err := meta(ctx, s.db, name)
		begun = begun && err == nil
	}
	if begun {
		return nil
	}
	return s.db.Change(ctx, func(tx database.Queryer) error {
		for name, value := range map[string]string{
			metaSiteID: newID(), metaGeneration: "1", metaConfig: "1",
			metaNames: "1",
		} {
			if _, err := meta(ctx, tx, name); err == nil {
				continue
			}
			if _, err := tx.ExecContext(ctx, s.db.Kind.Upsert("meta", []string{"name", "value"}, nil), name, value); err != nil {
				return err
			}
		}
		return nil
	})
}

// newID returns 130 random bits.
func newID() string {
	raw := make([]byte, 20)
	_, _ = rand.Read(raw) // never fails
	return strings.ToLower(base32.StdEncoding.EncodeToString(raw))[:26]
}

// SiteID returns the site's random identity.
func (s *Store) SiteID(ctx context.Context) (string, error) { return meta(ctx, s.db, metaSiteID) }

// Generation returns a number that every change raises.
func (s *Store) Generation(ctx context.Context) (int64, error) {
	return number(ctx, s.db, metaGeneration)
}

// ConfigGeneration returns a number that every change of providers, plans and domains raises.
func (s *Store) ConfigGeneration(ctx context.Context) (int64, error) {
	return number(ctx, s.db, metaConfig)
}

// NamesGeneration returns a number that every change of the names that sources list raises.
func (s *Store) NamesGeneration(ctx context.Context) (int64, error) {
	return number(ctx, s.db, metaNames)
}

func number(ctx context.Context, q database.Queryer, name string) (int64, error) {
	value, err := meta(ctx, q, name)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(value, 10, 64)
}

// raiseConfig records a change of providers, plans or domains.
func raiseConfig(ctx context.Context, tx database.Queryer) error { return raise(ctx, tx, metaConfig) }

func raise(ctx context.Context, tx database.Queryer, name string) error {
	n, err := number(ctx, tx, name)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE meta SET value = ? WHERE name = ?`, strconv.FormatInt(n+1, 10), name)
	return err
}

func meta(ctx context.Context, q database.Queryer, name string) (string, error) {
	var value string
	err := q.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`, name).Scan(&value)
	return value, err
}

// channel is PostgreSQL's channel for notifications of changes.
const channel = "autoconfig_changed"

// Listen implements [directory.Store].
func (s *Store) Listen(ctx context.Context, heard func()) error {
	if s.db.Kind != database.PostgreSQL {
		return nil // the others have no notifications
	}
	return s.db.Listen(ctx, channel, heard)
}

// forUpdate ends a query for rows that stay locked until the transaction ends.
func (s *Store) forUpdate() string {
	if s.db.Kind == database.SQLite {
		return "" // its transactions begin as writers
	}
	return " FOR UPDATE"
}

// Hold locks the site until the context's transaction ends, so that it can be read, changed and
// written back.
func (s *Store) Hold(ctx context.Context) error {
	return s.change(ctx, func(database.Queryer) (bool, error) { return false, nil })
}

// change runs f in a transaction, and raises the generation if f has changed anything. Changes are
// serialised by locking the row of the generation.
func (s *Store) change(ctx context.Context, f func(tx database.Queryer) (changed bool, err error)) error {
	return s.changeBy(ctx, s.db.Change, f)
}

// changeBy is change with another kind of transaction.
func (s *Store) changeBy(ctx context.Context, transaction func(context.Context, func(database.Queryer) error) error,
	f func(tx database.Queryer) (changed bool, err error),
) error {
	return transaction(ctx, func(tx database.Queryer) error {
		var value string
		if err := tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`+s.forUpdate(),
			metaGeneration).Scan(&value); err != nil {
			return err
		}
		generation, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("the database's generation: %w", err)
		}
		changed, err := f(tx)
		if err != nil || !changed {
			return err
		}
		if _, err := tx.ExecContext(ctx, `UPDATE meta SET value = ? WHERE name = ?`, strconv.FormatInt(generation+1, 10),
			metaGeneration); err != nil {
			return err
		}
		if s.db.Kind == database.PostgreSQL { // delivered when the transaction is committed
			_, err = tx.ExecContext(ctx, `SELECT pg_notify('`+channel+`', '')`)
		}
		return err
	})
}
