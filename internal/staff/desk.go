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

	"autoconfig/internal/seal"
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
	// factors seals second factors, browsers what browsers keep for a while.
	factors, browsers seal.Seal
	devices           []byte // the key of [Desk.NewDevice]
	// recovery is the key of the hashes of recovery codes.
	recovery []byte
	marks    marks
	// nobody is a hash that no password has: a name that isn't known takes as long
	// as one that is.
	nobody string
	// oneFactor lets local people in without a second factor (the demo).
	oneFactor bool
	strangers strangers
}

// NewDesk prepares a Desk; secret is the root of its key. oneFactor lets local
// people in by password alone.
func NewDesk(store Store, secret []byte, oneFactor bool) (*Desk, error) {
	d := &Desk{Store: store, hashing: newHashing(), oneFactor: oneFactor}
	var entries []byte
	for purpose, key := range map[string]*[]byte{
		"autoconfig known devices": &d.devices, "autoconfig recovery codes": &d.recovery,
		"autoconfig audit entries": &entries,
	} {
		var err error
		if *key, err = hkdf.Key(sha256.New, secret, nil, purpose, sha256.Size); err != nil {
			return nil, err
		}
	}
	for purpose, made := range map[string]*seal.Seal{
		"autoconfig second factors": &d.factors, "autoconfig kept by browsers": &d.browsers,
	} {
		var err error
		if *made, err = seal.New(secret, purpose); err != nil {
			return nil, err
		}
	}
	var err error
	if d.marks, err = newMarks(entries); err != nil {
		return nil, err
	}
	d.nobody = nobodys()
	return d, nil
}

func (d *Desk) now() time.Time {
	if d.Now != nil {
		return d.Now().UTC()
	}
	return time.Now().UTC()
}

// Add adds a local person with a new password, which it gives and keeps nowhere.
func (d *Desk) Add(
	ctx context.Context, by Actor, name string, role Role, domains []string,
) (password string, p Person, err error) {
	password = newSecret()
	p, err = d.AddWithPassword(ctx, by, name, role, domains, password)
	if err != nil {
		password = ""
	}
	return password, p, err
}

// AddWithPassword adds a local person with a password that somebody chose: [ErrPassword]
// if it can't be taken.
func (d *Desk) AddWithPassword(
	ctx context.Context, by Actor, name string, role Role, domains []string, password string,
) (p Person, err error) {
	if name = strings.TrimSpace(name); name == "" || utf8.RuneCountInString(name) > 60 || settings.CheckText(name) != nil {
		return p, unfit("a person needs a name of at most 60 characters")
	}
	if role != Staff && role != Admin {
		return p, unfit(fmt.Sprintf("%q is not a role: use staff or admin", role))
	}
	if len(domains) == 0 {
		return p, unfit(fmt.Sprintf("a person needs domains, or %s for all", Everywhere))
	}
	if _, err := d.Store.PersonBySubject(ctx, "", name); err == nil {
		return p, fmt.Errorf("%w: %s", ErrExists, name)
	}
	hash, err := d.hashing.hash(password)
	if err != nil {
		return p, err
	}
	p = Person{
		ID: newSecret()[:10], Name: name, Subject: name, Role: role, Domains: domains, Password: hash,
		MadeAt: d.now().Truncate(time.Second),
	}
	return p, d.Act(ctx, by, func(ctx context.Context) (Entry, error) {
		return Entry{Action: "person added", Subject: p.Name, Detail: string(role) + " of " + strings.Join(domains, " ")},
			d.Store.AddPerson(ctx, p)
	})
}

// Remove removes a person and ends the sessions.
func (d *Desk) Remove(ctx context.Context, by Actor, p Person) error {
	return d.Act(ctx, by, func(ctx context.Context) (Entry, error) {
		return Entry{Action: "person removed", Subject: p.Name}, d.Store.RemovePerson(ctx, p.ID)
	})
}

