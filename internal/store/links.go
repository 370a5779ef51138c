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
	q := selectFrom(linkColumns, "links", f.Domains)
	q.and(f.Before != "", `id < ?`, f.Before) // not by time: the databases would read all later rows
	q.and(f.Address != "", `address_key = ?`, f.Address)
	q.and(f.Text != "", `(LOWER(address) LIKE ? ESCAPE '!' OR LOWER(note) LIKE ? ESCAPE '!')`,
		anywhere(f.Text), anywhere(f.Text))
	q.and(!f.MadeAfter.IsZero(), `made_at > ?`, unix(f.MadeAfter))
	q.and(!f.MadeBefore.IsZero(), `made_at < ?`, unix(f.MadeBefore))
	var now []any
	if f.State == links.Open || f.State == links.Expired {
		now = []any{unix(f.Now)}
	}
	state := linkStates[f.State]
	q.and(state != "", state, now...)
	return latest(ctx, s, q, f.Limit, readLink)
}

// linkStates are the conditions for [links.Link.State].
var linkStates = map[links.State]string{
	links.Revoked: `revoked_at <> 0`,
	links.Used:    `revoked_at = 0 AND used >= uses`,
	links.Expired: `revoked_at = 0 AND used < uses AND expires_at <= ?`,
	links.Open:    `revoked_at = 0 AND used < uses AND expires_at > ?`,
}

// UseLink implements [links.Store]. Only one of two concurrent uses gets the last one.
func (s *Store) UseLink(ctx context.Context, id string, now time.Time) (bool, error) {
	return s.changesOne(ctx, `UPDATE links SET used = used + 1 WHERE id = ? AND used < uses AND revoked_at = 0 `+
		`AND expires_at > ?`, id, unix(now))
}

// RevokeLink implements [links.Store].
func (s *Store) RevokeLink(ctx context.Context, id, by string, now time.Time) (bool, error) {
	return s.changesOne(ctx, `UPDATE links SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at = 0`,
		unix(now), by, id)
}

// AddLinkEvent implements [links.Store], with one row for each kind and device however often a link
// is opened.
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
	// A statement that fails would end the transaction that this may be a part of.
	added, err := s.changesOne(ctx, s.db.Kind.Insert("link_events",
		[]string{"link", "kind", "device", "first_at", "last_at", "count"}, 1, true),
		id, kind, device, unix(now), unix(now), 1)
	if err == nil && !added { // by a concurrent request
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

// orNull returns a text's bytes, or NULL if it is empty.
func orNull(text string) []byte {
	if text == "" {
		return nil
	}
	return []byte(text)
}

// changesOne runs a statement, and reports whether it matched one row.
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

// among is the condition that a column's value is in the list; nil means no condition.
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

// unix is the stored form of a time: seconds, or 0 for the zero time.
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
