package helpdesk_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"autoconfig/internal/server/servertest"
	"autoconfig/internal/staff"
	"autoconfig/internal/web"
)

// What a client gets wrong at one replica counts at all of them.
func TestFailuresCountAtAllReplicas(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]func(t *testing.T) servertest.Ground{
		"sqlite": func(*testing.T) servertest.Ground { return servertest.Ground{} },
		"postgresql": func(t *testing.T) servertest.Ground {
			return servertest.Ground{Database: databases.PostgreSQL(t).Create(t)}
		},
		"mariadb": func(t *testing.T) servertest.Ground {
			return servertest.Ground{Database: databases.MariaDB(t).Create(t)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Now()
			o := at(t).Office(t, func(o *servertest.Options) { o.Now = func() time.Time { return now } })
			replicas := []*servertest.Service{o.Server, o.Twin(t)}
			for what, send := range map[string]struct {
				ask   func(s *servertest.Service) *http.Response
				wrong int
			}{
				"links": {func(s *servertest.Service) *http.Response {
					return servertest.Do(s.Public(false), http.MethodGet, servertest.WrongLink, "")
				}, http.StatusNotFound},
				"sign-ins": {func(s *servertest.Service) *http.Response {
					return servertest.Do(s.Staff(), http.MethodPost, o.Staff.URL+"/helpdesk/sign-in", "name=nobody&password=x", "Content-Type", servertest.FormType)
				}, http.StatusUnauthorized},
				"tokens": {func(s *servertest.Service) *http.Response {
					return servertest.Do(s.Staff(), http.MethodGet, o.Staff.URL+"/api/v1/links", "", "Authorization", "Bearer autoconfig_x")
				}, http.StatusUnauthorized},
			} {
				status := map[int]int{}
				for i := range 30 {
					status[send.ask(replicas[i%2]).StatusCode]++
				}
				if status[send.wrong] != 20 || status[http.StatusTooManyRequests] != 10 {
					t.Errorf("%s: %v", what, status)
				}
				if got := send.ask(o.Twin(t)).StatusCode; got != http.StatusTooManyRequests {
					t.Errorf("%s: a replica that has just started: %d", what, got)
				}
			}
			if entries := o.Entries(t); len(entries) != 20 {
				t.Errorf("%d entries in the audit log, want one for each sign-in that was tried", len(entries))
			}
			now = now.Add(time.Hour)
			if got := servertest.Do(replicas[1].Public(false), http.MethodGet, servertest.WrongLink, "").StatusCode; got != http.StatusNotFound {
				t.Errorf("an hour later: %d", got)
			}
		})
	}
}

// brokenFailures are a database that is down.
type brokenFailures struct{}

var errDown = errors.New("down")

func (brokenFailures) ForgivenAt(context.Context, string, []byte) (time.Time, error) {
	return time.Time{}, errDown
}

func (brokenFailures) AddFailure(context.Context, string, []byte, time.Time, time.Time, time.Duration) error {
	return errDown
}

// A database that can't be asked locks nobody out, and lets nobody guess on.
func TestFailuresWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	w := servertest.NewWorld(t, func(o *servertest.Options) { o.Failures = brokenFailures{} })
	status := map[int]int{}
	for range 30 {
		status[w.Ask(t, http.MethodGet, servertest.WrongLink, "").StatusCode]++
	}
	if status[http.StatusNotFound] != 20 || status[http.StatusTooManyRequests] != 10 {
		t.Errorf("%v", status)
	}
}

// countingFailures count the questions.
type countingFailures struct {
	web.Failures
	reads, writes int
}

func (c *countingFailures) ForgivenAt(ctx context.Context, kind string, client []byte) (time.Time, error) {
	c.reads++
	return c.Failures.ForgivenAt(ctx, kind, client)
}

func (c *countingFailures) AddFailure(ctx context.Context, kind string, client []byte, now, latest time.Time, each time.Duration) error {
	c.writes++
	if len(client) != 16 || strings.Contains(string(client), "192.0.2.1") {
		return errors.New("a client in clear")
	}
	return c.Failures.AddFailure(ctx, kind, client, now, latest, each)
}

// A client that is blocked costs the database nothing.
func TestABlockedClientCostsNothing(t *testing.T) {
	t.Parallel()
	counting := &countingFailures{}
	w := servertest.NewWorld(t, func(o *servertest.Options) {
		counting.Failures = o.Failures
		o.Failures = counting
	})
	for range 500 {
		w.Ask(t, http.MethodGet, servertest.WrongLink, "")
	}
	if counting.reads != 20 || counting.writes != 20 {
		t.Errorf("%d reads, %d writes", counting.reads, counting.writes)
	}
}

