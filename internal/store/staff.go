package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"autoconfig/internal/staff"
)

var _ staff.Store = (*Store)(nil)

const personColumns = `id, issuer, subject, name, role, domains, password, second, step, failures, locked_until, ` +
	`made_at`

// AddPerson implements [staff.Store].
func (s *Store) AddPerson(ctx context.Context, p staff.Person) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO people (`+personColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		p.ID, p.Issuer, p.Subject, p.Name, p.Role, encode(p.Domains), p.Password, p.TOTPKey, p.LastTOTPStep, p.Failures,
		unix(p.LockedUntil), unix(p.MadeAt))
	if err != nil && errors.Is(taken(err, p.Name), ErrExists) {
		return fmt.Errorf("%w: %s", staff.ErrExists, p.Name)
	}
	return err
}

// ChangePerson implements [staff.Store].
func (s *Store) ChangePerson(ctx context.Context, p staff.Person) error {
	return s.one(ctx, `UPDATE people SET name = ?, role = ?, domains = ?, password = ?, second = ?, step = CASE WHEN `+
		`step < ? THEN ? ELSE step END, failures = ?, locked_until = ? WHERE id = ?`,
		p.Name, p.Role, encode(p.Domains), p.Password, p.TOTPKey, p.LastTOTPStep, p.LastTOTPStep, p.Failures,
		unix(p.LockedUntil), p.ID)
}

// CountFailure implements [staff.Store].
func (s *Store) CountFailure(ctx context.Context, id string, most int, until time.Time) error {
	return s.one(ctx, `UPDATE people SET locked_until = CASE WHEN failures + 1 >= ? THEN ? ELSE locked_until END,
		failures = CASE WHEN failures + 1 >= ? THEN 0 ELSE failures + 1 END WHERE id = ?`, most, unix(until), most, id)
}

// ForgiveFailures implements [staff.Store].
func (s *Store) ForgiveFailures(ctx context.Context, id string) error {
	return s.one(ctx, `UPDATE people SET failures = 0, locked_until = 0 WHERE id = ?`, id)
}

// one changes one row, or returns [staff.ErrUnknown].
func (s *Store) one(ctx context.Context, query string, args ...any) error {
	result, err := s.db.ExecContext(ctx, query, args...)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, staff.ErrUnknown)
	}
	return nil
}

// Person implements [staff.Store].
func (s *Store) Person(ctx context.Context, id string) (staff.Person, error) {
	return readPerson(s.db.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE id = ?`, id))
}

// LockPerson implements [staff.Store].
func (s *Store) LockPerson(ctx context.Context, id string) (staff.Person, error) {
	return readPerson(s.db.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE id = ?`+s.forUpdate(), id))
}

// PersonBySubject implements [staff.Store].
func (s *Store) PersonBySubject(ctx context.Context, issuer, subject string) (staff.Person, error) {
	return readPerson(s.db.QueryRowContext(ctx, `SELECT `+personColumns+` FROM people WHERE issuer = ? AND subject = ?`,
		issuer, subject))
}

// People implements [staff.Store].
func (s *Store) People(ctx context.Context) ([]staff.Person, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+personColumns+` FROM people ORDER BY name, id`)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, readPerson)
}

// RemovePerson implements [staff.Store].
func (s *Store) RemovePerson(ctx context.Context, id string) error {
	return s.Together(ctx, func(ctx context.Context) error {
		if err := s.RemoveSessions(ctx, id); err != nil {
			return err
		}
		if err := s.ForgetSecondFactors(ctx, id); err != nil {
			return err
		}
		_, err := s.db.ExecContext(ctx, `DELETE FROM people WHERE id = ?`, id)
		return err
	})
}

// UseStep implements [staff.Store].
func (s *Store) UseStep(ctx context.Context, id string, step int64) (bool, error) {
	return s.changesOne(ctx, `UPDATE people SET step = ? WHERE id = ? AND step < ?`, step, id, step)
}

func readPerson(row scanner) (staff.Person, error) {
	var p staff.Person
	var domains []byte
	var locked, made int64
	err := row.Scan(&p.ID, &p.Issuer, &p.Subject, &p.Name, &p.Role, &domains, &p.Password, &p.TOTPKey, &p.LastTOTPStep,
		&p.Failures, &locked, &made)
	if err != nil {
		return p, unknown(err)
	}
	p.LockedUntil, p.MadeAt = moment(locked), moment(made)
	return p, json.Unmarshal(domains, &p.Domains)
}

func unknown(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return staff.ErrUnknown
	}
	return err
}

// PutSession implements [staff.Store].
func (s *Store) PutSession(ctx context.Context, hash []byte, x staff.Session) error {
	enrolling := 0
	if x.Enrolling {
		enrolling = 1
	}
	_, err := s.db.ExecContext(ctx,
		`INSERT INTO sessions (hash, person, made_at, seen_at, enrolling) VALUES (?, ?, ?, ?, ?)`,
		hash, x.Person, unix(x.MadeAt), unix(x.SeenAt), enrolling)
	return err
}

// RenewSession implements [staff.Store].
func (s *Store) RenewSession(ctx context.Context, hash []byte, seen time.Time) error {
	return s.one(ctx, `UPDATE sessions SET seen_at = CASE WHEN seen_at < ? THEN ? ELSE seen_at END WHERE hash = ?`,
		unix(seen), unix(seen), hash)
}

// Session implements [staff.Store].
func (s *Store) Session(ctx context.Context, hash []byte) (staff.Session, error) {
	var x staff.Session
	var made, seen int64
	err := s.db.QueryRowContext(ctx, `SELECT person, made_at, seen_at, enrolling FROM sessions WHERE hash = ?`,
		hash).Scan(&x.Person, &made, &seen, &x.Enrolling)
	x.MadeAt, x.SeenAt = moment(made), moment(seen)
	return x, unknown(err)
}

// RemoveSession implements [staff.Store].
func (s *Store) RemoveSession(ctx context.Context, hash []byte) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE hash = ?`, hash)
	return err
}

