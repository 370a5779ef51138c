package staff_test

import (
	"encoding/base32"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"autoconfig/internal/database"
	"autoconfig/internal/staff"
	"autoconfig/internal/store"
)

type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time          { return time.Unix(c.at.Load(), 0).UTC() }
func (c *clock) advance(d time.Duration) { c.at.Add(int64(d.Seconds())) }

func newDesk(t *testing.T) (*staff.Desk, *clock) {
	t.Helper()
	db, err := store.Open(t.Context(), database.MustParse("sqlite:"+t.TempDir()+"/staff.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	d, err := staff.NewDesk(db, []byte("a secret of the test"), false)
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{}
	c.at.Store(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).Unix())
	d.Now = c.now
	return d, c
}

// signIn takes both steps, the second one where it is asked for.
func signIn(t *testing.T, d *staff.Desk, name, password, code string) (token string, err error) {
	t.Helper()
	in, err := d.SignIn(t.Context(), false, name, password)
	if err != nil || in.Half == "" {
		return in.Token, err
	}
	if in.Token != "" {
		t.Errorf("a session before the second step")
	}
	p, err := d.Halfway(t.Context(), in.Half)
	if err != nil {
		return "", err
	}
	return d.SecondStep(t.Context(), false, p, code)
}

// RFC 6238, appendix B, SHA-1, last six of the eight digits.
func TestCodesOfTheStandard(t *testing.T) {
	t.Parallel()
	key := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := staff.Code(key, time.Unix(at, 0)); got != want {
			t.Errorf("at %d: %s, want %s", at, got, want)
		}
	}
	if url := staff.TOTPKeyURL("Example Mail", "eva & co", key); url != "otpauth://totp/Example%20Mail:eva%20&%20co?secret="+base32.StdEncoding.EncodeToString(key)+"&issuer=Example%20Mail" {
		t.Error(url)
	}
}

