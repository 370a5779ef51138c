package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"autoconfig/internal/database"
)

// metaSecret is the mark of the secret_file with which the database is used. It is in
// backups: what was sealed is in them too.
const metaSecret = "secret"

// KnowSecret is the mark of the secret_file that the database belongs to. Where it has
// none yet, it takes the one that is given.
func (s *Store) KnowSecret(ctx context.Context, mark string) (string, error) {
	known, err := meta(ctx, s.db, metaSecret)
	if !errors.Is(err, sql.ErrNoRows) {
		return known, err
	}
	insert := s.db.Kind.Insert("meta", []string{"name", "value"}, 1, true)
	if _, err := s.db.ExecContext(ctx, insert, metaSecret, mark); err != nil {
		return "", err
	}
	return meta(ctx, s.db, metaSecret) // another replica may have been quicker
}

// TakeSecret lets the database belong to another secret_file from now on. What was sealed
// with the old one and can be made anew is given up: the accounts at ACME servers, and
// the certificates, which are wanted anew at once.
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
