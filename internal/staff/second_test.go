package staff_test

import (
	"errors"
	"testing"
	"time"

	"autoconfig/internal/staff"
)

// enrolled adds somebody with a second factor, whose code of now isn't used up.
func enrolled(t *testing.T, d *staff.Desk, c *clock, name string) (password string, key []byte) {
	t.Helper()
	password, p, err := d.Add(t.Context(), staff.Actor{}, name, staff.Staff, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	key = staff.NewTOTPKey()
	if _, _, err := d.Enrol(t.Context(), p, key, staff.Code(key, c.now())); err != nil {
		t.Fatal(err)
	}
	c.advance(time.Minute)
	return password, key
}

// A code is asked for after the right password only, and in time. Wrong codes lock out as
// wrong passwords do, and right passwords in between don't let one guess on.
func TestTheSecondStep(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t)
	password, key := enrolled(t, d, c, "eva")
	half := func() string {
		t.Helper()
		in, err := d.SignIn(t.Context(), false, "eva", password)
		if err != nil || in.Half == "" || in.Token != "" {
			t.Fatalf("%+v %v", in, err)
		}
		return in.Half
	}
	for _, name := range []string{"eva", "nobody"} {
		if in, err := d.SignIn(t.Context(), false, name, "wrong"); !errors.Is(err, staff.ErrSignIn) || in.Half != "" || in.Token != "" {
			t.Errorf("%s: a wrong password gives %+v, %v", name, in, err)
		}
	}
	first := half()
	for _, forged := range []string{"", "x", first[:len(first)-4], first + "AAAA", d.Shown("", "eva")} {
		if p, err := d.Halfway(t.Context(), forged); !errors.Is(err, staff.ErrUnknown) {
			t.Errorf("%q is taken, for %q: %v", forged, p.Name, err)
		}
	}
	c.advance(staff.HalfLife)
	if _, err := d.Halfway(t.Context(), first); !errors.Is(err, staff.ErrUnknown) {
		t.Errorf("too late: %v", err)
	}
	for i := range 4 { // with the wrong password: five
		p, err := d.Halfway(t.Context(), half())
		if err != nil {
			t.Fatal(i, err)
		}
		if _, err := d.SecondStep(t.Context(), false, p, "x"); !errors.Is(err, staff.ErrSignIn) {
			t.Errorf("a wrong code: %v", err)
		}
	}
	if in, err := d.SignIn(t.Context(), false, "eva", password); !errors.Is(err, staff.ErrSignIn) || in.Half != "" {
		t.Errorf("locked: %+v %v", in, err)
	}
	in, err := d.SignIn(t.Context(), true, "eva", password)
	if err != nil {
		t.Fatalf("a browser that is known: %v", err)
	}
	p, err := d.Halfway(t.Context(), in.Half)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.SecondStep(t.Context(), false, p, staff.Code(key, c.now())); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("locked, and the right code in a browser that isn't known: %v", err)
	}
	if token, err := d.SecondStep(t.Context(), true, p, staff.Code(key, c.now())); err != nil || token == "" {
		t.Errorf("in one that is: %v", err)
	}
	// A new password or second factor ends what was begun with the old one.
	c.advance(16 * time.Minute)
	before := half()
	if _, err := d.Reset(t.Context(), staff.Actor{}, p); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Halfway(t.Context(), before); !errors.Is(err, staff.ErrUnknown) {
		t.Errorf("the old password, after a new one was given: %v", err)
	}
	if _, err := d.SecondStep(t.Context(), false, p, staff.Code(key, c.now())); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("begun before, and ended after: %v", err)
	}
}

// What is shown once is for one session, and not for long.
func TestWhatIsShownOnce(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t)
	kept := d.Shown("a session", "the password")
	if got := d.ToShow("a session", kept); got != "the password" {
		t.Errorf("%q", got)
	}
	if got := d.ToShow("another", kept); got != "" {
		t.Errorf("another session is shown %q", got)
	}
	c.advance(2 * time.Minute)
	if got := d.ToShow("a session", kept); got != "" {
		t.Errorf("two minutes later %q", got)
	}
}
