package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
)

// PACC gives the document that is served for a domain's name and the one that
// waits for its digest in the DNS; nil for none.
func (s *Store) PACC(ctx context.Context, name string) (served, waiting []byte, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT served, waiting FROM pacc WHERE name = ?`, name).Scan(&served, &waiting)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return served, waiting, err
}

// PutPACC stores both documents for a domain's name.
func (s *Store) PutPACC(ctx context.Context, name string, served, waiting []byte) error {
	return s.change(ctx, func(tx database.Queryer) (bool, error) {
		var oldServed, oldWaiting []byte
		err := tx.QueryRowContext(ctx, `SELECT served, waiting FROM pacc WHERE name = ?`, name).Scan(&oldServed, &oldWaiting)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return false, err
		}
		_, err = tx.ExecContext(ctx, s.db.Kind.Upsert("pacc", []string{"name"}, []string{"served", "waiting"}), name, served, waiting)
		// What waits isn't served: only the other makes caches ask again.
		return !bytes.Equal(oldServed, served), err
	})
}

// WaitingPACC are the names whose document waits.
func (s *Store) WaitingPACC(ctx context.Context) ([]string, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT name FROM pacc WHERE waiting IS NOT NULL ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}

// Document implements [directory.Source].
func (s *Store) Document(ctx context.Context, name string) ([]byte, error) {
	served, _, err := s.PACC(ctx, name)
	if err == nil && served == nil {
		err = directory.ErrNotFound
	}
	return served, err
}
