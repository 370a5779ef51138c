package staff

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"autoconfig/settings"
)

// How long a session lasts: without being used, and at all.
const (
	SessionIdle = time.Hour
	SessionLife = 12 * time.Hour
	// seenEvery bounds how often a session's use is written down.
	seenEvery = time.Minute
)

// Lock-out: after so many wrong passwords or codes in a row a person can't sign
// in for a while, even with the right ones.
const (
	maxFailures = 5
	lockTime    = 15 * time.Minute
)

// Desk is the help desk's staff. Use [NewDesk].
type Desk struct {
	Store   Store
	Now     func() time.Time
	hashing *hashing
	key     []byte
	// nobody is a hash that no password has: a name that isn't known takes as long
	// as one that is.
	nobody string
	// oneFactor lets local people in without a second factor (the demo).
	oneFactor bool
}

// NewDesk prepares a Desk; secret is the root of its key. oneFactor lets local
// people in by password alone.
func NewDesk(store Store, secret []byte, oneFactor bool) (*Desk, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "autoconfig second factors", sha256.Size)
	if err != nil {
		return nil, err
	}
	d := &Desk{Store: store, hashing: newHashing(), key: key, oneFactor: oneFactor}
	d.nobody, err = d.hashing.hash(newSecret())
	return d, err
}

func (d *Desk) now() time.Time {
	if d.Now != nil {
		return d.Now().UTC()
	}
	return time.Now().UTC()
}

// Add adds a local person with a new password, which it gives and keeps nowhere.
func (d *Desk) Add(ctx context.Context, name string, role Role, domains []string) (password string, p Person, err error) {
	if name = strings.TrimSpace(name); name == "" || utf8.RuneCountInString(name) > 60 || settings.CheckText(name) != nil {
		return "", p, errors.New("a person needs a name of at most 60 characters")
	}
	if role != Staff && role != Admin {
		return "", p, fmt.Errorf("%q is not a role: use staff or admin", role)
	}
	if len(domains) == 0 {
		return "", p, fmt.Errorf("a person needs domains, or %s for all", Everywhere)
	}
	if _, err := d.Store.PersonBySubject(ctx, "", name); err == nil {
		return "", p, fmt.Errorf("%w: %s", ErrExists, name)
	}
	password = newSecret()
	hash, err := d.hashing.hash(password)
	if err != nil {
		return "", p, err
	}
	p = Person{ID: newSecret()[:10], Name: name, Subject: name, Role: role, Domains: domains, Password: hash, MadeAt: d.now().Truncate(time.Second)}
	return password, p, d.Store.AddPerson(ctx, p)
}

// Reset gives a local person a new password, and takes the second factor, the
// lock and all sessions away.
func (d *Desk) Reset(ctx context.Context, p Person) (password string, err error) {
	password = newSecret()
	return password, d.SetPassword(ctx, p, password, nil)
}

// SetPassword sets a local person's password and second factor, and ends the
// sessions.
func (d *Desk) SetPassword(ctx context.Context, p Person, password string, second []byte) error {
	hash, err := d.hashing.hash(password)
	if err != nil {
		return err
	}
	p.Password, p.Second, p.Failures, p.LockedUntil = hash, second, 0, time.Time{}
	if err := d.Store.ChangePerson(ctx, p); err != nil {
		return err
	}
	return d.Store.RemoveSessions(ctx, p.ID)
}

// ChangePassword is a person's own change; [ErrSignIn] if the old one is wrong, or
// the person is locked out. It counts as at the sign-in.
func (d *Desk) ChangePassword(ctx context.Context, p Person, old, new string) error {
	ok, err := d.hashing.matches(old, p.Password)
	switch {
	case err != nil:
		return err
	case d.now().Before(p.LockedUntil):
		return ErrSignIn
	case !ok:
		return errors.Join(ErrSignIn, d.failed(ctx, p))
	}
	return d.SetPassword(ctx, p, new, p.Second)
}

// SignIn signs a local person in: [ErrSignIn] whatever is wrong, [ErrBusy] if too
// many try at once. The session's token is new each time.
func (d *Desk) SignIn(ctx context.Context, name, password, code string) (token string, p Person, err error) {
	p, err = d.Store.PersonBySubject(ctx, "", strings.TrimSpace(name))
	known := err == nil
	if err != nil && !errors.Is(err, ErrUnknown) {
		return "", p, err
	}
	hash := d.nobody
	if known && p.Password != "" {
		hash = p.Password
	}
	ok, err := d.hashing.matches(password, hash)
	switch {
	case err != nil:
		return "", p, err
	case !known || d.now().Before(p.LockedUntil):
		return "", p, ErrSignIn
	case !ok:
		return "", p, errors.Join(ErrSignIn, d.failed(ctx, p))
	}
	if len(p.Second) > 0 {
		if err := d.useCode(ctx, p, code); err != nil {
			return "", p, err
		}
	}
	if err := d.Store.ForgiveFailures(ctx, p.ID); err != nil {
		return "", p, err
	}
	token, err = d.begin(ctx, p, len(p.Second) == 0 && !d.oneFactor)
	return token, p, err
}

