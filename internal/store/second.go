package store

import (
	"context"
	"errors"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/staff"
)

// PutRecoveryCodes implements [staff.Store].
func (s *Store) PutRecoveryCodes(ctx context.Context, person string, hashes [][]byte) error {
	return s.db.Change(ctx, func(tx database.Queryer) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM recovery_codes WHERE person = ?`, person); err != nil {
			return err
		}
		for _, hash := range hashes {
			_, err := tx.ExecContext(ctx, `INSERT INTO recovery_codes (hash, person) VALUES (?, ?)`, hash, person)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// UseRecoveryCode implements [staff.Store].
func (s *Store) UseRecoveryCode(ctx context.Context, hash []byte) (bool, error) {
	return s.changesOne(ctx, `DELETE FROM recovery_codes WHERE hash = ?`, hash)
}

// RecoveryCodes implements [staff.Store].
func (s *Store) RecoveryCodes(ctx context.Context, person string) (left int, err error) {
	err = s.db.QueryRowContext(ctx, `SELECT COUNT(*) FROM recovery_codes WHERE person = ?`, person).Scan(&left)
	return left, err
}

// ForgetSecondFactors implements [staff.Store].
func (s *Store) ForgetSecondFactors(ctx context.Context, person string) error {
	return s.db.Change(ctx, func(tx database.Queryer) error {
		for _, table := range []string{"recovery_codes", "passkeys"} {
			if _, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE person = ?`, person); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddPasskey implements [staff.Store].
func (s *Store) AddPasskey(ctx context.Context, k staff.Passkey) error {
	_, err := s.db.ExecContext(ctx,
		`INSERT INTO passkeys (id, person, name, data, made_at, challenged_at) VALUES (?, ?, ?, ?, ?, ?)`,
		k.ID, k.Person, k.Name, string(k.Data), unix(k.MadeAt), milliseconds(k.ChallengedAt))
	if err != nil && errors.Is(taken(err, k.Name), ErrExists) {
		return staff.ErrExists
	}
	return err
}

// Passkeys implements [staff.Store].
func (s *Store) Passkeys(ctx context.Context, person string) ([]staff.Passkey, error) {
	rows, err := s.db.QueryContext(ctx,
		`SELECT id, person, name, data, made_at, challenged_at FROM passkeys WHERE person = ? ORDER BY made_at, id`, person)
	if err != nil {
		return nil, err
	}
	return scanAll(rows, func(row scanner) (k staff.Passkey, err error) {
		var made, challenged int64
		err = row.Scan(&k.ID, &k.Person, &k.Name, &k.Data, &made, &challenged)
		k.MadeAt = moment(made)
		if challenged != 0 {
			k.ChallengedAt = time.UnixMilli(challenged).UTC()
		}
		return k, err
	})
}

// UsePasskey implements [staff.Store].
func (s *Store) UsePasskey(ctx context.Context, k staff.Passkey) (bool, error) {
	at := milliseconds(k.ChallengedAt)
	return s.changesOne(ctx,
		`UPDATE passkeys SET data = ?, challenged_at = ? WHERE id = ? AND person = ? AND challenged_at < ?`,
		string(k.Data), at, k.ID, k.Person, at)
}

// RemovePasskey implements [staff.Store].
func (s *Store) RemovePasskey(ctx context.Context, person string, id []byte) error {
	return s.one(ctx, `DELETE FROM passkeys WHERE person = ? AND id = ?`, person, id)
}

func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
