package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/post"
)

var _ post.Store = (*Store)(nil)

const messageColumns = `id, kind, address, domain, recipient, language, link, made_by, made_at, state, tries, ` +
	`due_at, done_at, reason`

// PutMessage implements [post.Store].
func (s *Store) PutMessage(ctx context.Context, key, to string, m post.Message, sealed []byte) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO messages (address_key, recipient_key, handed_at, holder, held_until,
		body, `+messageColumns+`) VALUES (?, ?, 0, '', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		key, to, sealed, m.ID, string(m.Kind), m.Address, m.Domain, m.To, m.Language, m.Link, m.MadeBy, unix(m.MadeAt),
		string(m.State), m.Tries, unix(m.DueAt), unix(m.DoneAt), m.Reason)
	return err
}

// CountMessages implements [post.Store].
func (s *Store) CountMessages(ctx context.Context, by, key, to string, now time.Time) (n post.Count, err error) {
	for _, count := range []struct {
		into  *int
		where string
		args  []any
	}{
		{&n.By, `made_by = ? AND made_at > ?`, []any{by, now.Add(-time.Hour).Unix()}},
		{&n.Recipient, `recipient_key = ? AND made_at > ?`, []any{to, now.Add(-24 * time.Hour).Unix()}},
		{&n.Queued, `state = ?`, []any{string(post.Queued)}},
		{&n.Welcomed, `address_key = ? AND kind = ? AND state NOT IN (?, ?)`, []any{
			key, string(post.Welcome), string(post.Refused), string(post.GivenUp),
		}},
	} {
		row := s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM messages WHERE `+count.where, count.args...)
		if err := row.Scan(count.into); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Message implements [post.Store].
func (s *Store) Message(ctx context.Context, id string) (post.Message, error) {
	return readMessage(s.db.QueryRowContext(ctx, `SELECT `+messageColumns+` FROM messages WHERE id = ?`, id))
}

// Messages implements [post.Store].
func (s *Store) Messages(ctx context.Context, f post.Filter) ([]post.Message, error) {
	q := selectFrom(messageColumns, "messages", f.Domains)
	q.and(f.Before != "", `id < ?`, f.Before)
	q.and(f.Address != "", `address_key = ?`, f.Address)
	q.and(f.Link != "", `link = ?`, f.Link)
	q.and(f.State != "", `state = ?`, string(f.State))
	q.and(f.Kind != "", `kind = ?`, string(f.Kind))
	return latest(ctx, s, q, f.Limit, readMessage)
}

// MessageSummary implements [post.Store].
func (s *Store) MessageSummary(ctx context.Context) (all post.Summary, err error) {
	var oldest int64
	err = s.db.QueryRowContext(ctx, `SELECT COUNT(*), COALESCE(MIN(made_at), 0) FROM messages WHERE state = ?`,
		string(post.Queued)).Scan(&all.Queued, &oldest)
	all.Oldest = moment(oldest)
	return all, err
}

// ClaimMessage implements [post.Store]. If two replicas find the same row, one of them gets it.
func (s *Store) ClaimMessage(ctx context.Context, holder string, now, until time.Time) (
	m post.Message, sealed []byte, found bool, err error,
) {
	const tries = 5
	free := ` AND (held_until < ? OR held_until > ?)` // too far in the future: by a wrong clock
	latest := now.Add(2 * until.Sub(now)).Unix()
	for range tries {
		var id string
		err = s.db.QueryRowContext(ctx, `SELECT id FROM messages WHERE state = ? AND due_at <= ?`+free+
			` ORDER BY due_at, id LIMIT 1`, string(post.Queued), now.Unix(), now.Unix(), latest).Scan(&id)
		if errors.Is(err, sql.ErrNoRows) {
			return m, nil, false, nil
		} else if err != nil {
			return m, nil, false, err
		}
		mine, err := s.changesOne(ctx, `UPDATE messages SET holder = ?, held_until = ? WHERE id = ? AND state = ?
			AND due_at <= ?`+free, holder, until.Unix(), id, string(post.Queued), now.Unix(), now.Unix(), latest)
		if err != nil {
			return m, nil, false, err
		} else if !mine {
			continue
		}
		return s.claimed(ctx, id)
	}
	return m, nil, false, nil
}

func (s *Store) claimed(ctx context.Context, id string) (m post.Message, sealed []byte, found bool, err error) {
	if m, err = s.Message(ctx, id); errors.Is(err, post.ErrUnknown) { // forgotten meanwhile
		return m, nil, false, nil
	} else if err != nil {
		return m, nil, false, err
	}
	var handed int64
	err = s.db.QueryRowContext(ctx, `SELECT handed_at, body FROM messages WHERE id = ?`, id).Scan(&handed, &sealed)
	if handed != 0 {
		m.State = post.Unclear
	}
	return m, sealed, err == nil, err
}

// HandOver implements [post.Store].
func (s *Store) HandOver(ctx context.Context, id, holder string, now time.Time) (bool, error) {
	return s.changesOne(ctx, `UPDATE messages SET handed_at = ? WHERE id = ? AND holder = ? AND held_until >= ?
		AND handed_at = 0 AND state = ?`, now.Unix(), id, holder, now.Unix(), string(post.Queued))
}

// PutOutcome implements [post.Store].
func (s *Store) PutOutcome(ctx context.Context, holder string, m post.Message) error {
	body := `, body = NULL`
	if m.State == post.Queued {
		body = ``
	}
	_, err := s.db.ExecContext(ctx, `UPDATE messages SET state = ?, tries = ?, due_at = ?, done_at = ?, reason = ?,
		handed_at = 0, holder = '', held_until = 0`+body+` WHERE id = ? AND holder = ?`,
		string(m.State), m.Tries, unix(m.DueAt), unix(m.DoneAt), m.Reason, m.ID, holder)
	return err
}

func readMessage(row scanner) (m post.Message, err error) {
	var made, due, done int64
	err = row.Scan(&m.ID, &m.Kind, &m.Address, &m.Domain, &m.To, &m.Language, &m.Link, &m.MadeBy, &made, &m.State,
		&m.Tries, &due, &done, &m.Reason)
	if errors.Is(err, sql.ErrNoRows) {
		err = post.ErrUnknown
	}
	m.MadeAt, m.DueAt, m.DoneAt = moment(made), moment(due), moment(done)
	return m, err
}

// unqueue cancels the messages that were queued when a backup was made, as they may have been sent
// since.
func unqueue(ctx context.Context, tx database.Queryer) error {
	_, err := tx.ExecContext(ctx, `UPDATE messages SET state = ?, reason = ?, done_at = made_at, due_at = 0, body = NULL,
		holder = '', held_until = 0 WHERE state = ?`,
		string(post.Unclear), "it waited when the backup was made that was restored", string(post.Queued))
	return err
}