func (d *Desk) useCode(ctx context.Context, p Person, code string) error {
	key, err := unseal(d.key, p.Second)
	if err != nil {
		return err
	}
	step := stepOf(key, strings.ReplaceAll(code, " ", ""), d.now())
	if step == 0 {
		return errors.Join(ErrSignIn, d.failed(ctx, p))
	}
	fresh, err := d.Store.UseStep(ctx, p.ID, step)
	if err == nil && !fresh {
		return errors.Join(ErrSignIn, d.failed(ctx, p))
	}
	return err
}

func (d *Desk) failed(ctx context.Context, p Person) error {
	return d.Store.CountFailure(ctx, p.ID, maxFailures, d.now().Add(lockTime))
}

// Enrol sets a second factor up if the code is right, and begins a new session in
// the place of all others; [ErrSignIn] if it is wrong, which counts as at the sign-in.
func (d *Desk) Enrol(ctx context.Context, p Person, key []byte, code string) (token string, err error) {
	if d.now().Before(p.LockedUntil) {
		return "", ErrSignIn
	}
	step := stepOf(key, strings.ReplaceAll(code, " ", ""), d.now())
	if step == 0 {
		return "", errors.Join(ErrSignIn, d.failed(ctx, p))
	}
	p.Second, p.Step = seal(d.key, key), step
	if err := d.Store.ChangePerson(ctx, p); err != nil {
		return "", err
	}
	if err := d.Store.RemoveSessions(ctx, p.ID); err != nil {
		return "", err
	}
	return d.begin(ctx, p, false)
}

// Seal keeps the key of an enrolment in the page between its two steps.
func (d *Desk) Seal(key []byte) []byte { return seal(d.key, key) }

// Unseal is the key again.
func (d *Desk) Unseal(sealed []byte) ([]byte, error) { return unseal(d.key, sealed) }

// Welcome signs somebody in whom an identity provider vouches for, with the role
// and the domains that the claims give now.
func (d *Desk) Welcome(ctx context.Context, issuer, subject, name string, role Role, domains []string) (token string, p Person, err error) {
	p, err = d.Store.PersonBySubject(ctx, issuer, subject)
	put := d.Store.ChangePerson
	if errors.Is(err, ErrUnknown) {
		p, err = Person{ID: newSecret()[:10], Issuer: issuer, Subject: subject, MadeAt: d.now().Truncate(time.Second)}, nil
		put = d.Store.AddPerson
	}
	if err != nil {
		return "", p, err
	}
	p.Name, p.Role, p.Domains = name, role, domains
	if err := put(ctx, p); err != nil {
		return "", p, err
	}
	token, err = d.begin(ctx, p, false)
	return token, p, err
}

// Continue begins a new session of a person who is signed in, after a change that
// ended the others.
func (d *Desk) Continue(ctx context.Context, p Person) (token string, err error) {
	return d.begin(ctx, p, false)
}

func (d *Desk) begin(ctx context.Context, p Person, enrolling bool) (string, error) {
	token := newSecret()
	now := d.now()
	return token, d.Store.PutSession(ctx, hashOf(token), Session{Person: p.ID, MadeAt: now, SeenAt: now, Enrolling: enrolling})
}

// Who finds the person of a session; [ErrUnknown] if it is over.
func (d *Desk) Who(ctx context.Context, token string) (Person, Session, error) {
	hash := hashOf(token)
	s, err := d.Store.Session(ctx, hash)
	if err != nil {
		return Person{}, s, err
	}
	now := d.now()
	if now.After(s.SeenAt.Add(SessionIdle)) || now.After(s.MadeAt.Add(SessionLife)) {
		return Person{}, s, errors.Join(ErrUnknown, d.Store.RemoveSession(ctx, hash))
	}
	if now.After(s.SeenAt.Add(seenEvery)) {
		s.SeenAt = now
		if err := d.Store.PutSession(ctx, hash, s); err != nil {
			return Person{}, s, err
		}
	}
	p, err := d.Store.Person(ctx, s.Person)
	return p, s, err
}

// SignOut ends a session.
func (d *Desk) SignOut(ctx context.Context, token string) error {
	return d.Store.RemoveSession(ctx, hashOf(token))
}

// Act is [Act] with the desk's store and clock.
func (d *Desk) Act(ctx context.Context, by Actor, do func(ctx context.Context) (Entry, error)) error {
	return Act(ctx, d.Store, d.now(), by, do)
}

// Log adds to the audit log what changes nothing, such as that somebody looked.
func (d *Desk) Log(ctx context.Context, a Actor, action, subject, domain, detail string) error {
	return d.Act(ctx, a, func(context.Context) (Entry, error) {
		return Entry{Action: action, Subject: subject, Domain: domain, Detail: detail}, nil
	})
}
