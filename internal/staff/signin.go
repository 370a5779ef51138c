package staff

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"
)

// HalfLife is how long the second step of a sign-in can be taken.
const HalfLife = 5 * time.Minute

// ChallengeLife is how long a sign-in page can be open before its passkey button is pressed.
const ChallengeLife = 30 * time.Minute

// halfway is what a browser keeps between the steps for.
const halfway = "second step of a sign-in"

// SignedIn is what comes of a step of a sign-in.
type SignedIn struct {
	// Person is whom the name means, also where the step is refused; without a name if
	// nobody is called so.
	Person Person
	// Token is the session's, new each time.
	Token string
	// Half is in its place where the password was right, and a code is asked for in a second
	// step: see [Desk.Halfway].
	Half string
}

// SignIn is the first step of a local person: [ErrSignIn] whatever is wrong, [ErrBusy] if
// too many try at once. Whether there is a second step is only told to whoever has the
// password.
//
// device says that the browser has signed in under this name before. The lock is for those
// that haven't, and only they bring it about: the caller bounds what a known one gets wrong.
func (d *Desk) SignIn(ctx context.Context, device bool, name, password string) (in SignedIn, err error) {
	p, err := d.Store.PersonBySubject(ctx, "", strings.TrimSpace(name))
	in.Person = p
	known := err == nil
	if err != nil && !errors.Is(err, ErrUnknown) {
		return in, err
	}
	hash := d.nobody
	if known && p.Password != "" {
		hash = p.Password
	}
	ok, err := d.hashing.matches(password, hash)
	switch {
	case err != nil:
		return in, err
	case !known || d.locked(p, device):
		return in, ErrSignIn
	case !ok:
		return in, d.refused(ctx, p, device)
	case len(p.TOTPKey) > 0:
		in.Half = d.keep(halfway, append(proofOf(p), p.ID...), HalfLife)
		return in, nil
	}
	in.Token, err = d.begin(ctx, p, device, nil)
	return in, err
}

// proofOf is of the password and the second factor: neither may change between the steps.
func proofOf(p Person) []byte {
	sum := sha256.Sum256(append([]byte(p.Password+"\x00"), p.TOTPKey...))
	return sum[:]
}

// Halfway is the person whose password was right, by [SignedIn.Half]; [ErrUnknown] if that was
// too long ago, or isn't true any more.
func (d *Desk) Halfway(ctx context.Context, half string) (Person, error) {
	plain, ok := d.kept(halfway, half)
	if !ok || len(plain) < sha256.Size {
		return Person{}, ErrUnknown
	}
	p, err := d.Store.Person(ctx, string(plain[sha256.Size:]))
	if err == nil && !bytes.Equal(proofOf(p), plain[:sha256.Size]) {
		err = ErrUnknown
	}
	return p, err
}

// SecondStep signs in whom [Desk.Halfway] gave, if the code of the authenticator app or the
// recovery code is right: else [ErrSignIn], which counts as a wrong password does.
func (d *Desk) SecondStep(ctx context.Context, device bool, p Person, typed string) (token string, err error) {
	if d.locked(p, device) {
		return "", ErrSignIn
	}
	code, use := digits(typed), d.useCode
	if len(code) == recoveryDigits {
		use = d.useRecoveryCode
	}
	token, err = d.begin(ctx, p, device, func(ctx context.Context) (string, error) { return use(ctx, p, code) })
	if errors.Is(err, ErrSignIn) {
		return "", d.refused(ctx, p, device)
	}
	return token, err
}

func (d *Desk) locked(p Person, device bool) bool { return !device && d.now().Before(p.LockedUntil) }

// refused counts something wrong, unless the browser is known: then its caller does.
func (d *Desk) refused(ctx context.Context, p Person, device bool) error {
	if device {
		return ErrSignIn
	}
	return errors.Join(ErrSignIn, d.failed(ctx, p))
}

// begin begins the session of somebody whose password was right. prove uses up what else
// it takes, in the same transaction, and says for the audit log what that was; nil for nothing.
func (d *Desk) begin(
	ctx context.Context, p Person, device bool, prove func(ctx context.Context) (how string, err error),
) (token string, err error) {
	token = newSecret()
	return token, d.Act(ctx, p.Actor(), func(ctx context.Context) (Entry, error) {
		now, err := d.Store.LockPerson(ctx, p.ID)
		switch {
		case errors.Is(err, ErrUnknown), err == nil && (now.Password != p.Password || !bytes.Equal(now.TOTPKey, p.TOTPKey)):
			return Entry{}, ErrSignIn // removed or reset meanwhile
		case err != nil:
			return Entry{}, err
		}
		how := ""
		if prove != nil {
			if how, err = prove(ctx); err != nil {
				return Entry{}, err
			}
		}
		if !device { // else strangers could guess on after each sign-in of the person
			if err := d.Store.ForgiveFailures(ctx, p.ID); err != nil {
				return Entry{}, err
			}
		}
		return Entry{Action: "signed in", Detail: how}, d.put(ctx, token, p, len(p.TOTPKey) == 0 && !d.oneFactor)
	})
}

// useCode uses up a code of the authenticator app; [ErrSignIn] if it is wrong, or was used.
func (d *Desk) useCode(ctx context.Context, p Person, code string) (how string, err error) {
	key, err := d.Unseal(p.TOTPKey)
	if err != nil {
		return "", err
	}
	ok, step := false, stepOf(key, code, d.now())
	if step != 0 {
		ok, err = d.Store.UseStep(ctx, p.ID, step)
	}
	if err == nil && !ok {
		err = ErrSignIn
	}
	return "", err
}

func (d *Desk) failed(ctx context.Context, p Person) error {
	return d.Store.CountFailure(ctx, p.ID, maxFailures, d.now().Add(lockTime))
}
