package store

import (
	"bytes"
	"context"
	"crypto/md5" // Evolution sends the MD5 of the address; nothing is secured by it
	"database/sql"
	"encoding/hex"

	"autoconfig/internal/directory"
	"autoconfig/policy"
	"autoconfig/settings"
)

// Response times must not reveal whether an account exists. So nothing here looks for a key: it
// looks for the first key that isn't less, or else for the first of all, decodes the account that
// has it, and only then compares the keys. The same applies to overrides.

// withOverrides joins the first override that isn't before the address in the condition.
const withOverrides = ` LEFT JOIN overrides o ON o.address = (SELECT MIN(address) FROM overrides WHERE address >= `

const keptColumns = `a.address, a.document, o.address, o.protocol, o.devices, o.note, o.changed_by, o.changed_at, ` +
	`o.gone_at`

const keptByKey = `SELECT x.address, ` + keptColumns + ` FROM
	(SELECT COALESCE((SELECT MIN(address) FROM addresses WHERE address >= ?),
		(SELECT MIN(address) FROM addresses)) AS address) n
	LEFT JOIN addresses x ON x.address = n.address
	LEFT JOIN accounts a ON a.id = x.account` + withOverrides + `CASE WHEN x.address = ? THEN a.address ELSE ? END)`

// Lookup implements [directory.Store].
func (s *Store) Lookup(ctx context.Context, key string) (directory.Kept, error) {
	var row keptRow
	var address sql.NullString
	if err := s.db.QueryRowContext(ctx, keptByKey, key, key, key).Scan(row.into(&address)...); err != nil {
		return directory.Kept{}, err
	}
	return row.judged(address.String == key, key)
}

// The first digest isn't queried by MIN, which PostgreSQL doesn't have for bytes.
const keptByDigest = `SELECT n.digest, m.name, ` + keptColumns + ` FROM
	(SELECT COALESCE((SELECT digest FROM digests WHERE digest >= ? ORDER BY digest LIMIT 1),
		(SELECT digest FROM digests ORDER BY digest LIMIT 1)) AS digest) n
	LEFT JOIN accounts a ON a.id = (SELECT MIN(account) FROM digests WHERE digest = n.digest)
	LEFT JOIN domain_names m ON m.name = ? AND m.domain = a.domain` + withOverrides + `a.address)`

// LookupDigest implements [directory.Store].
func (s *Store) LookupDigest(ctx context.Context, domain, digest string) (directory.Kept, error) {
	want, err := hex.DecodeString(digest)
	if err != nil || len(want) != md5.Size {
		return directory.Kept{}, nil // not an MD5
	}
	var row keptRow
	var found []byte
	var name sql.NullString
	if err := s.db.QueryRowContext(ctx, keptByDigest, want, domain).Scan(row.into(&found, &name)...); err != nil {
		return directory.Kept{}, err
	}
	return row.judged(bytes.Equal(found, want) && name.Valid, "")
}

// keptRow is an account and an override, each of which may belong to another address.
type keptRow struct {
	address, overridden, protocol, devices, note, changedBy sql.NullString
	document                                                []byte
	changed, gone                                           sql.NullInt64
}

// into returns the destinations of the columns, after others.
func (r *keptRow) into(others ...any) []any {
	return append(others, &r.address, &r.document, &r.overridden, &r.protocol, &r.devices, &r.note, &r.changedBy,
		&r.changed, &r.gone)
}

// judged decodes the row, and then keeps what was asked for. known tells whether the account was;
// otherwise only an override of key counts, whose account is a source's.
func (r *keptRow) judged(known bool, key string) (directory.Kept, error) {
	var kept directory.Kept
	var account policy.Account
	err := decode(r.document, &account)
	if known {
		if err != nil {
			return kept, err
		}
		kept.Known = true
		kept.Account = account
		key = r.address.String
	}
	override, err := r.override()
	if key != "" && r.overridden.String == key {
		kept.Override = &override
		return kept, err
	}
	return kept, nil
}

func (r *keptRow) override() (policy.Override, error) {
	o := policy.Override{
		Protocol: settings.Protocol(r.protocol.String), Devices: policy.Devices(r.devices.String), Note: r.note.String,
		ChangedBy: r.changedBy.String, ChangedAt: moment(r.changed.Int64), GoneAt: moment(r.gone.Int64),
	}
	var err error
	o.Address, err = settings.ParseAddress(r.overridden.String)
	return o, err
}
