package store

import (
	"context"
	"time"

	"autoconfig/internal/staff"
)

// Expiry is how long records are kept: links and tokens that ended, audit entries that were made, and
// overrides whose accounts disappeared before these times are removed.
type Expiry struct{ Links, Audit, Overrides time.Time }

// Expire removes what has expired, sessions that were last used before yesterday, and forgiven
// failures.
func (s *Store) Expire(ctx context.Context, before Expiry, now time.Time) error {
	for _, step := range []struct {
		query  string
		before time.Time
	}{
		{`DELETE FROM links WHERE expires_at < ?`, before.Links},
		{`DELETE FROM messages WHERE made_at < ?`, before.Links}, // also queued ones, for a server that is gone
		{`DELETE FROM audit WHERE at < ?`, before.Audit},
		{`DELETE FROM sessions WHERE made_at < ?`, now.Add(-staff.SessionLife)},
		{`DELETE FROM tokens WHERE expires_at < ?`, before.Links},
		{`DELETE FROM overrides WHERE gone_at > 0 AND gone_at < ?`, before.Overrides},
	} {
		if _, err := s.db.ExecContext(ctx, step.query, unix(step.before)); err != nil {
			return err
		}
	}
	if err := s.expireFailures(ctx, now); err != nil {
		return err
	}
	// A notice is kept as long as its link, even once it was sent: it says that it isn't to be sent again.
	for _, table := range []string{"link_events", "link_notices"} {
		if _, err := s.db.ExecContext(ctx, `DELETE FROM `+table+` WHERE link NOT IN (SELECT id FROM links)`); err != nil {
			return err
		}
	}
	return nil
}