// RemoveSessions implements [staff.Store].
func (s *Store) RemoveSessions(ctx context.Context, person string) error {
	_, err := s.db.ExecContext(ctx, `DELETE FROM sessions WHERE person = ?`, person)
	return err
}

const tokenColumns = `id, name, scopes, domains, made_by, made_at, expires_at` //nolint:gosec // names of columns

// PutToken implements [staff.Store].
func (s *Store) PutToken(ctx context.Context, hash []byte, t staff.Token) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO tokens (hash, `+tokenColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		hash, t.ID, t.Name, encode(t.Scopes), encode(t.Domains), t.MadeBy, unix(t.MadeAt), unix(t.ExpiresAt))
	return err
}

// TokenByHash implements [staff.Store].
func (s *Store) TokenByHash(ctx context.Context, hash []byte) (staff.Token, error) {
	return readToken(s.db.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM tokens WHERE hash = ?`, hash))
}

// Tokens implements [staff.Store].
func (s *Store) Tokens(ctx context.Context) ([]staff.Token, error) {
	rows, err := s.db.QueryContext(ctx, `SELECT `+tokenColumns+` FROM tokens ORDER BY made_at, id`)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, readToken)
}

// RemoveToken implements [staff.Store].
func (s *Store) RemoveToken(ctx context.Context, id string) error {
	return s.one(ctx, `DELETE FROM tokens WHERE id = ?`, id)
}

func readToken(row scanner) (staff.Token, error) {
	var t staff.Token
	var scopes, domains []byte
	var made, expires int64
	if err := row.Scan(&t.ID, &t.Name, &scopes, &domains, &t.MadeBy, &made, &expires); err != nil {
		return t, unknown(err)
	}
	t.MadeAt, t.ExpiresAt = moment(made), moment(expires)
	return t, errors.Join(json.Unmarshal(scopes, &t.Scopes), json.Unmarshal(domains, &t.Domains))
}

const entryColumns = `actor, actor_id, actor_issuer, action, subject, domain, detail`

// AddEntry implements [staff.Store]. Nothing changes an entry but
// [Store.Forget], and nothing removes one but [Store.Expire].
func (s *Store) AddEntry(ctx context.Context, e staff.Entry) error {
	_, err := s.db.ExecContext(ctx, `INSERT INTO audit (at, `+entryColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		unix(e.At), e.Actor, e.ActorID, e.Issuer, e.Action, e.Subject, e.Domain, e.Detail)
	return err
}

// Entries implements [staff.Store].
func (s *Store) Entries(ctx context.Context, f staff.EntryFilter) ([]staff.Entry, error) {
	q := selectFrom("id, at, "+entryColumns, "audit", f.Domains)
	q.and(f.Before != 0, `id < ?`, f.Before) // not by time: the databases would read all later rows
	q.and(f.Actor != "", `actor IN (?, ?, ?)`, f.Actor, "staff:"+f.Actor, "token:"+f.Actor)
	q.and(f.Action != "", `action = ?`, f.Action)
	q.and(f.About != "", `(subject = ? OR domain = ?)`, f.About, f.About)
	q.and(!f.Since.IsZero(), `at >= ?`, f.Since.Unix())
	q.and(!f.Until.IsZero(), `at < ?`, f.Until.Unix())
	return latest(ctx, s, q, f.Limit, func(row scanner) (e staff.Entry, err error) {
		var at int64
		err = row.Scan(&e.ID, &at, &e.Actor, &e.ActorID, &e.Issuer, &e.Action, &e.Subject, &e.Domain, &e.Detail)
		e.At = moment(at)
		return e, err
	})
}
