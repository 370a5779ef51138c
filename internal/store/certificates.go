package store

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"strconv"
	"time"

	"autoconfig/internal/certificates"
	"autoconfig/internal/database"
)

// certificateColumns are the columns for [scanCertificate].
const certificateColumns = `name, domain, class, chain, sealed_key, not_after, renew_at, due_at, tried_at,
	failures, code, reason`

// Certificate implements [certificates.Store].
func (s *Store) Certificate(ctx context.Context, name string) (certificates.Certificate, error) {
	c, err := scanCertificate(s.db.QueryRowContext(ctx,
		`SELECT `+certificateColumns+` FROM certificates WHERE name = ?`, name))
	return c, noCertificate(err)
}

// Certificates returns up to limit rows after the given name, in order: those of domains, or all
// if it is nil. They are without their keys.
func (s *Store) Certificates(ctx context.Context, domains []string, after string,
	limit int,
) ([]certificates.Certificate, error) {
	bound, args := among("domain", domains)
	rows, err := s.db.QueryContext(ctx, `SELECT `+certificateColumns+` FROM certificates
		WHERE name > ?`+bound+` ORDER BY name LIMIT ?`,
		append(append([]any{after}, args...), limit)...)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(row scanner) (certificates.Certificate, error) {
		c, err := scanCertificate(row)
		c.Key = nil
		return c, err
	})
}

func scanCertificate(row scanner) (c certificates.Certificate, err error) {
	var notAfter, renew, due, tried int64
	err = row.Scan(&c.Name, &c.Domain, &c.Class, &c.Chain, &c.Key, &notAfter, &renew, &due, &tried, &c.Failures,
		&c.Code, &c.Reason)
	c.NotAfter, c.RenewAt, c.DueAt, c.TriedAt = moment(notAfter), moment(renew), moment(due), moment(tried)
	return c, err
}

func noCertificate(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return certificates.ErrNone
	}
	return err
}

// WantCertificates implements [certificates.Store].
func (s *Store) WantCertificates(ctx context.Context, now time.Time, wanted ...certificates.Certificate) error {
	b := &batch{kind: s.db.Kind, table: "certificates", columns: wantedColumns, ignore: true}
	return database.Repeat(ctx, func() error {
		return s.db.Change(ctx, func(tx database.Queryer) error {
			b.args = nil // the transaction may be retried
			for _, c := range wanted {
				if err := b.add(ctx, tx, c.Name, c.Domain, int(c.Class), 0, 0, 0, now.Unix(), 0, 0, "", "", "", 0); err != nil {
					return err
				}
			}
			return b.flush(ctx, tx)
		})
	})
}

var wantedColumns = []string{
	"name", "domain", "class", "issued", "not_after", "renew_at", "due_at", "tried_at", "failures", "code", "reason",
	"holder", "held_until",
}

// WantSpecialNames implements [certificates.Store], in a few statements for any number of
// domains.
func (s *Store) WantSpecialNames(ctx context.Context, now time.Time, labels []string) error {
	const known = `NOT EXISTS (SELECT 1 FROM certificates c WHERE c.name = `
	for _, label := range labels {
		name := `? || n.name`
		if s.db.Kind == database.MySQL {
			name = `CONCAT(?, n.name)`
		}
		for _, table := range []string{"domain_names", "source_names"} {
			_, err := s.db.ExecContext(ctx, `INSERT INTO certificates
				(name, domain, class, issued, not_after, renew_at, due_at, tried_at, failures, code, reason, holder, held_until)
				SELECT `+name+`, n.domain, ?, 0, 0, 0, ?, 0, 0, '', '', '', 0 FROM `+table+` n
				WHERE `+known+name+`)`, label, int(certificates.Ahead), now.Unix(), label)
			if err != nil && !database.IsTaken(err) { // by a handshake: the others are added the next time
				return err
			}
		}
	}
	// What is due later than anything can be was written by a clock that was wrong.
	if _, err := s.db.ExecContext(ctx, `UPDATE certificates SET due_at = ? WHERE due_at > ?`, now.Unix(),
		now.Add(certificates.LatestDue).Unix()); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx, `DELETE FROM certificates WHERE class = ? AND held_until < ?
		AND domain NOT IN (SELECT name FROM domains) AND domain NOT IN (SELECT domain FROM source_names)`,
		int(certificates.Ahead), now.Unix())
	return err
}

