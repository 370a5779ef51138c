package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/links"
)

var _ links.Store = (*Store)(nil)

const linkColumns = `id, ordered, address, domain, language, note, made_by, made_at, expires_at, uses, used, ` +
	`revoked_at, revoked_by`

// PutLink implements [links.Store].
func (s *Store) PutLink(ctx context.Context, hash []byte, key string, l links.Link) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO links (hash, address_key, `+linkColumns+`) `+
		`VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		hash, key, l.ID, orNull(l.Ordered), l.Address, l.Domain, l.Language, l.Note, l.MadeBy, unix(l.MadeAt),
		unix(l.ExpiresAt), l.Uses, l.Used, unix(l.RevokedAt), l.RevokedBy)
	if database.IsTaken(err) {
		return links.ErrTaken
	}
	return err
}

// LinkByHash implements [links.Store].
func (s *Store) LinkByHash(ctx context.Context, hash []byte) (links.Link, error) {
	return readLink(s.db.QueryRowContext(ctx, `SELECT `+linkColumns+` FROM links WHERE hash = ?`, hash))
}

// Link implements [links.Store].
func (s *Store) Link(ctx context.Context, id string) (links.Link, error) {
	return readLink(s.db.QueryRowContext(ctx, `SELECT `+linkColumns+` FROM links WHERE id = ?`, id))
}

// Links implements [links.Store].
func (s *Store) Links(ctx context.Context, f links.Filter) ([]links.Link, error) {
	query, args := `SELECT `+linkColumns+` FROM links WHERE 1 = 1`, []any(nil)
	if f.Before != "" { // alone, or the databases would go through all that is later
		query, args = query+` AND id < ?`, append(args, f.Before)
	}
	if f.Address != "" {
		query, args = query+` AND address_key = ?`, append(args, f.Address)
	}
	if f.Text != "" {
		query += ` AND (LOWER(address) LIKE ? ESCAPE '!' OR LOWER(note) LIKE ? ESCAPE '!')`
		args = append(args, anywhere(f.Text), anywhere(f.Text))
	}
	if !f.MadeAfter.IsZero() {
		query, args = query+` AND made_at > ?`, append(args, unix(f.MadeAfter))
	}
	if !f.MadeBefore.IsZero() {
		query, args = query+` AND made_at < ?`, append(args, unix(f.MadeBefore))
	}
	if f.State != "" {
		if query += linkStates[f.State]; f.State == links.Open || f.State == links.Expired {
			args = append(args, unix(f.Now))
		}
	}
	bound, more := among("domain", f.Domains)
	rows, err := s.db.QueryContext(ctx, query+bound+` ORDER BY id DESC LIMIT ?`, append(append(args, more...), f.Limit)...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, readLink)
}

// linkStates are conditions for [links.Link.State].
var linkStates = map[links.State]string{
	links.Revoked: ` AND revoked_at <> 0`,
	links.Used:    ` AND revoked_at = 0 AND used >= uses`,
	links.Expired: ` AND revoked_at = 0 AND used < uses AND expires_at <= ?`,
	links.Open:    ` AND revoked_at = 0 AND used < uses AND expires_at > ?`,
}

// UseLink implements [links.Store]: of two at the same time, one gets the last use.
func (s *Store) UseLink(ctx context.Context, id string, now time.Time) (bool, error) {
	return s.changesOne(ctx, `UPDATE links SET used = used + 1 WHERE id = ? AND used < uses AND revoked_at = 0 `+
		`AND expires_at > ?`, id, unix(now))
}

// RevokeLink implements [links.Store].
func (s *Store) RevokeLink(ctx context.Context, id, by string, now time.Time) error {
	_, err := s.db.ExecContext(ctx, `UPDATE links SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at = 0`,
		unix(now), by, id)
	return err
}

// AddLinkEvent implements [links.Store]: one row for each kind and device, however
// often a link is opened.
func (s *Store) AddLinkEvent(
	ctx context.Context, id string, kind links.Kind, device links.Device, now time.Time,
) error {
	count := func() (bool, error) {
		return s.changesOne(ctx, `UPDATE link_events SET last_at = ?, count = count + 1 WHERE link = ? AND kind = ? `+
			`AND device = ?`, unix(now), id, kind, device)
	}
	if counted, err := count(); err != nil || counted {
		return err
	}
	_, err := s.db.ExecContext(ctx, `INSERT INTO link_events (link, kind, device, first_at, last_at, count) `+
		`VALUES (?, ?, ?, ?, ?, 1)`, id, kind, device, unix(now), unix(now))
	if database.IsTaken(err) { // by another replica, just now
		_, err = count()
	}
	return err
}

// LinkEvents implements [links.Store].
func (s *Store) LinkEvents(ctx context.Context, id string) ([]links.Event, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT kind, device, first_at, last_at, count FROM link_events WHERE link = ? `+
		`ORDER BY first_at, kind, device`, id)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(row scanner) (links.Event, error) {
		var e links.Event
		var first, last int64
		err := row.Scan(&e.Kind, &e.Device, &first, &last, &e.Count)
		e.First, e.Last = moment(first), moment(last)
		return e, err
	})
}

func readLink(row scanner) (links.Link, error) {
	var l links.Link
	var ordered []byte
	var made, expires, revoked int64
	err := row.Scan(&l.ID, &ordered, &l.Address, &l.Domain, &l.Language, &l.Note, &l.MadeBy, &made, &expires, &l.Uses,
		&l.Used, &revoked, &l.RevokedBy)
	if errors.Is(err, sql.ErrNoRows) {
		err = links.ErrUnknown
	}
	l.Ordered = string(ordered)
	l.MadeAt, l.ExpiresAt, l.RevokedAt = moment(made), moment(expires), moment(revoked)
	return l, err
}

// orNull are a text's bytes, NULL for none.
func orNull(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// changesOne runs a statement, and tells whether it met one row.
func (s *Store) changesOne(ctx context.Context, query string, args ...any) (bool, error) {
	result, err := s.db.ExecContext(ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

type scanner interface{ Scan(into ...any) error }

// scanAll reads all rows, and closes them.
func scanAll[T any](rows *sql.Rows, read func(scanner) (T, error)) ([]T, error) {
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		item, err := read(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, rows.Err()
}

// among is a condition that a column has a value of the list; nil means any.
func among(column string, list []string) (condition string, args []any) {
	if list == nil {
		return "", nil
	}
	if len(list) == 0 {
		return " AND 1 = 0", nil
	}
	for _, item := range list {
		args = append(args, item)
	}
	return ` AND ` + column + ` IN (` + database.Marks(len(list)) + `)`, args
}

// unix is a time as it is kept: 0 for the zero time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

func moment(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}
