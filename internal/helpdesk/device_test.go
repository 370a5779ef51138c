package helpdesk_test

import (
	"net/http"
	"testing"
	"time"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
)

// A stranger who knows a name, and comes from the same address (a proxy's), keeps a
// browser out that hasn't signed in before; one that has gets in.
func TestAStrangerLocksNoKnownBrowserOut(t *testing.T) {
	t.Parallel()
	start := time.Now()
	var ahead time.Duration
	now := func() time.Time { return start.Add(ahead) }
	o := servertest.NewOffice(t, func(o *servertest.Options) {
		o.Now = now
		o.Desk.Now = now
	})
	password, second := o.Add(t, "eva", staff.Staff, "example.com")
	signIn := func(v *servertest.Visitor, name, password string) int {
		r, _ := v.SignsIn(name, password, staff.Code(second, now()))
		return r.StatusCode
	}
	eva, stranger, other := o.Visitor(t), o.Visitor(t), o.Visitor(t)
	if got := signIn(eva, "eva", password); got != http.StatusSeeOther {
		t.Fatal(got)
	}
	eva.Post("/helpdesk/sign-out", nil)
	for range 25 {
		signIn(stranger, "eva", "x")
	}
	ahead = time.Minute // the code of another minute, in which some of that is forgiven
	for range 10 {
		signIn(stranger, "eva", "x")
	}
	if got := signIn(other, "eva", password); got != http.StatusTooManyRequests {
		t.Errorf("a browser that isn't known: %d", got)
	}
	if got := signIn(eva, "eva", password); got != http.StatusSeeOther {
		t.Errorf("a browser that is: %d", got)
	}
	// It is known for one name, and lets nobody guess: not even its own.
	if got := signIn(eva, "otto", "x"); got != http.StatusTooManyRequests {
		t.Errorf("under another name: %d", got)
	}
	for i := range 10 {
		want := http.StatusUnauthorized
		if i >= 5 {
			want = http.StatusTooManyRequests
		}
		if got := signIn(eva, "eva", "x"); got != want {
			t.Errorf("guess %d: %d, want %d", i, got, want)
		}
	}
	// Nor does it lift the lock for strangers.
	p, err := o.Desk.Store.PersonBySubject(t.Context(), "", "eva")
	if err != nil || !p.LockedUntil.After(now()) {
		t.Errorf("%+v %v", p, err)
	}
	ahead = 10 * time.Minute // the address is forgiven, the person not yet
	if got := signIn(other, "eva", password); got != http.StatusUnauthorized {
		t.Errorf("a browser that isn't known, with the right password, while the person is locked: %d", got)
	}
}

// What a browser keeps can't be made up, moved to another name or kept for ever.
func TestWhatAKnownBrowserKeeps(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	kept := o.Desk.NewDevice("eva")
	if o.Desk.Device(kept, "eva") == "" || o.Desk.Device(kept, "eva") == o.Desk.Device(o.Desk.NewDevice("eva"), "eva") {
		t.Error("a browser isn't known by itself")
	}
	for _, wrong := range []string{"", ".", "..", kept[1:], kept[:len(kept)-1], "x" + kept} {
		if o.Desk.Device(wrong, "eva") != "" {
			t.Errorf("%q is taken", wrong)
		}
	}
	if o.Desk.Device(kept, "otto") != "" {
		t.Error("it is taken for another name")
	}
	o.Desk.Now = func() time.Time { return time.Now().Add(staff.DeviceLife + time.Minute) }
	if o.Desk.Device(kept, "eva") != "" {
		t.Error("it is taken after its time")
	}
}

// A browser that has signed in by the identity provider counts apart too.
func TestAKnownBrowserAtTheProvider(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	now := time.Now()
	m.claims = map[string]any{"iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	o := m.office(t, func(o *servertest.Options) { o.Now = func() time.Time { return now } })
	eva, stranger := o.Visitor(t), o.Visitor(t)
	back := func(v *servertest.Visitor, query string) int {
		r, _ := v.Get("/helpdesk/oidc/callback?" + query + "&state=" + m.begin(t, v))
		return r.StatusCode
	}
	if got := back(eva, "code=x"); got != http.StatusSeeOther {
		t.Fatal(got)
	}
	for range 21 {
		back(stranger, "error=access_denied")
	}
	if got := back(stranger, "code=x"); got != http.StatusTooManyRequests {
		t.Errorf("a browser that isn't known: %d", got)
	}
	if got := back(eva, "code=x"); got != http.StatusSeeOther {
		t.Errorf("a browser that is: %d", got)
	}
}
