package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/staff"
	"autoconfig/settings"
)

// Forget puts a pseudonym in the place of an address wherever links and the audit
// log name it, withdraws its links, and removes its override. The account itself
// stays.
func (s *Store) Forget(ctx context.Context, key, pseudonym string, now time.Time) (found int64, err error) {
	// What is used and logged meanwhile takes the same rows in another order.
	err = database.Repeat(ctx, func() error {
		found, err = s.forget(ctx, key, pseudonym, now)
		return err
	})
	return found, err
}

func (s *Store) forget(ctx context.Context, key, pseudonym string, now time.Time) (found int64, err error) {
	err = s.change(ctx, func(tx database.Queryer) (changed bool, err error) {
		run := func(query string, args ...any) (n int64) {
			if err != nil {
				return 0
			}
			var result sql.Result
			if result, err = tx.ExecContext(ctx, query, args...); err == nil {
				n, err = result.RowsAffected()
				found += n
			}
			return n
		}
		run(`UPDATE links SET address = ?, address_key = ?, note = '', revoked_by = CASE WHEN revoked_at = 0 THEN 'forgotten' ELSE revoked_by END,
			revoked_at = CASE WHEN revoked_at = 0 THEN ? ELSE revoked_at END WHERE address_key = ?`, pseudonym, pseudonym, unix(now), key)
		entries, entriesErr := entriesOf(ctx, tx, key)
		err = errors.Join(err, entriesErr)
		for part := range slices.Chunk(entries, batchRows) {
			run(`UPDATE audit SET subject = ?, detail = '' WHERE id IN (`+database.Marks(len(part))+`)`, append([]any{pseudonym}, arguments(part)...)...)
		}
		overridden := run(`DELETE FROM overrides WHERE address = ?`, key)
		return overridden > 0, err
	})
	return found, err
}

// entriesOf are the entries of the audit log that name an address in any way to
// write it. Only we know which ways those are: the databases have letter cases of
// their own, and none knows of quotes.
func entriesOf(ctx context.Context, tx database.Queryer, key string) (ids []int64, err error) {
	domain := key[strings.LastIndexByte(key, '@')+1:]
	rows, err := tx.QueryContext(ctx, `SELECT id, subject FROM audit WHERE LOWER(subject) LIKE ?`, "%@"+domain)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		var subject string
		if err := rows.Scan(&id, &subject); err != nil {
			return nil, err
		}
		if address, err := settings.ParseAddress(subject); err == nil && address.Key() == key {
			ids = append(ids, id)
		}
	}
	return ids, rows.Err()
}

// Expiry says what has been kept long enough: links and tokens that ended, entries
// of the audit log that were made, and overrides whose account has been gone, all
// before a time.
type Expiry struct{ Links, Audit, Overrides time.Time }

// Expire removes what has been kept long enough, sessions that nobody used since
// yesterday, and failures that are forgiven.
func (s *Store) Expire(ctx context.Context, before Expiry, now time.Time) error {
	for _, step := range []struct {
		query  string
		before time.Time
	}{
		{`DELETE FROM links WHERE expires_at < ?`, before.Links},
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
	_, err := s.db.ExecContext(ctx, `DELETE FROM link_events WHERE link NOT IN (SELECT id FROM links)`)
	return err
}