// ClaimCertificate implements [certificates.Store]. If two replicas find the same row, one of
// them gets it.
func (s *Store) ClaimCertificate(ctx context.Context, class certificates.Class, renewals bool, holder string, now,
	until time.Time,
) (c certificates.Certificate, found bool, err error) {
	const tries = 5
	issued := ` AND issued = 0`
	if renewals {
		issued = ` AND issued > 0`
	}
	free := ` AND (held_until < ? OR held_until > ?)` // too far in the future: by a wrong clock
	latest := now.Add(2 * until.Sub(now)).Unix()
	for range tries {
		row := s.db.QueryRowContext(ctx, `SELECT `+certificateColumns+` FROM certificates
			WHERE class = ? AND due_at <= ?`+issued+free+
			` ORDER BY due_at, name LIMIT 1`, int(class), now.Unix(), now.Unix(), latest)
		if c, err = scanCertificate(row); errors.Is(err, sql.ErrNoRows) {
			return c, false, nil
		} else if err != nil {
			return c, false, err
		}
		mine, err := s.changesOne(ctx, `UPDATE certificates SET holder = ?, held_until = ?
			WHERE name = ? AND due_at <= ?`+free,
			holder, until.Unix(), c.Name, now.Unix(), now.Unix(), latest)
		if err != nil || mine {
			return c, mine, err
		}
	}
	return c, false, nil
}

// PutCertificate implements [certificates.Store]. It leaves a row alone that another replica
// holds, or that was removed.
func (s *Store) PutCertificate(ctx context.Context, holder string, c certificates.Certificate) error {
	return database.Repeat(ctx, func() error { return s.putCertificate(ctx, holder, c) })
}

