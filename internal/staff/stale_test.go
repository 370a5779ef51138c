package staff_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"autoconfig/internal/staff"
)

// between does something after a question was answered and before the answer is used.
type between struct {
	staff.Store
	then func()
}

func (b *between) happens() {
	if then := b.then; then != nil {
		b.then = nil
		then()
	}
}

func (b *between) Session(ctx context.Context, hash []byte) (staff.Session, error) {
	s, err := b.Store.Session(ctx, hash)
	b.happens()
	return s, err
}

func (b *between) PersonBySubject(ctx context.Context, issuer, subject string) (staff.Person, error) {
	p, err := b.Store.PersonBySubject(ctx, issuer, subject)
	b.happens()
	return p, err
}

// A session that ends while it is being used stays ended.
func TestAnEndedSessionStaysEnded(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t)
	token, p, err := d.SignInExternal(t.Context(), "https://id.example", "17", "Eva", staff.Staff, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	c.advance(2 * time.Minute) // its use is written down again
	store := d.Store
	d.Store = &between{store, func() {
		if err := store.RemoveSessions(t.Context(), p.ID); err != nil {
			t.Error(err)
		}
	}}
	for range 2 {
		if who, _, err := d.SessionPerson(t.Context(), token); !errors.Is(err, staff.ErrUnknown) {
			t.Errorf("it goes on, of %q: %v", who.Name, err)
		}
	}
}

// Who is given a new password has that one, whatever was begun with the old one before.
func TestAResetWins(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t)
	old, p, err := d.Add(t.Context(), staff.Actor{}, "eva", staff.Staff, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	stale, err := d.Store.Person(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	next := ""
	reset := func() {
		if next, err = d.Reset(t.Context(), staff.Actor{Name: "command line"}, p); err != nil {
			t.Error(err)
		}
	}
	store := d.Store
	d.Store = &between{store, reset}
	if token, err := signIn(t, d, "eva", old, ""); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("a sign-in with the old password: %v", err)
	} else if _, _, err := d.SessionPerson(t.Context(), token); !errors.Is(err, staff.ErrUnknown) {
		t.Errorf("its session: %v", err)
	}
	if token, err := d.ChangePassword(t.Context(), stale, old, "what somebody else knows"); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("a change of the old password: %q %v", token, err)
	}
	key := staff.NewTOTPKey()
	if _, _, err := d.Enrol(t.Context(), stale, key, staff.Code(key, c.now())); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("a second factor of who knew the old password: %v", err)
	}
	if _, err := signIn(t, d, "eva", next, ""); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if now, err := d.Store.Person(t.Context(), p.ID); err != nil || len(now.TOTPKey) > 0 {
		t.Errorf("%+v %v", now, err)
	}
}

// Of two who begin for the first time at once, or set a second factor up in two
// browsers, each is one person with one factor.
func TestASecondFactorIsSetUpOnce(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t)
	_, p, err := d.Add(t.Context(), staff.Actor{}, "otto", staff.Staff, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, staff.ErrSignIn} {
		key := staff.NewTOTPKey()
		if _, _, err := d.Enrol(t.Context(), p, key, staff.Code(key, c.now())); !errors.Is(err, want) {
			t.Errorf("%d: %v", i, err)
		}
	}
}
