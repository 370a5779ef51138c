package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"autoconfig/internal/database"
)

// ForgivenAt is when the last failure of a client is forgiven; the zero time if there
// is none. kind says of what, and client is a keyed hash.
func (s *Store) ForgivenAt(ctx context.Context, kind string, client []byte) (time.Time, error) {
	var at int64
	err := s.db.QueryRowContext(ctx, `SELECT forgiven_at FROM failures WHERE kind = ? AND client = ?`, kind,
		client).Scan(&at)
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, nil
	}
	return time.UnixMilli(at).UTC(), err
}

// AddFailure moves the time of [Store.ForgivenAt] on by what one failure takes, in
// whole milliseconds: from now on if it has passed, or is later than latest, which
// only a clock that was wrong can have written.
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
	// What is a day ahead was written by a clock that was wrong.
	_, err := s.db.ExecContext(ctx, `DELETE FROM failures WHERE forgiven_at < ? OR forgiven_at > ?`, now.UnixMilli(),
		now.AddDate(0, 0, 1).UnixMilli())
	return err
}
