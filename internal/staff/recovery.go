package staff

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// Recovery codes are for whoever has lost the phone with the authenticator app: each takes the
// place of one code, once.
const (
	// RecoveryCodes is how many a person gets.
	RecoveryCodes = 10
	// recoveryDigits is how long one is: digits alone, as phones show their keys for the field.
	// Guessing is bounded by the lock, and the stored hashes have a key that isn't in the database.
	recoveryDigits = 12
)

// NewRecoveryCodes gives a person codes in the place of the old ones. Nothing keeps them but
// their hashes. [ErrForbidden] before the second factor is set up.
func (d *Desk) NewRecoveryCodes(ctx context.Context, p Person) (codes []string, err error) {
	err = d.Act(ctx, p.Actor(), func(ctx context.Context) (Entry, error) {
		now, err := d.Store.LockPerson(ctx, p.ID)
		if err == nil && len(now.TOTPKey) == 0 {
			err = ErrForbidden // there is nothing that they would take the place of
		}
		if err != nil {
			return Entry{}, err
		}
		codes, err = d.putRecoveryCodes(ctx, p)
		return Entry{Action: "recovery codes made", Subject: p.Name}, err
	})
	return codes, err
}

func (d *Desk) putRecoveryCodes(ctx context.Context, p Person) ([]string, error) {
	codes, hashes := make([]string, RecoveryCodes), make([][]byte, RecoveryCodes)
	for i := range codes {
		codes[i] = newRecoveryCode()
		hashes[i] = d.recoveryHash(p, digits(codes[i]))
	}
	return codes, d.Store.PutRecoveryCodes(ctx, p.ID, hashes)
}

// useRecoveryCode uses a code up, and says so for the audit log; [ErrSignIn] if there is no
// such code.
func (d *Desk) useRecoveryCode(ctx context.Context, p Person, code string) (how string, err error) {
	ok, err := d.Store.UseRecoveryCode(ctx, d.recoveryHash(p, code))
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", ErrSignIn
	}
	left, err := d.Store.RecoveryCodes(ctx, p.ID)
	return fmt.Sprintf("recovery code, %d left", left), err
}

func (d *Desk) recoveryHash(p Person, code string) []byte {
	mac := hmac.New(sha256.New, d.recovery)
	mac.Write([]byte(p.ID + "\x00" + code))
	return mac.Sum(nil)
}

// newRecoveryCode is one as people read it: 1234 5678 9012.
func newRecoveryCode() string {
	n, err := rand.Int(rand.Reader, new(big.Int).Exp(big.NewInt(10), big.NewInt(recoveryDigits), nil))
	if err != nil {
		panic(err) // the reader never fails
	}
	text := fmt.Sprintf("%0*d", recoveryDigits, n)
	return text[:4] + " " + text[4:8] + " " + text[8:]
}

// digits is what somebody typed, without what people put between digits.
func digits(typed string) string {
	return strings.NewReplacer(" ", "", "-", "", "\u00a0", "").Replace(typed)
}

// Proves tells whether a password is the person's own: [ErrSignIn] if not, or if the person is
// locked out. It counts as at the sign-in.
func (d *Desk) Proves(ctx context.Context, p Person, password string) error {
	ok, err := d.hashing.matches(password, p.Password)
	switch {
	case err != nil:
		return err
	case d.now().Before(p.LockedUntil):
		return ErrSignIn
	case !ok:
		return errors.Join(ErrSignIn, d.failed(ctx, p))
	}
	return nil
}
