package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"autoconfig/internal/staff"
	"autoconfig/policy"
)

// Forget puts a pseudonym in the place of an address wherever links and the audit
// log name it, and withdraws its links. The account itself stays.
func (s *Store) Forget(ctx context.Context, key, pseudonym string, now time.Time) (found int64, err error) {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }() // does nothing after Commit
	run := func(query string, args ...any) {
		if err != nil {
			return
		}
		var result sql.Result
		if result, err = tx.ExecContext(ctx, query, args...); err == nil {
			var n int64
			n, err = result.RowsAffected()
			found += n
		}
	}
	run(`UPDATE links SET address = ?, address_key = ?, note = '', revoked_by = CASE WHEN revoked_at = 0 THEN 'forgotten' ELSE revoked_by END,
		revoked_at = CASE WHEN revoked_at = 0 THEN ? ELSE revoked_at END WHERE address_key = ?`, pseudonym, pseudonym, unix(now), key)
	run(`UPDATE audit SET subject = ?, detail = '' WHERE LOWER(subject) = ?`, pseudonym, key)
	if err != nil {
		return 0, err
	}
	return found, tx.Commit()
}

// Expire removes what has been kept long enough: links that ended before one time,
// entries of the audit log before another, and sessions that nobody used since
// yesterday.
func (s *Store) Expire(ctx context.Context, linksBefore, auditBefore, now time.Time) error {
	for _, step := range []struct {
		query  string
		before time.Time
	}{
		{`DELETE FROM links WHERE expires_at < ?`, linksBefore},
		{`DELETE FROM link_events WHERE link NOT IN (SELECT id FROM links) AND ? > 0`, now},
		{`DELETE FROM audit WHERE at < ?`, auditBefore},
		{`DELETE FROM sessions WHERE made_at < ?`, now.Add(-staff.SessionLife)},
		{`DELETE FROM tokens WHERE expires_at < ?`, linksBefore},
	} {
		if _, err := s.db.ExecContext(ctx, step.query, unix(step.before)); err != nil {
			return err
		}
	}
	return nil
}

// SearchAccounts finds at most limit accounts that have the text anywhere in
// their address or name, in any ASCII letter case, within domains (nil for all).
func (s *Store) SearchAccounts(ctx context.Context, text string, domains []string, limit int) ([]policy.Account, error) {
	pattern := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(text) + "%"
	bound, args := within("domain", domains)
	return documents[policy.Account](ctx, s.db, `SELECT document FROM accounts WHERE (address LIKE ? ESCAPE '\' OR json_extract(document, '$.name') LIKE ? ESCAPE '\')`+bound+` ORDER BY address LIMIT ?`,
		append(append([]any{pattern, pattern}, args...), limit)...)
}