// Reset gives a local person a new password, and takes the second factor, the recovery codes,
// the passkeys, the lock and all sessions away.
func (d *Desk) Reset(ctx context.Context, by Actor, p Person) (password string, err error) {
	password = newSecret()
	hash, err := d.hashing.hash(password)
	if err != nil {
		return "", err
	}
	return password, d.Act(ctx, by, func(ctx context.Context) (Entry, error) {
		return Entry{Action: "password reset", Subject: p.Name}, d.change(ctx, p.ID, func(now *Person) error {
			now.Password, now.TOTPKey, now.Failures, now.LockedUntil = hash, nil, 0, time.Time{}
			return d.Store.ForgetSecondFactors(ctx, p.ID)
		})
	})
}

// change changes a person as they are now, whom nobody else changes meanwhile, and ends
// the sessions.
func (d *Desk) change(ctx context.Context, id string, f func(now *Person) error) error {
	return d.Store.Together(ctx, func(ctx context.Context) error {
		now, err := d.Store.LockPerson(ctx, id)
		if err != nil {
			return err
		}
		if err := f(&now); err != nil {
			return err
		}
		if err := d.Store.ChangePerson(ctx, now); err != nil {
			return err
		}
		return d.Store.RemoveSessions(ctx, id)
	})
}

// ChangePassword is a person's own change, and begins a new session in the place of all
// others. [ErrSignIn] if the old password is wrong, or isn't theirs any more (who was
// given a new one meanwhile has that), or the person is locked out. It counts as at the
// sign-in.
func (d *Desk) ChangePassword(ctx context.Context, p Person, old, next string) (token string, err error) {
	if err := d.Proves(ctx, p, old); err != nil {
		return "", err
	}
	hash, err := d.hashing.hash(next)
	if err != nil {
		return "", err
	}
	token = newSecret()
	return token, d.Act(ctx, p.Actor(), func(ctx context.Context) (Entry, error) {
		err := d.change(ctx, p.ID, func(now *Person) error {
			if now.Password != p.Password {
				return ErrSignIn
			}
			now.Password, now.Failures, now.LockedUntil = hash, 0, time.Time{}
			return nil
		})
		if err != nil {
			return Entry{}, err
		}
		return Entry{Action: "password changed", Subject: p.Name}, d.put(ctx, token, p, false)
	})
}

// Enrol sets a second factor up if the code is right, gives recovery codes, and begins a new
// session in the place of all others; [ErrSignIn] if it is wrong, which counts as at the sign-in.
func (d *Desk) Enrol(
	ctx context.Context, p Person, key []byte, code string,
) (token string, recovery []string, err error) {
	if d.now().Before(p.LockedUntil) {
		return "", nil, ErrSignIn
	}
	step := stepOf(key, digits(code), d.now())
	if step == 0 {
		return "", nil, errors.Join(ErrSignIn, d.failed(ctx, p))
	}
	second := d.factors.Close(key, "")
	token = newSecret()
	err = d.Act(ctx, p.Actor(), func(ctx context.Context) (Entry, error) {
		err := d.change(ctx, p.ID, func(now *Person) (err error) {
			if now.Password != p.Password || len(now.TOTPKey) > 0 {
				return ErrSignIn // reset meanwhile, or set up at another browser
			}
			now.TOTPKey, now.LastTOTPStep = second, step
			recovery, err = d.putRecoveryCodes(ctx, p)
			return err
		})
		if err != nil {
			return Entry{}, err
		}
		return Entry{Action: "second factor set up", Subject: p.Name}, d.put(ctx, token, p, false)
	})
	return token, recovery, err
}

// Seal keeps the key of an enrolment in the page between its two steps.
func (d *Desk) Seal(key []byte) []byte { return d.factors.Close(key, "") }

// Unseal is the key again.
func (d *Desk) Unseal(sealed []byte) ([]byte, error) {
	plain, err := d.factors.Open(sealed, "")
	if err != nil {
		err = fmt.Errorf("a second factor can't be read: %w; give the person a new password, which starts anew", err)
	}
	return plain, err
}