func (s *Store) putCertificate(ctx context.Context, holder string, c certificates.Certificate) error {
	return s.db.Change(ctx, func(tx database.Queryer) error {
		var issued int64
		var chain []byte
		row := tx.QueryRowContext(ctx, `SELECT issued, chain FROM certificates WHERE name = ? AND holder = ?`+s.forUpdate(),
			c.Name, holder)
		err := row.Scan(&issued, &chain)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		} else if err != nil {
			return err
		}
		if string(chain) != string(c.Chain) {
			if issued, err = s.nextIssued(ctx, tx); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE certificates SET domain = ?, chain = ?, sealed_key = ?, issued = ?,
			not_after = ?, renew_at = ?, due_at = ?, tried_at = ?, failures = ?, code = ?, reason = ?,
			holder = '', held_until = 0 WHERE name = ?`,
			c.Domain, c.Chain, c.Key, issued, unix(c.NotAfter), unix(c.RenewAt), unix(c.DueAt), unix(c.TriedAt),
			c.Failures, string(c.Code), c.Reason, c.Name)
		return err
	})
}

// metaIssued is the number of the last chain.
const metaIssued = "certificates"

func (s *Store) nextIssued(ctx context.Context, tx database.Queryer) (int64, error) {
	if _, err := tx.ExecContext(ctx, s.db.Kind.Insert("meta", []string{"name", "value"}, 1, true), metaIssued,
		"0"); err != nil {
		return 0, err
	}
	var value string
	if err := tx.QueryRowContext(ctx, `SELECT value FROM meta WHERE name = ?`+s.forUpdate(),
		metaIssued).Scan(&value); err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE meta SET value = ? WHERE name = ?`, strconv.FormatInt(n+1, 10), metaIssued)
	return n + 1, err
}

// reissue makes replicas drop the chains in their memory, as a restoration brings others.
func (s *Store) reissue(ctx context.Context, tx database.Queryer) error {
	next, err := s.nextIssued(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE certificates SET issued = ?, holder = '', held_until = 0 WHERE issued > 0`, next)
	return err
}

// CertificatesSince implements [certificates.Store].
func (s *Store) CertificatesSince(ctx context.Context, mark int64) (names []string, next int64, err error) {
	next = mark
	rows, err := s.db.QueryContext(ctx, `SELECT name, issued FROM certificates WHERE issued > ? ORDER BY issued`, mark)
	if err != nil {
		return nil, mark, err
	}
	names, err = scanAll(rows, func(row scanner) (name string, err error) { return name, row.Scan(&name, &next) })
	return names, next, err
}

// CertificateSummary counts the names by their state.
func (s *Store) CertificateSummary(ctx context.Context, now time.Time) (all certificates.Summary, err error) {
	var first int64
	err = s.db.QueryRowContext(ctx, `SELECT
		COALESCE(SUM(CASE WHEN issued > 0 AND not_after >= ? THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN issued > 0 AND not_after < ? THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN issued = 0 AND failures = 0 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN issued = 0 AND failures > 0 THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN issued > 0 AND not_after >= ? AND failures > 0 THEN 1 ELSE 0 END), 0),
		COALESCE(MIN(CASE WHEN issued > 0 AND not_after >= ? THEN not_after END), 0)
		FROM certificates`, now.Unix(), now.Unix(), now.Unix(), now.Unix()).
		Scan(&all.Valid, &all.Expired, &all.Wanted, &all.Failing, &all.Unrenewed, &first)
	all.First = moment(first)
	return all, err
}

// AllCertificates yields the rows of domains, or all if it is nil, sorted by name and read page by
// page.
func (s *Store) AllCertificates(ctx context.Context, domains []string) iter.Seq2[certificates.Certificate, error] {
	key := func(c certificates.Certificate) string { return c.Name }
	return items(pages(key, func(after string) ([]certificates.Certificate, error) {
		return s.Certificates(ctx, domains, after, pageSize)
	}))
}

// OrderCertificate implements [admin.Store].
func (s *Store) OrderCertificate(ctx context.Context, now time.Time, name, domain string) error {
	class := certificates.Ahead
	if domain == "" {
		class = certificates.Own
	}
	return s.AskCertificate(ctx, now, certificates.Certificate{Name: name, Domain: domain, Class: class}, true)
}

// AskCertificate makes a row due now, even after failures, and adds it if it doesn't exist: a
// person wants it.
func (s *Store) AskCertificate(ctx context.Context, now time.Time, c certificates.Certificate, renew bool) error {
	if err := s.WantCertificates(ctx, now, c); err != nil {
		return err
	}
	set := `due_at = ?, failures = 0`
	if renew {
		set += `, renew_at = 0`
	}
	_, err := s.db.ExecContext(ctx, `UPDATE certificates SET `+set+` WHERE name = ?`, now.Unix(), c.Name)
	return err
}

// DropCertificate removes a row and its certificate.
func (s *Store) DropCertificate(ctx context.Context, name string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM certificates WHERE name = ?`, name)
	return err
}

// AddOrder implements [certificates.Store].
func (s *Store) AddOrder(ctx context.Context, domain string, class certificates.Class, at time.Time) error {
	if _, err := s.db.ExecContext(ctx, `DELETE FROM certificate_orders WHERE at < ? OR at > ?`, at.AddDate(0, 0,
		-1).Unix(), at.AddDate(0, 0, 1).Unix()); err != nil {
		return err
	}
	_, err := s.db.ExecContext(ctx, s.db.Kind.Insert("certificate_orders", []string{"id", "domain", "class", "at"}, 1,
		false), newID(), domain, int(class), at.Unix())
	return err
}

// Orders implements [certificates.Store].
func (s *Store) Orders(ctx context.Context, domain *string, class certificates.Class, since time.Time) (n int,
	err error,
) {
	q := query{`SELECT COUNT(*) FROM certificate_orders WHERE at > ?`, []any{since.Unix()}}
	if domain != nil {
		q.and(true, `domain = ?`, *domain)
	}
	q.and(class != 0, `class = ?`, int(class))
	return n, s.db.QueryRowContext(ctx, q.text, q.args...).Scan(&n)
}

// PutChallenge implements [certificates.Store].
func (s *Store) PutChallenge(ctx context.Context, name string, c certificates.Challenge, until time.Time) error {
	_, err := s.db.ExecContext(ctx, s.db.Kind.Upsert("acme_challenges", []string{"name"}, []string{
		"kind", "token",
		"answer", "until",
	}),
		name, c.Kind, c.Token, c.KeyAuthorization, until.Unix())
	return err
}

// DropChallenge implements [certificates.Store].
func (s *Store) DropChallenge(ctx context.Context, name string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM acme_challenges WHERE name = ?`, name)
	return err
}

// Challenge implements [certificates.Store].
func (s *Store) Challenge(ctx context.Context, name string) (c certificates.Challenge, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT kind, token, answer FROM acme_challenges WHERE name = ?`,
		name).Scan(&c.Kind, &c.Token, &c.KeyAuthorization)
	return c, noCertificate(err)
}

// ACMEAccount implements [certificates.Store].
func (s *Store) ACMEAccount(ctx context.Context, directory string) (sealed []byte, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT account FROM acme_accounts WHERE directory = ?`, directory).Scan(&sealed)
	return sealed, noCertificate(err)
}

// PutACMEAccount implements [certificates.Store].
func (s *Store) PutACMEAccount(ctx context.Context, directory string, sealed []byte) error {
	_, err := s.db.ExecContext(ctx, s.db.Kind.Insert("acme_accounts", []string{"directory", "account"}, 1, true),
		directory, sealed)
	return err
}
