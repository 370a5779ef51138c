package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"autoconfig/internal/database"
)

// ForgivenAt returns when the last failure of a client is forgiven; the zero time if there is
// none. kind is the kind of failure, and client is a keyed hash.
func (s *Store) ForgivenAt(ctx context.Context, kind string, client []byte) (time.Time, error) {
	var at int64
	err := s.db.QueryRowContext(ctx, `SELECT forgiven_at FROM failures WHERE kind = ? AND client = ?`, kind,
		client).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return time.UnixMilli(at).UTC(), err
}

// AddFailure postpones [Store.ForgivenAt] by the time that one failure takes, in whole
// milliseconds. It starts from now if that time has passed, or is after latest, which only a
// wrong clock can have written.
func (s *Store) AddFailure(
	ctx context.Context, kind string, client []byte, now, latest time.Time, each time.Duration,
) error {
	conflict := `ON CONFLICT (kind, client) DO UPDATE SET`
	if s.db.Kind == database.MySQL {
		conflict = `ON DUPLICATE KEY UPDATE`
	}
	from := now.UnixMilli()
	_, err := s.db.ExecContext(ctx, `INSERT INTO failures (kind, client, forgiven_at) VALUES (?, ?, ?)
		`+conflict+` forgiven_at =
		CASE WHEN failures.forgiven_at BETWEEN ? AND ? THEN failures.forgiven_at ELSE ? END + ?`,
		kind, client, from+each.Milliseconds(), from, latest.UnixMilli(), from, each.Milliseconds())
	return err
}

func (s *Store) expireFailures(ctx context.Context, now time.Time) error {
	// More than a day ahead: written by a wrong clock.
	_, err := s.db.ExecContext(ctx, `DELETE FROM failures WHERE forgiven_at < ? OR forgiven_at > ?`, now.UnixMilli(),
		now.AddDate(0, 0, 1).UnixMilli())
	return err
}
