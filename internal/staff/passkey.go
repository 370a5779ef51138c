package staff

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"autoconfig/settings"
)

// MaxPasskeys bounds the passkeys of a person.
const MaxPasskeys = 20

// Passkey is a person's WebAuthn credential. It signs in by itself: whoever uses it has the
// device, and the device has seen their finger, face or PIN.
type Passkey struct {
	// ID is the credential's identity, at most 1,023 bytes (WebAuthn, section 4).
	ID     []byte
	Person string
	Name   string // the person's own, for telling them apart
	// Data checks its signatures: JSON of the library that does.
	Data   []byte
	MadeAt time.Time
	// ChallengedAt is when the last challenge that it answered was made; zero before the first.
	ChallengedAt time.Time
}

// AddPasskey adds a person's passkey: [ErrForbidden] before the second factor is set up, or for
// more than [MaxPasskeys], [ErrExists] if somebody has it already. The caller has checked its
// signature, and has let the person prove the password.
func (d *Desk) AddPasskey(ctx context.Context, p Person, k Passkey) error {
	k.Person, k.MadeAt = p.ID, d.now().Truncate(time.Second)
	if k.Name = strings.TrimSpace(k.Name); k.Name == "" || settings.CheckText(k.Name) != nil {
		k.Name = "passkey"
	}
	for utf8.RuneCountInString(k.Name) > 60 {
		_, last := utf8.DecodeLastRuneInString(k.Name)
		k.Name = k.Name[:len(k.Name)-last]
	}
	return d.Act(ctx, p.Actor(), func(ctx context.Context) (Entry, error) {
		now, err := d.Store.LockPerson(ctx, p.ID)
		if err != nil {
			return Entry{}, err
		}
		has, err := d.Store.Passkeys(ctx, p.ID)
		switch {
		case err != nil:
			return Entry{}, err
		case now.Issuer != "", now.Password != p.Password, len(now.TOTPKey) == 0, len(has) >= MaxPasskeys:
			return Entry{}, ErrForbidden
		}
		return Entry{Action: "passkey added", Subject: p.Name, Detail: k.Name}, d.Store.AddPasskey(ctx, k)
	})
}

// RemovePasskey removes a person's own.
func (d *Desk) RemovePasskey(ctx context.Context, p Person, id []byte) error {
	return d.Act(ctx, p.Actor(), func(ctx context.Context) (Entry, error) {
		return Entry{Action: "passkey removed", Subject: p.Name}, d.Store.RemovePasskey(ctx, p.ID, id)
	})
}

// SignInPasskey signs in whose passkey has answered a challenge that was made at
// k.ChallengedAt: [ErrSignIn] if a later one was answered, or the person was reset meanwhile.
// The caller has checked the signature. A lock doesn't matter: it is for what can be guessed.
func (d *Desk) SignInPasskey(ctx context.Context, p Person, k Passkey) (token string, err error) {
	return d.begin(ctx, p, true, func(ctx context.Context) (string, error) {
		ok, err := d.Store.UsePasskey(ctx, k)
		if err == nil && !ok {
			err = ErrSignIn
		}
		return fmt.Sprintf("passkey %q", k.Name), err
	})
}
