package store

import (
	"context"
	"time"
)

// NotDurable is what the server is set to that lets it lose what it has acknowledged
// when it loses power; "" for nothing.
func (s *Store) NotDurable(ctx context.Context) (string, error) { return s.db.NotDurable(ctx) }

// Unwritable is since when nothing can be written, and why; nil while it can.
// Reading may go on meanwhile.
func (s *Store) Unwritable() (since time.Time, why error) {
	if u := s.db.Unwritable(); u != nil {
		return u.Since, u.Err
	}
	return time.Time{}, nil
}

// How often a small change is tried, to find out whether anything can be written.
const (
	tryWrite      = time.Minute
	tryWriteAgain = 2 * time.Second
	tryWriteFor   = 10 * time.Second
)

// WatchWrites finds out whether anything can be written until ctx ends: real changes
// tell that it can't, and a small one that it can again.
func (s *Store) WatchWrites(ctx context.Context) error {
	tick := time.NewTicker(tryWriteAgain)
	defer tick.Stop()
	var tried time.Time
	for {
		if now := time.Now(); s.db.Unwritable() != nil || now.Sub(tried) >= tryWrite {
			tried = now
			_ = s.tryWrite(ctx) // noted where /readyz sees it
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
