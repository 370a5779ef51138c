package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"autoconfig/internal/links"
	"autoconfig/internal/webhook"
)

var _ webhook.Store = (*Store)(nil)

const noticeColumns = `link, kind, number, domain, at, state, tries, due_at, done_at, reason`

// thatNotice is the condition for one notice.
const thatNotice = ` WHERE link = ? AND kind = ? AND number = ?`

// PutNotice implements [links.Store].
func (s *Store) PutNotice(ctx context.Context, n links.Notice) error {
	_, err := s.db.ExecContext(ctx, s.db.Kind.Insert("link_notices", []string{
		"link", "kind", "number", "domain", "at", "state", "tries", "due_at", "done_at", "reason", "holder", "held_until",
	}, 1, true), n.Link, string(n.Kind), n.Number, n.Domain, unix(n.At), string(webhook.Queued), 0, unix(n.At), 0,
		"", "", 0)
	return err
}

// ClaimNotice implements [webhook.Store]. If two replicas find the same row, one of them gets it.
func (s *Store) ClaimNotice(ctx context.Context, holder string, now, until time.Time) (
	d webhook.Delivery, found bool, err error,
) {
	const tries = 5
	// What is held too far into the future is so by a wrong clock.
	due := ` state = ? AND due_at <= ? AND (held_until < ? OR held_until > ?)`
	args := []any{string(webhook.Queued), now.Unix(), now.Unix(), now.Add(2 * until.Sub(now)).Unix()}
	for lost := 0; lost < tries; {
		d, err = readNotice(s.db.QueryRowContext(ctx, `SELECT `+noticeColumns+` FROM link_notices WHERE`+due+
			` ORDER BY due_at, link, kind, number LIMIT 1`, args...))
		if errors.Is(err, sql.ErrNoRows) {
			return d, false, nil
		} else if err != nil {
			return d, false, err
		}
		mine, err := s.changesOne(ctx, `UPDATE link_notices SET holder = ?, held_until = ?`+thatNotice+` AND`+due,
			append([]any{holder, until.Unix(), d.Link, string(d.Kind), d.Number}, args...)...)
		if err != nil {
			return d, false, err
		} else if !mine {
			lost++
			continue
		}
		if d.Kind == links.NoticeExpired {
			if removed, err := s.removeExpiry(ctx, d.Notice); err != nil {
				return d, false, err
			} else if removed {
				continue
			}
		}
		return d, true, nil
	}
	return d, false, nil
}

// removeExpiry removes the notice of an expiry that didn't happen: the link was used or revoked before.
func (s *Store) removeExpiry(ctx context.Context, n links.Notice) (bool, error) {
	return s.changesOne(ctx, `DELETE FROM link_notices`+thatNotice+
		` AND EXISTS (SELECT 1 FROM links WHERE id = ? AND (used > 0 OR revoked_at <> 0))`,
		n.Link, string(n.Kind), n.Number, n.Link)
}

// PutDelivery implements [webhook.Store].
func (s *Store) PutDelivery(ctx context.Context, holder string, d webhook.Delivery) error {
	_, err := s.db.ExecContext(ctx, `UPDATE link_notices SET state = ?, tries = ?, due_at = ?, done_at = ?, reason = ?,
		holder = '', held_until = 0`+thatNotice+` AND holder = ?`, string(d.State), d.Tries, unix(d.DueAt), unix(d.DoneAt),
		d.Reason, d.Link, string(d.Kind), d.Number, holder)
	return err
}

// NoticeSummary implements [webhook.Store].
func (s *Store) NoticeSummary(ctx context.Context, now time.Time) (all webhook.Summary, err error) {
	const waits = ` FROM link_notices WHERE state = ? AND at <= ?`
	args := []any{string(webhook.Queued), now.Unix()}
	err = s.db.QueryRowContext(ctx, `SELECT COUNT(*)`+waits, args...).Scan(&all.Waiting)
	if err != nil || all.Waiting == 0 {
		return all, err
	}
	var oldest int64
	first := s.db.QueryRowContext(ctx, `SELECT at, reason`+waits+` ORDER BY at, link LIMIT 1`, args...)
	err = first.Scan(&oldest, &all.Reason)
	if errors.Is(err, sql.ErrNoRows) { // it was told meanwhile
		return webhook.Summary{}, nil
	}
	all.Oldest = moment(oldest)
	return all, err
}

func readNotice(row scanner) (d webhook.Delivery, err error) {
	var at, due, done int64
	err = row.Scan(&d.Link, &d.Kind, &d.Number, &d.Domain, &at, &d.State, &d.Tries, &due, &done, &d.Reason)
	d.At, d.DueAt, d.DoneAt = moment(at), moment(due), moment(done)
	return d, err
}
