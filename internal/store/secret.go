package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"autoconfig/internal/database"
)

// metaSecret is the fingerprint of the database's secret_file. Backups have it too, as they contain
// what was sealed with it.
const metaSecret = "secret"

// KnowSecret returns the fingerprint of the secret_file that the database belongs to, which is the
// given one if it has none yet.
func (s *Store) KnowSecret(ctx context.Context, mark string) (string, error) {
	known, err := meta(ctx, s.db, metaSecret)
	if !errors.Is(err, sql.ErrNoRows) {
		return known, err
	}
	insert := s.db.Kind.Insert("meta", []string{"name", "value"}, 1, true)
	if _, err := s.db.ExecContext(ctx, insert, metaSecret, mark); err != nil {
		return "", err
	}
	return meta(ctx, s.db, metaSecret) // another replica may have set it
}

// TakeSecret assigns the database to another secret_file. What was sealed with the old one and can be
// made again is dropped: the accounts at ACME servers, and the certificates, which become due at once.
func (s *Store) TakeSecret(ctx context.Context, mark string, now time.Time) error {
	return s.db.Change(ctx, func(tx database.Queryer) error {
		upsert := s.db.Kind.Upsert("meta", []string{"name"}, []string{"value"})
		if _, err := tx.ExecContext(ctx, upsert, metaSecret, mark); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM acme_accounts`); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE certificates SET chain = NULL, sealed_key = NULL, issued = 0, not_after = 0,
			renew_at = 0, due_at = ?, failures = 0, code = '', reason = '', holder = '', held_until = 0`, now.Unix())
		return err
	})
}