// A session is no place to guess the password, or a code: the same bounds hold as at
// the sign-in, and the log says so.
func TestGuessingAPasswordInASession(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t, servertest.ClockThatStands)
	v := o.SignedIn(t, "eva", staff.Staff, "example.com")
	password := reset(t, o, "root")
	root := o.Visitor(t)
	if r, _ := root.Post("/helpdesk/sign-in", url.Values{"name": {"root"}, "password": {password}}); r.StatusCode != http.StatusSeeOther {
		t.Fatal(r.Status)
	}
	_, page := root.Get("/helpdesk/enrol")
	sealed, _, _ := strings.Cut(strings.SplitAfter(page, `name="sealed" value="`)[1], `"`)
	for name, guess := range map[string]struct {
		visitor *servertest.Visitor
		path    string
		form    url.Values
		entry   string
	}{
		"eva":  {v, "/helpdesk/own", url.Values{"old": {"x"}, "new": {"a longer password"}}, "staff:eva: password change refused"},
		"root": {root, "/helpdesk/enrol", url.Values{"sealed": {sealed}, "code": {"1"}}, "staff:root: second factor refused"},
	} {
		for range 5 {
			if r, _ := guess.visitor.Post(guess.path, guess.form); r.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s: %s", guess.path, r.Status)
			}
		}
		p, err := o.Desk.Store.PersonBySubject(t.Context(), "", name)
		if err != nil || !p.LockedUntil.After(time.Now()) {
			t.Errorf("%s isn't locked: %+v %v", name, p, err)
		}
		if entries := strings.Join(o.Entries(t), "\n"); strings.Count(entries, guess.entry) != 5 {
			t.Errorf("%s: the log has\n%s", name, entries)
		}
	}
	known, unknown := map[int]int{}, map[int]int{}
	for range 40 {
		r, _ := v.Post("/helpdesk/own", url.Values{"old": {"x"}, "new": {"a longer password"}})
		known[r.StatusCode]++
		r, _ = root.Post("/helpdesk/enrol", url.Values{"sealed": {sealed}, "code": {"1"}})
		unknown[r.StatusCode]++
	}
	if known[http.StatusTooManyRequests] != 40 || unknown[http.StatusUnprocessableEntity] != 15 || unknown[http.StatusTooManyRequests] != 25 {
		t.Errorf("a browser that is known: %v, and one that isn't: %v", known, unknown)
	}
}

// Whoever is locked out can't change the password either, with the right one.
func TestALockHoldsInASession(t *testing.T) {
	t.Parallel()
	o := servertest.NewOffice(t)
	password := reset(t, o, "eva")
	p, err := o.Desk.Store.PersonBySubject(t.Context(), "", "eva")
	if err != nil {
		t.Fatal(err)
	}
	p.LockedUntil = time.Now().Add(time.Minute)
	if _, err := o.Desk.ChangePassword(t.Context(), p, password, "a longer password"); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("the right password: %v", err)
	}
	key := staff.NewTOTPKey()
	if _, _, err := o.Desk.Enrol(t.Context(), p, key, staff.Code(key, time.Now())); !errors.Is(err, staff.ErrSignIn) {
		t.Errorf("the right code: %v", err)
	}
}

// reset adds somebody without a second factor.
func reset(t *testing.T, o *servertest.Office, name string) (password string) {
	t.Helper()
	password, _, err := o.Desk.Add(t.Context(), staff.Actor{}, name, staff.Staff, []string{"example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return password
}

// An answer of an identity provider to nothing that this browser began writes
// nothing; one that it did is limited like a password.
func TestCallbacksThatNobodyBegan(t *testing.T) {
	t.Parallel()
	m := newMock(t)
	o := m.office(t, servertest.ClockThatStands)
	v := o.Visitor(t)
	for _, query := range []string{"", "?code=x", "?code=x&state=y", "?error=access_denied"} {
		for range 30 {
			if r, _ := v.Get("/helpdesk/oidc/callback" + query); r.StatusCode != http.StatusUnauthorized {
				t.Fatalf("%q: %s", query, r.Status)
			}
		}
	}
	if entries := o.Entries(t); len(entries) != 0 {
		t.Errorf("%q", entries)
	}
	status := map[int]int{}
	for range 30 {
		r, _ := v.Get("/helpdesk/oidc/callback?error=access_denied&state=" + m.begin(t, v))
		status[r.StatusCode]++
	}
	if status[http.StatusUnauthorized] != 20 || status[http.StatusTooManyRequests] != 10 {
		t.Errorf("%v", status)
	}
	if entries := o.Entries(t); len(entries) != 20 {
		t.Errorf("%d entries", len(entries))
	}
}