func TestAPersonSignsIn(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t)
	password, p, err := d.Add(t.Context(), staff.Actor{}, "eva", staff.Staff, []string{"example.com"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Add(t.Context(), staff.Actor{}, "eva", staff.Staff, []string{"*"}); !errors.Is(err, staff.ErrExists) {
		t.Errorf("twice: %v", err)
	}
	first, err := signIn(t, d, "eva", password, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, s, err := d.SessionPerson(t.Context(), first); err != nil || !s.Enrolling {
		t.Errorf("before the second factor: %+v %v", s, err)
	}
	key := staff.NewTOTPKey()
	if _, _, err := d.Enrol(t.Context(), p, key, "000000"); !errors.Is(err, staff.ErrSignIn) && staff.Code(key, c.now()) != "000000" {
		t.Errorf("a wrong code: %v", err)
	}
	p, _ = d.Store.Person(t.Context(), p.ID)
	second, _, err := d.Enrol(t.Context(), p, key, staff.Code(key, c.now()))
	if err != nil || second == first {
		t.Fatal(err)
	}
	if _, _, err := d.SessionPerson(t.Context(), first); !errors.Is(err, staff.ErrUnknown) {
		t.Errorf("the session before goes on: %v", err)
	}
	if who, s, err := d.SessionPerson(t.Context(), second); err != nil || s.Enrolling || who.Name != "eva" || who.Actor().Admin || !who.Actor().Serves("example.com") || who.Actor().Serves("example.net") {
		t.Errorf("%+v %v", who, err)
	}
	// The code that enrolled was used; the next one works once.
	for name, want := range map[string]bool{"used": false} {
		if _, err := signIn(t, d, "eva", password, staff.Code(key, c.now())); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	c.advance(30 * time.Second)
	var won atomic.Int64
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			if _, err := signIn(t, d, "eva", password, staff.Code(key, c.now())); err == nil {
				won.Add(1)
			}
		})
	}
	all.Wait()
	if won.Load() != 1 {
		t.Errorf("%d sign-ins with one code", won.Load())
	}
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t)
	begin := func() string {
		token, _, err := d.SignInExternal(t.Context(), "https://id.example", "17", "Eva", staff.Admin, []string{"*"})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	over := func(name, token string) {
		t.Helper()
		if _, _, err := d.SessionPerson(t.Context(), token); !errors.Is(err, staff.ErrUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	idle := begin()
	c.advance(staff.SessionIdle + time.Second)
	over("unused", idle)
	c.advance(-staff.SessionIdle)
	over("unused, and then the clock was set back", idle)
	c.advance(staff.SessionIdle)
	busy := begin()
	for range 12 {
		c.advance(59 * time.Minute)
		if _, _, err := d.SessionPerson(t.Context(), busy); err != nil {
			t.Fatal(err)
		}
	}
	c.advance(30 * time.Minute)
	over("older than a day's work", busy)
	watched := begin()
	for range 30 {
		c.advance(2 * time.Minute)
		if _, _, err := d.WatchedSession(t.Context(), watched); err != nil {
			t.Fatal(err)
		}
	}
	c.advance(time.Second)
	over("used by an open page alone", watched)
	ahead := begin() // by a clock that is corrected then
	c.advance(-time.Hour)
	over("of the future", ahead)
	seen := begin() // and was used while the clock was ahead
	c.advance(50 * time.Minute)
	if _, _, err := d.SessionPerson(t.Context(), seen); err != nil {
		t.Fatal(err)
	}
	c.advance(-50 * time.Minute)
	over("seen in the future", seen)
	nearly := begin() // at a replica whose clock is a little ahead
	c.advance(-time.Minute)
	if _, _, err := d.SessionPerson(t.Context(), nearly); err != nil {
		t.Errorf("a minute ahead: %v", err)
	}
	out := begin()
	if err := d.SignOut(t.Context(), staff.Actor{}, out); err != nil {
		t.Fatal(err)
	}
	over("signed out", out)
	removed := begin()
	p, _, err := d.SessionPerson(t.Context(), removed)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Store.RemovePerson(t.Context(), p.ID); err != nil {
		t.Fatal(err)
	}
	over("removed", removed)
	over("guessed", "x")
}

func TestLockOut(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t)
	password, p, err := d.Add(t.Context(), staff.Actor{}, "otto", staff.Staff, []string{"*"})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := signIn(t, d, "otto", "wrong", ""); !errors.Is(err, staff.ErrSignIn) {
			t.Fatal(err)
		}
	}
	if _, err := signIn(t, d, "otto", password, ""); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("locked, and in: %v", err)
	}
	c.advance(15*time.Minute + time.Second)
	if _, err := signIn(t, d, "otto", password, ""); err != nil {
		t.Errorf("after the lock: %v", err)
	}
	if _, err := signIn(t, d, "nobody", password, ""); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("nobody: %v", err)
	}
	p, _ = d.Store.Person(t.Context(), p.ID)
	if _, err := d.ChangePassword(t.Context(), p, "wrong", "a longer password"); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("change with a wrong one: %v", err)
	}
	if _, err := d.ChangePassword(t.Context(), p, password, "short"); !errors.Is(err, staff.ErrPassword) {
		t.Errorf("a short one: %v", err)
	}
	if _, err := d.ChangePassword(t.Context(), p, password, "a longer password"); err != nil {
		t.Fatal(err)
	}
	if _, err := signIn(t, d, "otto", "a longer password", ""); err != nil {
		t.Errorf("the new one: %v", err)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	d, c := newDesk(t)
	good := staff.Token{Name: "panel", Scopes: []string{"links:write"}, Domains: []string{"example.com"}, MadeBy: "command line", ExpiresAt: c.now().Add(time.Hour)}
	text, made, err := d.MakeToken(t.Context(), staff.Actor{}, good)
	if err != nil || !strings.HasPrefix(text, "autoconfig_") || len(text) < 37 {
		t.Fatal(text, err)
	}
	found, err := d.AuthenticateToken(t.Context(), text)
	if a := found.Actor(); err != nil || !a.May("links:write") || a.May("links:read") || a.Serves("example.net") || a.Admin {
		t.Errorf("%+v %v", found, err)
	}
	for _, wrong := range []string{"", text + "x", strings.ToUpper(text)} {
		if _, err := d.AuthenticateToken(t.Context(), wrong); !errors.Is(err, staff.ErrUnknown) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	c.advance(time.Hour)
	if _, err := d.AuthenticateToken(t.Context(), text); !errors.Is(err, staff.ErrUnknown) {
		t.Errorf("expired: %v", err)
	}
	if err := d.Store.RemoveToken(t.Context(), made.ID); err != nil {
		t.Fatal(err)
	}
	if err := d.Store.RemoveToken(t.Context(), made.ID); !errors.Is(err, staff.ErrUnknown) {
		t.Errorf("twice: %v", err)
	}
	for name, change := range map[string]func(*staff.Token){
		"no name":       func(t *staff.Token) { t.Name = "" },
		"no scope":      func(t *staff.Token) { t.Scopes = nil },
		"another scope": func(t *staff.Token) { t.Scopes = []string{"all"} },
		"no domain":     func(t *staff.Token) { t.Domains = nil },
		"over":          func(t *staff.Token) { t.ExpiresAt = c.now() },
		"for ever":      func(t *staff.Token) { t.ExpiresAt = c.now().AddDate(2, 0, 0) },
	} {
		wrong := good
		wrong.ExpiresAt = c.now().Add(time.Hour)
		change(&wrong)
		if _, _, err := d.MakeToken(t.Context(), staff.Actor{}, wrong); !errors.Is(err, staff.ErrToken) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
