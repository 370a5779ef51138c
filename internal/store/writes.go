package store

import (
	"context"
	"time"
)

// NotDurable names the setting by which the server may lose acknowledged changes at a power failure;
// "" if there is none.
func (s *Store) NotDurable(ctx context.Context) (string, error) { return s.db.NotDurable(ctx) }

// Unwritable says since when and why nothing can be written; nil while it can. Reading may work
// meanwhile.
func (s *Store) Unwritable() (since time.Time, why error) {
	if u := s.db.Unwritable(); u != nil {
		return u.Since, u.Err
	}
	return time.Time{}, nil
}

// Intervals of the small change that finds out whether anything can be written.
const (
	tryWrite      = time.Minute
	tryWriteAgain = 2 * time.Second
	tryWriteFor   = 10 * time.Second
)

// WatchWrites keeps [Store.Unwritable] up to date until ctx ends: real changes show that nothing can
// be written, and a small change shows that it can again.
func (s *Store) WatchWrites(ctx context.Context) error {
	tick := time.NewTicker(tryWriteAgain)
	defer tick.Stop()
	var tried time.Time
	for {
		if now := time.Now(); s.db.Unwritable() != nil || now.Sub(tried) >= tryWrite {
			tried = now
			_ = s.tryWrite(ctx) // the outcome is recorded for /readyz
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *Store) tryWrite(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tryWriteFor)
	defer cancel()
	return s.db.CanWrite(ctx, func(ctx context.Context) error {
		_, err := s.db.ExecContext(ctx, s.db.Kind.Upsert("leases", []string{"name"}, []string{"holder", "until"}),
			"a small change", "", time.Now().Unix())
		return err
	})
}