// SignInExternal signs in somebody for whom an identity provider vouches, with the role
// and the domains that the claims give now.
func (d *Desk) SignInExternal(
	ctx context.Context, issuer, subject, name string, role Role, domains []string,
) (token string, p Person, err error) {
	for range 2 { // of two first sign-ins at the same time, one finds that the person is there
		token = newSecret()
		err = d.Store.Together(ctx, func(ctx context.Context) error {
			p, err = d.vouched(ctx, issuer, subject, func(p *Person) { p.Name, p.Role, p.Domains = name, role, domains })
			if err != nil {
				return err
			}
			return d.Act(ctx, p.Actor(), func(ctx context.Context) (Entry, error) {
				return Entry{Action: "signed in", Detail: "identity provider, subject " + subject}, d.put(ctx, token, p, false)
			})
		})
		if !errors.Is(err, ErrExists) {
			break
		}
	}
	return token, p, err
}

// vouched finds or adds somebody of an identity provider, as f makes them.
func (d *Desk) vouched(ctx context.Context, issuer, subject string, f func(*Person)) (Person, error) {
	p, err := d.Store.PersonBySubject(ctx, issuer, subject)
	if errors.Is(err, ErrUnknown) {
		p = Person{ID: newSecret()[:10], Issuer: issuer, Subject: subject, MadeAt: d.now().Truncate(time.Second)}
		f(&p)
		return p, d.Store.AddPerson(ctx, p)
	}
	if err == nil {
		p, err = d.Store.LockPerson(ctx, p.ID)
	}
	if err != nil {
		return p, err
	}
	f(&p)
	return p, d.Store.ChangePerson(ctx, p)
}

// put begins a session.
func (d *Desk) put(ctx context.Context, token string, p Person, enrolling bool) error {
	now := d.now()
	return d.Store.PutSession(ctx, hashOf(token), Session{Person: p.ID, MadeAt: now, SeenAt: now, Enrolling: enrolling})
}

// SessionPerson finds the person of a session, and counts as its use; [ErrUnknown] if it
// is over.
func (d *Desk) SessionPerson(ctx context.Context, token string) (Person, Session, error) {
	return d.session(ctx, token, true)
}

// WatchedSession is SessionPerson for a page that asks again by itself: the session ends
// as if it hadn't.
func (d *Desk) WatchedSession(ctx context.Context, token string) (Person, Session, error) {
	return d.session(ctx, token, false)
}

func (d *Desk) session(ctx context.Context, token string, used bool) (Person, Session, error) {
	hash := hashOf(token)
	s, err := d.Store.Session(ctx, hash)
	if err != nil {
		return Person{}, s, err
	}
	now := d.now()
	if s.over(now) {
		return Person{}, s, errors.Join(ErrUnknown, d.Store.RemoveSession(ctx, hash))
	}
	if used && now.After(s.SeenAt.Add(seenEvery)) {
		s.SeenAt = now
		if err := d.Store.RenewSession(ctx, hash, now); err != nil { // it may have ended since
			return Person{}, s, err
		}
	}
	p, err := d.Store.Person(ctx, s.Person)
	return p, s, err
}

// clockSkew is how far the clocks of two replicas may be apart.
const clockSkew = 5 * time.Minute

// over is also a session of the future: a clock that was ahead began it, or saw it, and
// it would last too long. None was seen before it began.
func (s Session) over(now time.Time) bool {
	return now.After(s.SeenAt.Add(SessionIdle)) || now.After(s.MadeAt.Add(SessionLife)) ||
		s.SeenAt.After(now.Add(clockSkew))
}

// SignOut ends a person's session.
func (d *Desk) SignOut(ctx context.Context, by Actor, token string) error {
	return d.Act(ctx, by, func(ctx context.Context) (Entry, error) {
		return Entry{Action: "signed out"}, d.Store.RemoveSession(ctx, hashOf(token))
	})
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
