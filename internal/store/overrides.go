package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

const overrideColumns = `address, protocol, devices, note, changed_by, changed_at, gone_at`

// Override returns the override of the account with this primary address's key, or
// [directory.ErrNotFound].
func (s *Store) Override(ctx context.Context, key string) (policy.Override, error) {
	return readOverride(s.db.QueryRowContext(ctx, `SELECT `+overrideColumns+` FROM overrides WHERE address = ?`, key))
}

// PutOverride replaces an account's override by a validated one, or removes it if that is empty.
func (s *Store) PutOverride(ctx context.Context, o policy.Override) error {
	return s.change(ctx, func(tx database.Queryer) (bool, error) {
		return true, s.putOverride(ctx, tx, o)
	})
}

func (s *Store) putOverride(ctx context.Context, tx database.Queryer, o policy.Override) error {
	if o.IsZero() {
		_, err := tx.ExecContext(ctx, `DELETE FROM overrides WHERE address = ?`, o.Address.Key())
		return err
	}
	_, err := tx.ExecContext(ctx, s.db.Kind.Upsert("overrides", []string{"address"},
		[]string{"domain", "protocol", "devices", "note", "changed_by", "changed_at", "gone_at"}),
		o.Address.Key(), o.Address.Domain(), string(o.Protocol), string(o.Devices), o.Note, o.ChangedBy, unix(o.ChangedAt),
		unix(o.GoneAt))
	return err
}

// replaceOverrides replaces all overrides by a site's. It keeps our own record of when their
// accounts disappeared.
func (s *Store) replaceOverrides(
	ctx context.Context, tx database.Queryer, before, after []policy.Override,
) (changed bool, err error) {
	stored := make(map[string]policy.Override, len(before))
	for _, o := range before {
		stored[o.Address.Key()] = o
	}
	for _, o := range after {
		before := stored[o.Address.Key()]
		delete(stored, o.Address.Key())
		o.GoneAt = before.GoneAt
		if encode(o) == encode(before) {
			continue
		}
		changed = true
		if err := s.putOverride(ctx, tx, o); err != nil {
			return false, err
		}
	}
	for _, o := range stored {
		changed = true
		if err := s.putOverride(ctx, tx, policy.Override{Address: o.Address}); err != nil {
			return false, err
		}
	}
	return changed, nil
}

// Overrides returns up to limit overrides after the given key, in order.
func (s *Store) Overrides(ctx context.Context, after string, limit int) ([]policy.Override, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+overrideColumns+` FROM overrides WHERE address > ? `+
		`ORDER BY address LIMIT ?`, after, limit)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, readOverride)
}

// MarkGone records since when no source knows an overridden account; the zero time if one does.
func (s *Store) MarkGone(ctx context.Context, key string, since time.Time) error {
	_, err := s.db.ExecContext(ctx, `UPDATE overrides SET gone_at = ? WHERE address = ?`, unix(since), key)
	return err
}

func readOverride(row scanner) (policy.Override, error) {
	var o policy.Override
	var address string
	var changed, gone int64
	err := row.Scan(&address, &o.Protocol, &o.Devices, &o.Note, &o.ChangedBy, &changed, &gone)
	if errors.Is(err, sql.ErrNoRows) {
		return o, directory.ErrNotFound
	} else if err != nil {
		return o, err
	}
	o.ChangedAt, o.GoneAt = moment(changed), moment(gone)
	o.Address, err = settings.ParseAddress(address)
	return o, err
}
